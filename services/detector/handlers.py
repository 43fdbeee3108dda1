"""The detector's handlers: detect objects for a caller, or pre-label a subtask."""

from dataclasses import dataclass, field
from typing import Any

from cachetools import LRUCache

from services.detector.domain import worth_telling
from services.detector.pool import EngineFailed, InferencePool, Look
from shared import events
from shared.bus import Bus
from shared.clock import Clock
from shared.errors import NotFound, QuorateError, Unavailable
from shared.flat import flattened
from shared.objects import ObjectStore
from shared.pictures import PictureLimits
from shared.proposals import propose
from shared.results import Detection
from shared.shares import Holder

SOURCE = "quorate/detector"
API_CONFIDENCE = 0.25
API_CONFIDENCE_BY_FAMILY = {"classifier": 0.0}
"""A classifier answers with its best five classes however unsure it is."""
NMS_IOU = 0.45
NMS_IOU_BY_FAMILY = {"yolox": 0.65, "yolov8": 0.7}
"""Families whose authors use another threshold."""
MAX_CANCELLED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was seen in a picture, or why it could not be looked at."""

    objects: tuple[Detection, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What the event handlers work with."""

    pool: InferencePool
    limits: PictureLimits
    objects: ObjectStore
    bus: Bus
    clock: Clock
    cancelled: LRUCache[str, None] = field(default_factory=lambda: LRUCache(MAX_CANCELLED))
    """The tasks cancelled of late: there is no use in looking at their images."""


async def detect(
    pool: InferencePool | None, picture: bytes, holder: Holder, *, confidence: float | None, nms: float | None
) -> Look:
    """What the model sees in a picture. Raises Unavailable without a model, and what the pool raises."""
    if pool is None:
        raise Unavailable(
            "no detection model is loaded: start with QUORATE_MODEL set to a model's name or path", retry_after_s=60
        )
    return await pool.detect(
        picture,
        min_confidence=_api_confidence(pool) if confidence is None else confidence,
        nms_iou=nms_iou(pool) if nms is None else nms,
        holder=holder,
    )


async def look(resources: Resources, event: events.SubtaskOpenedV2) -> None:
    """Publish what is seen in a subtask's image, also when it cannot be read: operators may wait for it."""
    opened = event.data
    found = await _seen(resources, opened)
    if found is None:
        return
    seen = events.SubtaskSeen(
        task_id=opened.task_id,
        subtask_id=opened.subtask_id,
        model=resources.pool.model.voter,
        objects=worth_telling(found.objects),
        error=found.error,
    )
    attributes = _envelope(resources, opened.subtask_id)
    await resources.bus.publish([events.message(events.SubtaskPrelabeledV2(**attributes, data=seen))])


async def prelabel(resources: Resources, event: events.SubtaskOpenedV1) -> None:
    """The same for a subtask that an earlier version opened, which is told the task's labels."""
    opened = event.data
    found = await _seen(resources, opened)
    if found is None:
        return
    proposal = propose(
        found.objects,
        model=resources.pool.model.voter,
        labels=opened.labels,
        label_map=opened.label_map,
        min_confidence=opened.min_confidence,
    )
    seen = events.SubtaskPrelabeled(
        task_id=opened.task_id, subtask_id=opened.subtask_id, error=found.error, **flattened(proposal)
    )
    attributes = _envelope(resources, opened.subtask_id)
    await resources.bus.publish([events.message(events.SubtaskPrelabeledV1(**attributes, data=seen))])


async def _seen(resources: Resources, opened: events.SubtaskToLookAt | events.SubtaskOpened) -> Found | None:
    """None where the task was cancelled. Raises Unavailable where nothing is wrong with the picture: it comes again."""
    if opened.task_id in resources.cancelled:
        return None
    try:
        picture = await resources.objects.get(opened.object_key)
        look = await resources.pool.detect(
            picture, min_confidence=opened.min_confidence, nms_iou=nms_iou(resources.pool)
        )
    except NotFound:
        return None
    except QuorateError as error:
        if isinstance(error, Unavailable) and not isinstance(error, EngineFailed):
            raise  # not this picture's fault: the event is delivered again
        return Found(error=error.detail)
    return Found(objects=look.objects)


def _envelope(resources: Resources, subtask_id: str) -> dict[str, Any]:
    event_id = f"{subtask_id}/prelabeled/{resources.pool.model.voter}"
    return events.envelope(event_id=event_id, source=SOURCE, subject=subtask_id, at=resources.clock())


async def forget_task(resources: Resources, event: events.TaskCancelledV1) -> None:
    resources.cancelled[event.data.task_id] = None


def _api_confidence(pool: InferencePool) -> float:
    return API_CONFIDENCE_BY_FAMILY.get(pool.model.family, API_CONFIDENCE)


def nms_iou(pool: InferencePool) -> float:
    """From which overlap on one object hides another, as the authors of the model's family have it."""
    return NMS_IOU_BY_FAMILY.get(pool.model.family, NMS_IOU)
