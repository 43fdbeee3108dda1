"""What every store of quotas promises, and every store of tasks of what teams have."""

import asyncio

import pytest

from services.task_manager import domain
from services.task_manager.quotas import Allowed, Usage
from shared import events
from shared.audit import Doer, entry
from shared.errors import QuotaReached, Unavailable
from tests.contract.operators import claim, open_all, subtask_ids
from tests.contract.subtask_scenes import ONE_VOTE
from tests.contract.task_scenes import OTHER_ID, cancelled, completed, create, sealed
from tests.unit.task_builders import TASK_ID, image, task

OTHERS = "a" * 32
BY = Doer(id="ann", name="Ann", team="first", address="127.0.0.1")


def sized(name: str, size_bytes: int = 10, **fields):
    return image(name, size_bytes=size_bytes, **fields)


# Quotas that were set


async def test_nothing_is_set_at_first(quotas):
    assert await quotas.store.of("first") == {}
    assert await quotas.store.teams(after="", limit=10) == []


async def test_what_was_set_last_counts_for_its_team_alone(quotas):
    await quotas.store.put("first", {"bytes": 5})
    await quotas.store.put("first", {"images": 0})
    await quotas.store.put(OTHERS, {"bytes": 2**53 - 1})
    assert await quotas.store.of("first") == {"images": 0}
    assert await quotas.store.of(OTHERS) == {"bytes": 2**53 - 1}


async def test_a_team_for_which_nothing_is_set_any_more_is_in_no_list(quotas):
    teams = [f"{number:032x}" for number in range(5)]
    for team in teams:
        await quotas.store.put(team, {"bytes": 1})
    await quotas.store.put(teams[2], {})
    await quotas.store.put(teams[2], {})
    left = [team for team in teams if team != teams[2]]
    assert await quotas.store.teams(after="", limit=3) == left[:3]
    assert await quotas.store.teams(after=left[2], limit=3) == left[3:]


async def test_what_is_told_of_a_change_is_saved_with_it(quotas):
    """In one write: after a crash there is either both or neither."""
    notes = [events.notes("first", "test", [entry(BY, "quotas.change", "first", at, "0" * 8)]) for at in (1.0, 2.0)]
    await quotas.store.put("first", {"bytes": 1}, notes[0])
    await quotas.store.put("first", {}, notes[1])
    found = await quotas.outbox.pending(10)
    assert sorted(one.id for one in found) == sorted(one.id for note in notes for one in note)
    await quotas.outbox.clear([one.id for one in found])
    assert await quotas.outbox.pending(10) == []
    assert (await quotas.store.of("first"), await quotas.store.teams(after="", limit=10)) == ({}, [])
    await quotas.store.put("first", {"bytes": 2})
    assert await quotas.outbox.pending(10) == []
    assert await quotas.store.of("first") == {"bytes": 2}


# What teams have


async def usage(at, team="first") -> tuple[int, int, int]:
    found = await at.store.usage(team)
    return (found.bytes, found.images, found.open_tasks)


async def test_a_team_without_tasks_has_nothing(tasks):
    assert await tasks.store.usage("first") == Usage()
    assert await tasks.store.teams(after="", limit=10) == []


async def test_what_is_stored_counts_for_the_team_of_its_task(tasks):
    await create(tasks)
    await create(tasks, task_id=OTHER_ID, team=OTHERS)
    await tasks.store.add_images(task(), [sized("a", 3), sized("b", 4)])
    theirs = task(task_id=OTHER_ID, team=OTHERS)
    await tasks.store.add_images(theirs, [sized("a", 5, task_id=OTHER_ID)])
    assert await usage(tasks) == (7, 2, 1)
    assert await usage(tasks, OTHERS) == (5, 1, 1)
    assert await tasks.store.teams(after="", limit=10) == [OTHERS, "first"]
    assert await tasks.store.teams(after=OTHERS, limit=10) == ["first"]
    assert await tasks.store.teams(after="", limit=1) == [OTHERS]


async def test_the_same_image_again_counts_once(tasks):
    await create(tasks)
    await tasks.store.add_images(task(), [sized("a"), sized("a")])
    await tasks.store.add_images(task(), [sized("a"), sized("b")])
    assert await usage(tasks) == (20, 2, 1)


async def test_a_removed_image_counts_no_longer_however_often_it_is_removed(tasks):
    await create(tasks)
    await tasks.store.add_images(task(), [sized("a", 3), sized("b", 4)])
    for _ in range(2):
        await tasks.store.remove_image(TASK_ID, image("a").id)
    await tasks.store.finish_removals()
    assert await usage(tasks) == (4, 1, 1)


async def test_a_task_that_was_erased_counts_for_nothing(tasks):
    await create(tasks)
    await tasks.store.add_images(task(), [sized("a"), sized("b")])
    await tasks.store.update(TASK_ID, cancelled)
    assert (await usage(tasks))[2] == 0
    while await tasks.store.remove_images(TASK_ID, 1):
        pass
    await tasks.store.update(TASK_ID, domain.mark_erased)
    assert await usage(tasks) == (0, 0, 0)


async def test_tasks_count_as_open_until_they_end(tasks):
    await create(tasks)
    await tasks.store.update(TASK_ID, sealed)
    assert (await usage(tasks))[2] == 1
    await tasks.store.update(TASK_ID, completed)
    assert (await usage(tasks))[2] == 0


async def test_images_beyond_a_quota_are_refused_and_none_of_them_is_saved(tasks):
    await create(tasks)
    allowed = Allowed(bytes=25, images=3)
    await tasks.store.add_images(task(), [sized("a")], allowed=allowed)
    with pytest.raises(QuotaReached) as refused:
        await tasks.store.add_images(task(), [sized("b"), sized("c")], allowed=allowed)
    assert refused.value.quota == "bytes"
    assert await usage(tasks) == (10, 1, 1)
    assert await tasks.store.known(TASK_ID, [image(name).id for name in "abc"]) == {image("a").id}
    assert [event for event in await tasks.store.pending(100) if event.subject == image("b").id] == []
    await tasks.store.add_images(task(), [sized("b", 15)], allowed=allowed)
    with pytest.raises(QuotaReached):
        await tasks.store.add_images(task(), [sized("c", 1)], allowed=allowed)


async def test_a_quota_that_is_used_up_lets_a_repeated_image_be_answered(tasks):
    await create(tasks)
    await tasks.store.add_images(task(), [sized("a")])
    again = tasks.store.add_images(task(), [sized("a")], allowed=Allowed(images=5, bytes=50))
    assert await again == {image("a").id}
    assert await usage(tasks) == (10, 1, 1)


async def test_however_many_add_at_once_they_pass_no_quota(tasks):
    await create(tasks)

    async def added(number: int) -> int:
        try:
            await tasks.store.add_images(task(), [sized(f"{number}")], allowed=Allowed(bytes=75))
        except QuotaReached:
            return 0
        return 10

    saved = sum(await asyncio.gather(*map(added, range(20))))
    assert saved <= 75
    assert await usage(tasks) == (saved, saved // 10, 1)
    await tasks.store.add_images(task(), [sized("last", 75 - saved)], allowed=Allowed(bytes=75))


async def test_one_task_too_many_is_refused_and_the_same_again_is_answered(tasks):
    allowed = Allowed(open_tasks=1)
    assert await tasks.store.create(task(), allowed=allowed) is None
    assert await tasks.store.create(task(), allowed=allowed) == task()
    with pytest.raises(QuotaReached) as refused:
        await tasks.store.create(task(task_id=OTHER_ID), allowed=allowed)
    assert refused.value.quota == "open_tasks"
    assert await usage(tasks) == (0, 0, 1)
    await tasks.store.update(TASK_ID, cancelled)
    assert await tasks.store.create(task(task_id=OTHER_ID), allowed=allowed) is None


async def test_images_that_cannot_be_saved_are_counted_at_the_most_until_they_come_again(tasks):
    await create(tasks)
    with tasks.failing_commits(), pytest.raises(Unavailable):
        await tasks.store.add_images(task(), [sized("a")])
    await tasks.store.add_images(task(), [sized("a")])
    assert (await usage(tasks))[0] >= 10


# What operators hold


async def test_live_leases_are_those_of_the_operator_in_the_team(subtasks):
    await open_all(subtasks.store, ONE_VOTE, subtask_ids(3))
    granted = await claim(subtasks.store, "ann", 2)
    held = await subtasks.store.held("first", "ann")
    assert {subtask.id for subtask, _ in held} == {subtask.id for subtask, _ in granted.held}
    assert await subtasks.store.held("first", "ben") == []
    assert await subtasks.store.held(OTHERS, "ann") == []
    subtasks.clock.now += 301
    assert await subtasks.store.held("first", "ann") == []
