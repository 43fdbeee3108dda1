"""How a person is erased from all tasks and their images, step by step."""

import contextlib
from functools import partial

from services.task_manager import erasing
from services.task_manager.domain import Image
from services.task_manager.store import TaskStore
from shared.erasures import Erasure
from shared.errors import NotFound
from shared.outbox import Relay

BATCH = 500
BETWEEN = "/"
"""Between a task's id and that of an image of it: a place that begins with the task alone is before its images."""


async def step(store: TaskStore, relay: Relay, erasure: Erasure) -> str | None:
    """Erase a person from the next images of a task, or, with its last ones, from the task itself."""
    task_id, _, image_id = erasure.place.partition(BETWEEN)
    if BETWEEN not in erasure.place:
        following = await store.task_ids(after=task_id, limit=1)
        return f"{following[0]}{BETWEEN}" if following else None
    images = await store.images(task_id, state=None, label=None, after=image_id, limit=BATCH)
    for image in images:
        await _erase_from(store, image, erasure)
    if len(images) == BATCH:
        return f"{task_id}{BETWEEN}{images[-1].id}"
    rule = partial(erasing.erase_from_task, person=erasure.person, pseudonym=erasure.pseudonym)
    with contextlib.suppress(NotFound):  # it was cancelled long ago, and purged meanwhile
        await store.update(task_id, rule)
    relay.wake()
    return task_id


async def _erase_from(store: TaskStore, image: Image, erasure: Erasure) -> None:
    named = {"person": erasure.person, "pseudonym": erasure.pseudonym}
    if erasing.pseudonymised(image, **named) is not image:
        with contextlib.suppress(NotFound):  # removed meanwhile
            await store.update_image(image.task_id, image.id, partial(erasing.erase_from_image, **named))
