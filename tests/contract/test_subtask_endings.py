"""Subtasks of cancelled tasks, and disputed ones."""

import asyncio

import pytest

from services.subtask_manager import domain
from services.subtask_manager.doubts import doubt
from services.subtask_manager.refusals import TaskCancelled
from services.subtask_manager.subtask import Doubt, Finish
from shared.errors import NotFound
from shared.teams import FIRST_TEAM
from tests.contract.adapters import told
from tests.contract.operators import (
    claim,
    dispute,
    granting,
    open_all,
    subtask_ids,
)
from tests.contract.subtask_scenes import OLDER, ONE_VOTE, TASK, TOLD
from tests.unit.subtask_builders import brief, with_votes


async def test_a_cancelled_task_is_gone_at_once_and_cannot_be_opened_again(subtasks):
    await open_all(subtasks.store, ONE_VOTE, subtask_ids(3))
    await claim(subtasks.store, "ann", 1)
    await subtasks.store.cancel(TASK)
    await subtasks.store.cancel(TASK)
    with pytest.raises(TaskCancelled):
        await subtasks.store.find(subtask_ids(1)[0])
    with pytest.raises(TaskCancelled):
        await subtasks.store.update(subtask_ids(1)[0], granting("bob"))
    with pytest.raises(TaskCancelled):
        await claim(subtasks.store, "ann", 3, task_id=TASK)
    got = await claim(subtasks.store, "ann", 3)
    assert (got.held, got.is_cut_short, got.waiting_for_others) == ((), False, 0)
    assert await open_all(subtasks.store, ONE_VOTE, subtask_ids(2, first=2)) == [False, False]


async def test_a_tombstone_may_come_before_the_task(subtasks):
    await subtasks.store.cancel(TASK)
    assert await open_all(subtasks.store, TOLD, subtask_ids(3)) == [False] * 3
    assert await told(subtasks) == []
    assert (await claim(subtasks.store, "ann", 3)).waiting_for_others == 0
    with pytest.raises(NotFound):
        await subtasks.store.find(subtask_ids(1)[0])
    assert await subtasks.store.purge(TASK, 10) == 0


async def test_opening_races_with_the_tombstone(subtasks):
    outcomes = await asyncio.gather(
        open_all(subtasks.store, TOLD, subtask_ids(20)),
        subtasks.store.cancel(TASK),
        open_all(subtasks.store, TOLD, subtask_ids(20, first=20)),
    )
    opened = sum(outcomes[0]) + sum(outcomes[2])
    assert await subtasks.store.purge(TASK, 100) == opened
    assert (await claim(subtasks.store, "ann", 3)).waiting_for_others == 0


async def test_purge_removes_so_many_at_a_time_of_a_cancelled_task_alone(subtasks):
    await open_all(subtasks.store, ONE_VOTE, subtask_ids(25))
    await open_all(subtasks.store, OLDER, subtask_ids(5, first=25))
    await claim(subtasks.store, "ann", 8, task_id=TASK)
    assert await subtasks.store.purge(TASK, 10) == 0
    await subtasks.store.cancel(TASK)
    assert [await subtasks.store.purge(TASK, 10) for _ in range(4)] == [10, 10, 5, 0]
    assert len((await claim(subtasks.store, "ann", 20)).held) == 5
    assert await open_all(subtasks.store, ONE_VOTE, subtask_ids(1)) == [False]


async def test_disputes_come_in_pages_in_the_order_of_their_ids(subtasks):
    await open_all(subtasks.store, brief(), subtask_ids(12))
    await open_all(subtasks.store, OLDER, subtask_ids(3, first=12))
    disputed = [*subtask_ids(10)[::2], *subtask_ids(3, first=12)]
    for subtask_id in disputed:
        await dispute(subtasks.store, subtask_id)
    page, seen = await subtasks.store.disputes(FIRST_TEAM, task_id=None, after="", limit=3), []
    while page:
        assert len(page) <= 3
        seen += [subtask.id for subtask, _ in page]
        page = await subtasks.store.disputes(FIRST_TEAM, task_id=None, after=seen[-1], limit=3)
    assert seen == disputed
    of_one = await subtasks.store.disputes(FIRST_TEAM, task_id=OLDER.task_id, after="", limit=10)
    assert [(subtask.id, of) for subtask, of in of_one] == [(one, OLDER) for one in disputed[-3:]]


async def test_disputes_are_counted_to_a_limit_by_one_look(subtasks):
    costs = []
    for number in range(30):
        await open_all(subtasks.store, brief(), subtask_ids(1, first=number))
        await dispute(subtasks.store, subtask_ids(1, first=number)[0])
        with subtasks.counting() as cost:
            assert await subtasks.store.count_disputes(FIRST_TEAM, 10) == min(number + 1, 10)
        costs.append(cost)
    assert [len(cost.commands) for cost in costs] == [1] * 30
    assert max(cost.steps for cost in costs) <= costs[9].steps + 10, "what is past the limit is not looked at"


async def test_a_page_of_disputes_is_full_though_a_cancelled_task_lies_between(subtasks):
    """A page with less than was asked for ends the list: what lies behind would never be seen."""
    await open_all(subtasks.store, brief(), subtask_ids(3))
    await open_all(subtasks.store, OLDER, subtask_ids(3, first=3))
    for subtask_id in subtask_ids(6):
        await dispute(subtasks.store, subtask_id)
    await subtasks.store.cancel(TASK)
    page = await subtasks.store.disputes(FIRST_TEAM, task_id=None, after="", limit=3)
    assert [subtask.id for subtask, _ in page] == subtask_ids(3, first=3)


async def test_an_adjudicated_dispute_leaves_the_list_and_is_told(subtasks):
    await open_all(subtasks.store, brief(), subtask_ids(1))
    await dispute(subtasks.store, subtask_ids(1)[0])

    def judge(subtask, of, now):
        return domain.adjudicate(subtask, of, by="judge", label="cat", reason="seen", now=now)

    await asyncio.gather(*(subtasks.store.update(subtask_ids(1)[0], judge) for _ in range(20)))
    assert await subtasks.store.disputes(FIRST_TEAM, task_id=None, after="", limit=3) == []
    assert [kind for _, kind in await told(subtasks)] == ["subtask.disputed.v1", "subtask.adjudicated.v1"]


async def test_a_doubted_image_waits_among_the_disputes_until_it_is_decided(subtasks):
    await open_all(subtasks.store, brief(), subtask_ids(2))
    (image, _) = subtask_ids(2)
    why = Doubt(label="dog", method="ds", run_id="r", by="ann", at=1.0)
    order = Finish(by="client", reason="late")
    rules = (
        lambda subtask, of, now: domain.finish(with_votes(subtask, "cat"), of, now, order=order),
        lambda subtask, of, now: doubt(subtask, of, now, doubt=why, revision=1),
    )
    for rule in rules:
        assert await subtasks.store.disputes(FIRST_TEAM, task_id=None, after="", limit=3) == []
        await subtasks.store.update(image, rule)
    (waiting,) = await subtasks.store.disputes(FIRST_TEAM, task_id=None, after="", limit=3)
    assert (waiting[0].id, waiting[0].state, waiting[0].doubt) == (image, "completed", why)
    assert await subtasks.store.count_disputes(FIRST_TEAM, 10) == 1
    await subtasks.store.update(
        image, lambda subtask, of, now: domain.adjudicate(subtask, of, now, by="judge", label="cat", reason="seen")
    )
    assert await subtasks.store.disputes(FIRST_TEAM, task_id=None, after="", limit=3) == []
    assert await subtasks.store.count_disputes(FIRST_TEAM, 10) == 0
    assert [kind for _, kind in await told(subtasks)] == ["subtask.completed.v1", "subtask.adjudicated.v1"]
