"""The worker's handlers: a step of a pipeline done, and told."""

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from functools import partial

from cachetools import LRUCache

from services.worker.metrics import StepMetrics
from services.worker.preview import Previews
from services.worker.threads import PictureThreads
from services.worker.visit import portions
from shared import events
from shared.bus import Bus
from shared.clock import Clock
from shared.errors import NotFound, QuorateError, StorageFull, Unavailable
from shared.event_data import StepOpened, StepOutput
from shared.objects import ObjectStore
from shared.pictures import DecodingBudget, PictureLimits
from shared.pipelines import outputs

SOURCE = "quorate/worker"
PICTURES_AT_ONCE = 2
"""While one is worked on, the next is read, or the last is told of."""
MAX_CANCELLED = 10_000
GONE = "the picture is not there any more"
NO_MEMORY = "the picture takes more memory than a worker has"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What the event handlers work with."""

    objects: ObjectStore
    bus: Bus
    clock: Clock
    threads: PictureThreads
    limits: PictureLimits
    budget: DecodingBudget | None
    metrics: StepMetrics
    previews: Previews
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PICTURES_AT_ONCE))
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Whose picture is worked on, from its decoding until what came out is stored."""
    cancelled: LRUCache[str, None] = field(default_factory=lambda: LRUCache(MAX_CANCELLED))
    """The tasks cancelled of late: nobody waits for their pictures."""

    @property
    def has_others(self) -> bool:
        """Whether another picture is held beside the one that is worked on."""
        return self.places.locked() or self.previews.is_busy


async def work(resources: Resources, event: events.StepOpenedV1) -> None:
    """Do a step, and publish what came of it. Done again it leaves other objects and tells of the same pictures: the
    first that is heard of counts.

    Raises Unavailable and StorageFull where nothing is wrong with the picture: it comes again. So it does, a few times,
    with MemoryError, where another picture may have taken the memory.
    """
    opened = event.data
    operation = opened.operations[0].name
    async with resources.places:
        if opened.task_id in resources.cancelled:
            resources.metrics.stepped(operation, "dropped")
            return
        began = time.monotonic()
        made, error = await _outcome(resources, opened)
    told = outputs.finished(opened, made, source=SOURCE, at=resources.clock(), error=error)
    await resources.bus.publish([told])
    resources.metrics.stepped(operation, "failed" if error else "done")
    resources.metrics.took(operation, time.monotonic() - began)


async def forget_task(resources: Resources, event: events.TaskCancelledV1) -> None:
    resources.cancelled[event.data.task_id] = None


async def _outcome(resources: Resources, opened: StepOpened) -> tuple[list[StepOutput], str | None]:
    """What came out, stored; or why the picture cannot be worked on, which would be so each time."""
    try:
        return await _made(resources, opened), None
    except (Unavailable, StorageFull):
        raise
    except MemoryError:
        if resources.has_others:
            raise
        return [], NO_MEMORY
    except NotFound:  # its task was erased, or it waited until what was in between had been collected
        return [], GONE
    except QuorateError as error:
        return [], error.detail


async def _made(resources: Resources, opened: StepOpened) -> list[StepOutput]:
    data = await resources.objects.get(opened.object_key, is_kept=False)
    coming = portions(data, opened, resources.limits, resources.budget, nonce=secrets.token_hex(6))
    del data
    made: list[StepOutput] = []
    async with resources.turn:
        while (portion := await resources.threads.run(partial(next, coming, None))) is not None:
            await resources.objects.put_all(portion.objects)
            made += portion.outputs
            del portion  # not held while the next is made
    return made
