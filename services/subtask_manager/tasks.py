"""The handlers of what the task manager tells: tasks, their terms, and their images."""

import asyncio
import contextlib
from functools import partial

from services.subtask_manager import announcements, domain, prelabels
from services.subtask_manager.handlers import Resources, changed
from services.subtask_manager.refusals import Early
from services.subtask_manager.subtask import Awaiting, Brief, Finish
from shared import events
from shared.errors import NotFound, Unavailable
from shared.event_data import ImageToLabel

PURGE_BATCH = 500
RECONSIDERED_AT_ONCE = 64
AWAITING_BATCH = 100
TOLD_S = 30.0
"""How long the events of what new terms ended may take to be published."""


async def keep_brief(resources: Resources, event: events.TaskOpenedV1) -> None:
    task = event.data
    brief = Brief(
        task_id=task.task_id,
        owner=task.owner,
        terms=task.terms,
        created_at=task.at,
        revision=task.revision,
        name=task.name,
        team=task.team,
    )
    await resources.store.keep_brief(brief)
    await _open_awaiting(resources, task.task_id)


async def open_subtask(resources: Resources, event: events.ImageReadyV2) -> None:
    """Open an image's subtask; where its task's brief has not come yet, when that comes.

    Raises Early where the removal of the image's earlier object has not come.
    """
    image = _awaiting(event.data)
    brief = await resources.store.brief(image.task_id, at_least=image.revision)
    if brief is None:
        await _put_by(resources, image)
    else:
        await _open_told(resources, brief, image, event.time.timestamp())
    resources.on_the_way.opened(event.time.timestamp())


def _awaiting(ready: ImageToLabel) -> Awaiting:
    return Awaiting(
        subtask_id=ready.image_id,
        task_id=ready.task_id,
        object_key=ready.object_key,
        revision=ready.terms_revision,
        filename=ready.filename,
        width=ready.width,
        height=ready.height,
        place=ready.place,
    )


async def take_import(resources: Resources, event: events.ImagePrelabeledV1) -> None:
    """Take in what was imported for an image; where that has not been opened yet, open it first.

    Raises NotFound where the image was removed or its task cancelled, and Early where its task's brief has not come, or
    the removal of the image's earlier object.
    """
    said = event.data
    told_at = event.time.timestamp()
    rule = partial(prelabels.take_import, imported=said.imported, object_key=said.object_key, told_at=told_at)
    with contextlib.suppress(NotFound):
        changed(resources, await resources.store.update(said.image_id, rule))
        return
    brief = await resources.store.brief(said.task_id, at_least=said.terms_revision)
    if brief is None:
        raise Early("the terms of the image's task have not come yet")
    await _open(resources, brief, _awaiting(said))
    changed(resources, await resources.store.update(said.image_id, rule))


async def open_subtask_with_terms(resources: Resources, event: events.ImageReadyV1) -> None:
    """The same for an image that an earlier version announced, which brings the terms along."""
    image = event.data
    brief = Brief(task_id=image.task_id, owner=image.owner, terms=image.terms, created_at=image.task_created_at)
    await resources.store.keep_brief(brief)
    kept = await resources.store.brief(image.task_id)
    opening = Awaiting(
        subtask_id=image.image_id,
        task_id=image.task_id,
        object_key=image.object_key,
        width=image.width,
        height=image.height,
    )
    await _open_told(resources, kept or brief, opening, event.time.timestamp())


async def _put_by(resources: Resources, image: Awaiting) -> None:
    """Keep an image until its task's brief comes. Where that came meanwhile, it may not have found this one."""
    await resources.store.put_by(image)
    try:
        brief = await resources.store.brief(image.task_id, at_least=image.revision)
    except NotFound:
        await resources.store.forget_awaiting([image.subtask_id])
        return
    if brief is not None:
        await _open(resources, brief, image)
        await resources.store.forget_awaiting([image.subtask_id])


async def _open_awaiting(resources: Resources, task_id: str) -> None:
    """Open the subtasks of the images that came before their task's brief."""
    brief = await resources.store.brief(task_id)
    if brief is None:
        return
    while images := await resources.store.awaiting(task_id, AWAITING_BATCH, revision=brief.revision):
        await asyncio.gather(*(_open(resources, brief, image) for image in images))
        await resources.store.forget_awaiting([image.subtask_id for image in images])


async def _open_told(resources: Resources, brief: Brief, image: Awaiting, told_at: float) -> None:
    if await _open(resources, brief, image):
        return
    with contextlib.suppress(NotFound):
        subtask, _ = await resources.store.find(image.subtask_id)
        domain.refuse_early(subtask, object_key=image.object_key, told_at=told_at)


async def _open(resources: Resources, brief: Brief, image: Awaiting) -> bool:
    is_new = await resources.store.open(brief, partial(domain.open_subtask, brief, image=image))
    resources.relay.wake()
    return is_new


async def change_task(resources: Resources, event: events.TaskChangedV1) -> None:
    """Take new terms in and let them act on what is open: once now, and once more when no replica goes by the old. Then
    say so.
    """
    changed = event.data
    brief = Brief(
        task_id=changed.task_id,
        owner=changed.owner,
        terms=changed.terms,
        created_at=changed.task_created_at,
        revision=changed.revision,
        finish=changed.finish and Finish(by=changed.finish.by, reason=changed.finish.reason),
        name=changed.name,
        team=changed.team,
    )
    if not await resources.store.keep_brief(brief):
        return
    await _open_awaiting(resources, brief.task_id)
    await _reconsider(resources, brief.task_id)
    if resources.store.stale_s:
        await asyncio.sleep(resources.store.stale_s)
        await _reconsider(resources, brief.task_id)
    await _tell_applied(resources, brief)


async def _tell_applied(resources: Resources, brief: Brief) -> None:
    """Tell of terms that are in effect, after what they ended was told. Raises Unavailable where the bus is away."""
    try:
        await asyncio.wait_for(resources.relay.flush(), TOLD_S)
    except TimeoutError:
        raise Unavailable("events are not published now") from None
    await resources.bus.publish([announcements.task_applied(brief, resources.clock())])


async def _reconsider(resources: Resources, task_id: str) -> None:
    async def one(subtask_id: str) -> None:
        with contextlib.suppress(NotFound):  # it was removed, or its task cancelled
            changed(resources, await resources.store.update(subtask_id, domain.reconsider))

    after = ""
    while subtask_ids := await resources.store.open_ids(task_id, after=after, limit=RECONSIDERED_AT_ONCE):
        await asyncio.gather(*map(one, subtask_ids))
        after = subtask_ids[-1]


async def remove_image(resources: Resources, event: events.ImageRemovedV1) -> None:
    image = event.data
    stub = domain.removed(image.task_id, image.image_id, resources.clock(), object_key=image.object_key)
    await resources.store.remove(stub)


async def cancel_task(resources: Resources, event: events.TaskCancelledV1) -> None:
    await resources.store.cancel(event.data.task_id)
    while await resources.store.purge(event.data.task_id, PURGE_BATCH) == PURGE_BATCH:
        pass


async def forget_task(resources: Resources, event: events.TaskPurgedV1) -> None:
    await resources.store.forget_task(event.data.task_id)
