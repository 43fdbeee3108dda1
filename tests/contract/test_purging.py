"""What both stores promise of cancelled tasks once their time is over: nothing stays of them."""

from functools import partial

import pytest

from services.task_manager import domain, purging
from services.task_manager.listing import Listing
from shared.errors import NotFound
from shared.events import parse
from tests.contract.operators import open_all, subtask_ids
from tests.contract.subtask_scenes import ONE_VOTE, TASK
from tests.contract.task_scenes import OTHER_ID, create
from tests.unit.subtask_builders import brief
from tests.unit.task_builders import TASK_ID

DAY_S = 86_400.0


async def cancel(tasks, task_id: str = TASK_ID) -> float:
    """Cancel and erase a task; returns when."""
    at = tasks.clock.now
    await tasks.store.update(task_id, domain.cancel)
    await tasks.store.update(task_id, domain.mark_erased)
    await publish(tasks)
    return at


async def publish(at) -> list[str]:
    """Publish all events; returns their types."""
    types: list[str] = []
    while pending := await at.store.pending(100):
        types += [parse(message.body).type for message in pending]
        await at.store.clear([message.id for message in pending])
    return types


async def purge(tasks, before: float, task_id: str = TASK_ID) -> None:
    await tasks.store.update(task_id, partial(purging.purge, before=before))


async def test_what_was_cancelled_before_an_instant_is_found_once_it_is_erased(tasks):
    await create(tasks)
    await create(tasks, id=OTHER_ID)
    await tasks.store.update(TASK_ID, domain.cancel)
    tasks.clock.now += DAY_S
    later = tasks.clock.now
    assert await tasks.store.purgeable(before=later, limit=10) == [], "it is not erased yet"
    await tasks.store.update(TASK_ID, domain.mark_erased)
    await cancel(tasks, OTHER_ID)
    assert await tasks.store.purgeable(before=later, limit=10) == [TASK_ID]
    assert sorted(await tasks.store.purgeable(before=later + 1, limit=10)) == sorted([TASK_ID, OTHER_ID])
    assert len(await tasks.store.purgeable(before=later + 1, limit=1)) == 1


async def test_a_task_goes_once_the_others_were_told(tasks):
    await create(tasks)
    before = await cancel(tasks) + 1
    assert not await tasks.store.forget(TASK_ID), "nobody was told"
    await purge(tasks, before)
    await purge(tasks, before)
    assert (await tasks.store.task(TASK_ID)).is_purged
    assert await publish(tasks) == ["task.purged.v1"]
    assert await tasks.store.forget(TASK_ID)
    assert not await tasks.store.forget(TASK_ID)
    with pytest.raises(NotFound):
        await tasks.store.task(TASK_ID)
    assert await tasks.store.tasks(Listing(team="first", states=("cancelled",)), after="", limit=10) == []
    assert await tasks.store.purgeable(before=before, limit=10) == []
    assert await publish(tasks) == []


async def test_an_event_that_waits_is_published_though_the_task_is_to_go(tasks):
    await create(tasks)
    before = await cancel(tasks) + 1
    await purge(tasks, before)
    await tasks.store.forget(TASK_ID)
    assert await publish(tasks) == ["task.purged.v1"]


async def test_a_task_is_not_purged_before_its_time(tasks):
    await create(tasks)
    at = await cancel(tasks)
    await purge(tasks, at)
    assert not (await tasks.store.task(TASK_ID)).is_purged
    assert not await tasks.store.forget(TASK_ID)


async def test_the_subtask_manager_forgets_a_tombstone_and_nothing_that_lives(subtasks):
    await open_all(subtasks.store, ONE_VOTE, subtask_ids(2))
    await subtasks.store.forget_task(TASK)
    assert (await subtasks.store.brief(TASK)) == ONE_VOTE, "the task was not cancelled"
    await subtasks.store.cancel(TASK)
    await subtasks.store.forget_task(TASK)
    assert not await subtasks.store.keep_brief(brief()), "its subtasks are still to be purged"
    assert await subtasks.store.purge(TASK, 10) == 2
    await subtasks.store.forget_task(TASK)
    await subtasks.store.forget_task(TASK)
    assert await subtasks.store.brief(TASK) is None
    assert await subtasks.store.keep_brief(brief()), "nothing tells of it any more"
