"""What the task manager tells anew where the broker was lost: all that others may not have heard of its tasks."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from itertools import groupby

from services.task_manager import announcements
from services.task_manager.domain import Removal, Task
from services.task_manager.store import TaskStore
from shared.clock import Clock
from shared.errors import NotFound
from shared.events import Message

AT_ONCE = 200
UNFINISHED = ("open", "processing")


async def told_anew(store: TaskStore, clock: Clock) -> AsyncIterator[Sequence[Message]]:
    """In pages: what each task is, and of one that was not cancelled, which images were removed, and
    which are open or in a pipeline.

    Removals come before images: one that was removed and came again waits for its removal to be heard.
    """
    async for messages in _of_tasks(store):
        yield messages
    async for messages in _of_removals(store, clock):
        yield messages
    async for messages in _of_images(store):
        yield messages


async def _tasks(store: TaskStore) -> AsyncIterator[Task]:
    """All there are. One that the collector forgets meanwhile is passed over."""
    after = ""
    while ids := await store.task_ids(after=after, limit=AT_ONCE):
        for task_id in ids:
            with contextlib.suppress(NotFound):
                yield await store.task(task_id)
        after = ids[-1]


async def _of_tasks(store: TaskStore) -> AsyncIterator[Sequence[Message]]:
    async for task in _tasks(store):
        yield announcements.task_anew(task)


async def _of_removals(store: TaskStore, clock: Clock) -> AsyncIterator[Sequence[Message]]:
    after = ""
    while found := await store.removals(after=after, limit=AT_ONCE):
        removals = sorted((removal for _, removal in found), key=lambda one: one.task_id)
        for task_id, of_task in groupby(removals, key=lambda one: one.task_id):
            yield await _removed(store, clock, task_id, list(of_task))
        after = found[-1][0]


async def _removed(store: TaskStore, clock: Clock, task_id: str, removals: Sequence[Removal]) -> Sequence[Message]:
    """When they were removed is not kept: by now, and what came again, before anybody voted on it."""
    try:
        task = await store.task(task_id)
    except NotFound:
        return ()
    if task.state == "cancelled":
        return ()
    there = await store.known(task_id, [one.image_id for one in removals])
    now = clock()
    return [announcements.removed(one, task.created_at if one.image_id in there else now) for one in removals]


async def _of_images(store: TaskStore) -> AsyncIterator[Sequence[Message]]:
    async for task in _tasks(store):
        for state in UNFINISHED if task.state != "cancelled" else ():
            after = ""
            while images := await store.images(task.id, state=state, label=None, after=after, limit=AT_ONCE):
                yield [message for image in images for message in announcements.image_anew(task, image)]
                after = images[-1].id
