"""Steps of pipelines that hide objects: a detector finds them, and what comes out is stored and told."""

import asyncio
import secrets

import cv2
import numpy as np
from numpy.typing import NDArray

from services.detector.handlers import SOURCE, Resources, nms_iou
from services.detector.pool import EngineFailed, InferencePool
from shared import events
from shared.bus import Bus
from shared.clock import Clock
from shared.errors import Invalid, NotFound, QuorateError, StorageFull, Unavailable
from shared.event_data import StepOpened, StepOutput
from shared.labels import folded
from shared.pipelines import RAW, Operation, outputs
from shared.pipelines.arguments import Hide, argument_of
from shared.pipelines.hiding import hidden
from shared.pipelines.pictures import unpacked

Pixels = NDArray[np.uint8]

NO_MODEL = "nothing can be hidden: no detection model is loaded"
GONE = "the picture is not there any more"


async def hide(resources: Resources, event: events.StepOpenedV1) -> None:
    """Do a step that hides objects, and publish what came of it: where the detector cannot look, no picture comes out.

    Raises Unavailable and StorageFull where nothing is wrong with the picture: it comes again.
    """
    opened = event.data
    if opened.task_id in resources.cancelled:
        return
    made: list[StepOutput] = []
    error = None
    try:
        made.append(await _made(resources, opened))
    except NotFound:  # its task was erased, or it waited until what was in between had been collected
        error = GONE
    except QuorateError as raised:
        if isinstance(raised, StorageFull | Unavailable) and not isinstance(raised, EngineFailed):
            raise
        error = raised.detail
    told = outputs.finished(opened, made, source=SOURCE, at=resources.clock(), error=error)
    await resources.bus.publish([told])


async def refuse(bus: Bus, clock: Clock, event: events.StepOpenedV1) -> None:
    """Without a model nothing is hidden, and no picture goes on as if it were."""
    await bus.publish([outputs.finished(event.data, source=SOURCE, at=clock(), error=NO_MODEL)])


async def _made(resources: Resources, opened: StepOpened) -> StepOutput:
    data = await resources.objects.get(opened.object_key, is_kept=False)
    pixels = await asyncio.to_thread(_decoded, resources, opened.object_key, data)
    del data
    for operation in opened.operations:
        pixels = await _hidden(resources.pool, operation, pixels)
    told, stored = await asyncio.to_thread(outputs.output, opened, pixels, opened.origin, nonce=secrets.token_hex(6))
    await resources.objects.put(told.object_key, stored)
    return told


def _decoded(resources: Resources, key: str, data: bytes) -> Pixels:
    return unpacked(data, resources.limits) if key.endswith(f".{RAW}") else resources.pool.decode(data)


async def _hidden(pool: InferencePool, operation: Operation, pixels: Pixels) -> Pixels:
    """Raises Invalid where the model cannot find what is to be hidden."""
    argument = argument_of(operation)
    if not isinstance(argument, Hide):
        raise Invalid(f"{operation.name} is done by workers, not by a detector")
    if pool.model.family == "classifier":
        raise Invalid("nothing can be hidden: the loaded model says what a picture shows, but not where")
    wanted = {folded(label): label for label in argument.labels}
    if unknown := wanted.keys() - set(map(folded, pool.model.classes)):
        raise Invalid(f"the loaded model knows no {', '.join(sorted(wanted[one] for one in unknown))}")
    look = await pool.detect(pixels, min_confidence=argument.confidence, nms_iou=nms_iou(pool))
    places = [one.rectangle for one in look.objects if folded(one.label) in wanted]
    try:
        return await asyncio.to_thread(hidden, pixels, places, argument.cover, grow=argument.grow)
    except (cv2.error, MemoryError) as error:
        size = f"{pixels.shape[1]} x {pixels.shape[0]} pixels"
        raise Invalid(f"{operation.name} cannot be done on {size}") from error
