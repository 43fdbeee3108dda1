"""Tasks whose images come by how sure the detector is of its suggestion."""

import random
from functools import partial

import pytest

from services.subtask_manager import domain
from tests.contract.operators import claim, claim_all, open_all, subtask_ids, vote_on_all
from tests.unit.subtask_builders import brief, detector, prelabel

COUNT = 150


def ranked(order: str, *, task_id: str = "7a" * 16, **fields):
    return brief(votes_required=1, order=order, detector=detector("suggest", **fields), task_id=task_id)


async def prelabeled(at, of, ids: list[str]) -> dict[str, float]:
    """These subtasks, suggested for in any order; their confidences."""
    chance = random.Random(3)
    confidence = {subtask_id: chance.randrange(25, 100) / 100 for subtask_id in ids}
    for subtask_id in chance.sample(ids, len(ids)):
        rule = partial(domain.apply_prelabel, prelabel=prelabel("cat", confidence[subtask_id]))
        await at.store.update(subtask_id, lambda subtask, of, now, rule=rule: rule(subtask, of, now))
    return confidence


@pytest.mark.parametrize("order", ["uncertain", "confident"])
async def test_operators_walk_a_task_by_confidence(subtasks, order):
    of, ids = ranked(order), subtask_ids(COUNT)
    await open_all(subtasks.store, of, ids)
    assert not (await claim_all(subtasks.store, "eve", 1)).held, "the detector goes first"
    confidence = await prelabeled(subtasks, of, ids)
    walked: list[str] = []
    subtasks.clock.now += 1
    while got := await vote_on_all(subtasks.store, "ann", await claim_all(subtasks.store, "ann", 7)):
        walked += got
    assert sorted(walked) == ids
    found = [confidence[subtask_id] for subtask_id in walked]
    assert found == sorted(found, reverse=order == "confident")


@pytest.mark.parametrize("order", ["uncertain", "confident"])
async def test_without_a_detector_all_of_them_come_once_it_was_waited_for(subtasks, order):
    of, ids = ranked(order), subtask_ids(20)
    await open_all(subtasks.store, of, ids)
    subtasks.clock.now += of.terms.detector.prelabel_wait_s
    assert sorted(await vote_on_all(subtasks.store, "ann", await claim_all(subtasks.store, "ann", 20))) == ids


async def test_a_suggestion_that_comes_late_hides_no_image(subtasks):
    """Ann has passed the places to which it moves them."""
    of, ids = ranked("confident"), subtask_ids(20)
    await open_all(subtasks.store, of, ids)
    subtasks.clock.now += of.terms.detector.prelabel_wait_s
    voted = await vote_on_all(subtasks.store, "ann", await claim_all(subtasks.store, "ann", 10))
    left = sorted(set(ids) - set(voted))
    subtasks.clock.now += 1
    await prelabeled(subtasks, of, left)
    while got := await vote_on_all(subtasks.store, "ann", await claim_all(subtasks.store, "ann", 3)):
        subtasks.clock.now += 1
        voted += got
    assert sorted(voted) == ids


async def test_a_lease_costs_what_it_costs_in_any_order(subtasks):
    costs = {}
    for number, order in enumerate(("upload", "confident")):
        of, ids = ranked(order, task_id=f"{number:032x}"), subtask_ids(COUNT, first=1_000 * number)
        places = {one: domain.slot_of(one) for one in ids} if order == "upload" else None
        await open_all(subtasks.store, of, ids, places=places)
        await prelabeled(subtasks, of, ids)
        subtasks.clock.now += 1
        with subtasks.counting() as cost:
            got = await claim(subtasks.store, "bob", 10, task_id=of.task_id)
        assert len(got.held) == 10
        costs[order] = (len(cost.commands), cost.steps)
    (commands, steps), (plain_commands, plain_steps) = costs["confident"], costs["upload"]
    assert commands <= plain_commands + 1, costs  # a busy machine may read the brief anew
    assert steps <= 1.2 * plain_steps + 200, costs
