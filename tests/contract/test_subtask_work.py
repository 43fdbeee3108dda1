"""What there is to work on: a look at the oldest tasks, from where each operator stands."""

from dataclasses import replace

import pytest

from services.subtask_manager import work as works
from services.subtask_manager.search import MAX_TASKS
from services.subtask_manager.work import Work
from shared.teams import FIRST_TEAM
from tests.contract.operators import (
    claim,
    claim_all,
    give_back,
    open_all,
    skip,
    subtask_ids,
    tokens_of,
    vote,
    vote_on_all,
)
from tests.contract.subtask_scenes import OLDER, ONE_VOTE, TASK
from tests.unit.subtask_builders import LEASE_S, T0, brief

THREE = brief(votes_required=3, stop="exact")


async def told(at, operator):
    return {
        work.brief.task_id: (work.is_open, work.waiting_for_others)
        for work in await at.store.work(FIRST_TEAM, operator)
    }


async def test_the_oldest_task_comes_first_with_its_brief(subtasks):
    named = replace(ONE_VOTE, name="cats and dogs")
    await subtasks.store.keep_brief(named)
    await open_all(subtasks.store, named, subtask_ids(2))
    await open_all(subtasks.store, OLDER, subtask_ids(1, first=10))
    assert await subtasks.store.work(FIRST_TEAM, "ann") == [
        Work(brief=OLDER, is_open=True, waiting_for_others=0),
        Work(brief=named, is_open=True, waiting_for_others=0),
    ]


@pytest.mark.parametrize("count", [1, 40, 200])
async def test_what_all_is_voted_on_waits_for_others(subtasks, count):
    await open_all(subtasks.store, THREE, subtask_ids(count))
    assert await told(subtasks, "ann") == {TASK: (True, 0)}
    while (got := await claim_all(subtasks.store, "ann", 100)).held:
        assert (await told(subtasks, "ann"))[TASK][0], "held"
        await vote_on_all(subtasks.store, "ann", got)
    assert await told(subtasks, "ann") == {TASK: (False, min(count, works.MAX_COUNTED))}
    assert await told(subtasks, "bob") == {TASK: (True, 0)}


async def test_a_look_grants_nothing_and_changes_nothing(subtasks):
    await open_all(subtasks.store, ONE_VOTE, subtask_ids(3))
    before = await subtasks.store.find_each(subtask_ids(3))
    for _ in range(3):
        assert await told(subtasks, "ann") == {TASK: (True, 0)}
    assert await subtasks.store.find_each(subtask_ids(3)) == before
    assert len((await claim(subtasks.store, "ann", 9)).held) == 3


async def test_what_others_hold_is_open_again_once_it_lapses_or_is_given_back(subtasks):
    [subtask_id] = subtask_ids(1)
    await open_all(subtasks.store, ONE_VOTE, [subtask_id])
    await claim(subtasks.store, "ann", 1)
    assert await told(subtasks, "ann") == {TASK: (True, 0)}
    assert await told(subtasks, "bob") == {TASK: (False, 1)}
    subtasks.clock.now += LEASE_S
    assert await told(subtasks, "bob") == await told(subtasks, "ann") == {TASK: (True, 0)}
    await claim(subtasks.store, "bob", 1)
    assert await told(subtasks, "ann") == {TASK: (False, 1)}, "her lease lapsed, and its place is taken"
    await give_back(subtasks.store, "bob", subtask_id)
    assert await told(subtasks, "ann") == {TASK: (True, 0)}


async def test_what_was_skipped_is_not_open_to_who_skipped_it(subtasks):
    await open_all(subtasks.store, ONE_VOTE, subtask_ids(1))
    await claim(subtasks.store, "ann", 1)
    await skip(subtasks.store, "ann", subtask_ids(1)[0])
    assert await told(subtasks, "ann") == {TASK: (False, 1)}
    assert await told(subtasks, "bob") == {TASK: (True, 0)}


async def test_a_task_without_open_subtasks_is_not_told_of(subtasks):
    await open_all(subtasks.store, ONE_VOTE, subtask_ids(1))
    await open_all(subtasks.store, OLDER, subtask_ids(1, first=10))
    got = await claim(subtasks.store, "ann", 1, task_id=TASK)
    for subtask_id, token in tokens_of(got, "ann").items():
        await vote(subtasks.store, "ann", subtask_id, "cat", token)
    assert await told(subtasks, "bob") == {OLDER.task_id: (True, 0)}
    await subtasks.store.cancel(OLDER.task_id)
    assert await subtasks.store.work(FIRST_TEAM, "bob") == []


async def test_the_operator_s_place_in_each_task_is_gone_on_from(subtasks):
    """One who has voted on most of a task is told of the rest, wherever it is."""
    ids = subtask_ids(300)
    await open_all(subtasks.store, THREE, ids)
    for _ in range(29):
        await vote_on_all(subtasks.store, "ann", await claim(subtasks.store, "ann", 10))
    assert await told(subtasks, "ann") == {TASK: (True, 0)}
    await vote_on_all(subtasks.store, "ann", await claim(subtasks.store, "ann", 10))
    await claim_all(subtasks.store, "ann", 10)
    assert await told(subtasks, "ann") == {TASK: (False, 100)}


async def test_so_many_tasks_are_told_of_and_so_much_is_read(subtasks):
    many = [brief(task_id=f"{n:032x}", created_at=T0 + n, votes_required=1) for n in range(MAX_TASKS + 3)]
    for number, of in enumerate(many):
        await open_all(subtasks.store, of, subtask_ids(3, first=10 * number))
    with subtasks.counting() as few:
        found = await subtasks.store.work(FIRST_TEAM, "ann")
    assert [one.brief for one in found] == many[:MAX_TASKS]
    for number, of in enumerate(many[:5]):
        await open_all(subtasks.store, of, subtask_ids(200, first=1_000 * (number + 1)))
    with subtasks.counting() as more:
        await subtasks.store.work(FIRST_TEAM, "ann")
    assert len(more.commands) <= len(few.commands) + 5, "a full window of a task that is new to her leads to one more"
