"""Leases of a row of the grid: of one suggestion, by its confidence."""

import asyncio
import contextlib
import random
import sqlite3
from collections import Counter
from functools import partial

import pytest

from services.subtask_manager import domain
from services.subtask_manager import row as rows
from services.subtask_manager.refusals import TaskCancelled
from services.subtask_manager.row import Row
from services.subtask_manager.store.codec import SUBTASKS
from services.subtask_manager.store.sqlite.schema import STEPS
from services.subtask_manager.subtask import Lease
from shared.sqlite.migrations import migrate
from shared.teams import FIRST_TEAM
from tests.contract.operators import claim, give_back, open_all, subtask_ids, tokens_of, vote, vote_on_all
from tests.contract.subtask_scenes import SUGGESTING, TASK, TOLD, find
from tests.unit.subtask_builders import LEASE_S, T0, brief, detector, opened, prelabel

CATS = Row(label="cat")


async def suggest(at, of, confidences, *, label="cat", first=0):
    """Open subtasks of which the detector is this sure; their ids."""
    ids = subtask_ids(len(confidences), first=first)
    await open_all(at.store, of, ids)
    for subtask_id, confidence in zip(ids, confidences, strict=True):
        await at.store.update(subtask_id, partial(domain.apply_prelabel, prelabel=prelabel(label, confidence)))
    return ids


async def claim_row(store, operator, count, row=CATS, task_id=TASK):
    def grant(subtask, of, now):
        wanted = Lease(operator=operator, token=f"token of {operator}", expires_at=now + LEASE_S)
        return rows.grant_lease(subtask, of, now, row=row, lease=wanted)

    return await store.claim_row(FIRST_TEAM, operator, task_id=task_id, row=row, count=count, grant=grant)


def ids_of(got):
    return [subtask.id for subtask, _ in got.held]


async def test_only_that_suggestion_comes_the_most_or_the_least_sure_first(subtasks):
    cats = await suggest(subtasks, TOLD, [0.7, 0.95, 0.5, 0.8])
    await suggest(subtasks, TOLD, [0.99, 0.6], label="dog", first=10)
    await open_all(subtasks.store, TOLD, subtask_ids(3, first=20))
    sure = await claim_row(subtasks.store, "ann", 2)
    assert ids_of(sure) == [cats[1], cats[3]]
    assert not sure.is_cut_short
    rising = await claim_row(subtasks.store, "bob", 9, Row(label="cat", is_rising=True))
    assert ids_of(rising) == [cats[2], cats[0]], "ann holds the others"
    assert (rising.is_cut_short, rising.reached) == (False, None)


async def test_the_least_confidence_counts_exactly(subtasks):
    cats = await suggest(subtasks, TOLD, [0.6, 0.6 - 1e-12, 1.0])
    got = await claim_row(subtasks.store, "ann", 9, Row(label="cat", min_confidence=0.6))
    assert ids_of(got) == [cats[2], cats[0]]


async def test_live_ones_of_the_row_come_first_and_count(subtasks):
    cats = await suggest(subtasks, TOLD, [0.9, 0.8, 0.7])
    dogs = await suggest(subtasks, TOLD, [0.9], label="dog", first=10)
    await claim_row(subtasks.store, "ann", 1, Row(label="dog"))
    assert ids_of(await claim_row(subtasks.store, "ann", 1)) == cats[:1]
    assert ids_of(await claim_row(subtasks.store, "ann", 2)) == cats[:2]
    assert {*ids_of(await claim(subtasks.store, "ann", 9))} == {*cats, *dogs}, "the same leases as everywhere"


async def test_who_holds_many_of_a_task_is_granted_no_more(subtasks, monkeypatch):
    monkeypatch.setattr(rows, "MAX_HELD", 3)
    await suggest(subtasks, TOLD, [0.9, 0.8, 0.7])
    await suggest(subtasks, TOLD, [0.9, 0.8, 0.7], label="dog", first=10)
    assert len(ids_of(await claim_row(subtasks.store, "ann", 2))) == 2
    assert len(ids_of(await claim_row(subtasks.store, "ann", 3, Row(label="dog")))) == 1


@pytest.mark.parametrize("mode", ["off", "vote"])
async def test_what_operators_are_not_shown_is_in_no_row(subtasks, mode):
    await suggest(subtasks, brief(detector=detector(mode)), [0.9, 0.8])
    assert ids_of(await claim_row(subtasks.store, "ann", 9)) == []


async def test_where_the_detector_is_silent_to_measure_it_nothing_comes(subtasks):
    of = brief(detector=detector("suggest", audit_share=0.5))
    cats = await suggest(subtasks, of, [0.9] * 40)
    shown = {one for one in cats if not domain.is_audited(of, one)}
    assert 0 < len(shown) < 40
    assert {*ids_of(await claim_row(subtasks.store, "ann", 40))} == shown


async def test_what_was_voted_or_skipped_or_has_ended_comes_no_more_to_its_operator(subtasks):
    of = brief(votes_required=2, stop="exact", detector=SUGGESTING)
    cats = await suggest(subtasks, of, [0.9, 0.8, 0.7])
    await vote_on_all(subtasks.store, "ann", await claim_row(subtasks.store, "ann", 1))
    assert ids_of(await claim_row(subtasks.store, "ann", 9)) == cats[1:]
    await vote_on_all(subtasks.store, "bob", await claim_row(subtasks.store, "bob", 1))
    assert (await find(subtasks, cats[0])).state == "completed"
    assert ids_of(await claim_row(subtasks.store, "eve", 9)) == cats[1:]


async def test_a_place_comes_again_once_its_lease_is_given_back_or_lapses(subtasks):
    cats = await suggest(subtasks, TOLD, [0.9, 0.8])
    await claim_row(subtasks.store, "ann", 2)
    assert ids_of(await claim_row(subtasks.store, "bob", 2)) == []
    await give_back(subtasks.store, "ann", cats[0])
    assert ids_of(await claim_row(subtasks.store, "bob", 2)) == cats[:1]
    subtasks.clock.now += LEASE_S
    assert ids_of(await claim_row(subtasks.store, "eve", 2)) == cats


async def test_a_request_looks_so_far_and_the_next_goes_on_behind(subtasks, monkeypatch):
    monkeypatch.setattr(rows, "LOOK", 4)
    monkeypatch.setattr(rows, "TRIES", 3)
    of = brief(votes_required=2, stop="exact", detector=SUGGESTING)
    cats = await suggest(subtasks, of, [0.9 - number / 100 for number in range(10)])
    for _ in range(3):
        await vote_on_all(subtasks.store, "ann", await claim_row(subtasks.store, "ann", 1))
    stuck = await claim_row(subtasks.store, "ann", 2)
    assert (ids_of(stuck), stuck.is_cut_short) == ([], True), "her own votes are all that she looked at"
    seen, after = [], stuck.reached
    while after is not None:
        got = await claim_row(subtasks.store, "ann", 100, Row(label="cat", after=after))
        seen, after = ids_of(got), got.reached
    assert {*seen} == {*cats[3:]}


async def test_a_task_that_is_unknown_has_no_row_and_a_cancelled_one_says_so(subtasks):
    assert ids_of(await claim_row(subtasks.store, "ann", 1)) == []
    await suggest(subtasks, TOLD, [0.9])
    await subtasks.store.cancel(TASK)
    with pytest.raises(TaskCancelled):
        await claim_row(subtasks.store, "ann", 1)


def test_what_an_earlier_release_kept_gets_its_place_in_a_row(tmp_path):
    first, second = subtask_ids(2)
    seen = domain.apply_prelabel(opened(TOLD, subtask_id=first), TOLD, T0, prelabel=prelabel("cat", 0.9)).state
    with contextlib.closing(sqlite3.connect(tmp_path / "old.sqlite", isolation_level=None)) as db:
        migrate(db, STEPS[:4], "old")
        for one in (seen, opened(TOLD, subtask_id=second)):
            row = (one.id, one.task_id, one.slot, one.state, one.available_at, 0, SUBTASKS.text(one))
            db.execute("INSERT INTO subtasks VALUES (?,?,?,?,?,?,?)", row)
        migrate(db, STEPS, "old")
        kept = {found: place for found, *place in db.execute("SELECT id, suggested, rank FROM subtasks")}
    assert kept == {first: [*rows.place_of(seen)], second: [None, None]}


async def test_what_has_ended_or_was_removed_leaves_its_row(subtasks):
    cats = await suggest(subtasks, TOLD, [0.9, 0.8, 0.7])
    [voted] = await vote_on_all(subtasks.store, "ann", await claim_row(subtasks.store, "ann", 1))
    await subtasks.store.remove(domain.removed(TASK, cats[1], T0, object_key="key"))
    assert voted == cats[0]
    assert ids_of(await claim_row(subtasks.store, "bob", 9)) == cats[2:]


async def test_however_many_race_for_a_row_no_image_has_more_people_than_places(subtasks):
    of = brief(votes_required=2, stop="exact", detector=SUGGESTING)
    cats = await suggest(subtasks, of, [random.random() for _ in range(12)])

    async def work(operator: str) -> None:
        while (held := await claim_row(subtasks.store, operator, 4)).held:
            for subtask_id, token in tokens_of(held, operator).items():
                assert len((await find(subtasks, subtask_id)).leases) <= 2
                await vote(subtasks.store, operator, subtask_id, "cat", token)

    await asyncio.gather(*(work(f"operator {number}") for number in range(12)))
    ended = [await find(subtasks, one) for one in cats]
    assert Counter((one.state, len(one.votes)) for one in ended) == {("completed", 2): 12}


@pytest.mark.parametrize("count", [1, 20])
async def test_a_row_costs_the_same_however_many_images_there_are(subtasks, count):
    await suggest(subtasks, TOLD, [number / 100 for number in range(40)])
    with subtasks.counting() as few:
        assert len(ids_of(await claim_row(subtasks.store, "ann", count))) == count
    await subtasks.store.cancel(TASK)
    many = brief(votes_required=1, detector=SUGGESTING, task_id="22" * 16)
    await suggest(subtasks, many, [number / 400 for number in range(400)], first=100)
    with subtasks.counting() as more:
        assert len(ids_of(await claim_row(subtasks.store, "ann", count, task_id=many.task_id))) == count
    assert len(more.commands) == len(few.commands)
