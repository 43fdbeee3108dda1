"""The detector's handlers: detect objects for a caller, or pre-label a subtask."""

from dataclasses import dataclass, field

from cachetools import LRUCache

from services.detector.domain import propose
from services.detector.pool import EngineFailed, InferencePool
from shared import events
from shared.bus import Bus
from shared.clock import Clock
from shared.errors import NotFound, QuorateError, Unavailable
from shared.objects import ObjectStore
from shared.results import Detection

SOURCE = "quorate/detector"
API_CONFIDENCE = 0.25
NMS_IOU = 0.45
NMS_IOU_BY_FAMILY = {"yolox": 0.65}
"""Families whose authors measured at another threshold."""
MAX_CANCELLED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What the event handlers work with."""

    pool: InferencePool
    objects: ObjectStore
    bus: Bus
    clock: Clock
    cancelled: LRUCache[str, None] = field(default_factory=lambda: LRUCache(MAX_CANCELLED))
    """The tasks cancelled of late: there is no use in looking at their images."""


async def detect(
    pool: InferencePool | None, picture: bytes, *, confidence: float | None, nms: float | None
) -> tuple[Detection, ...]:
    """What the model sees in a picture. Raises Unavailable without a model, and what the pool raises."""
    if pool is None:
        raise Unavailable(
            "no detection model is loaded: start with QUORATE_MODEL set to a model's name or path", retry_after_s=60
        )
    return await pool.detect(
        picture,
        min_confidence=API_CONFIDENCE if confidence is None else confidence,
        nms_iou=_nms_iou(pool) if nms is None else nms,
    )


async def prelabel(resources: Resources, event: events.SubtaskOpenedV1) -> None:
    """Publish the pre-label of a subtask's image, also when the image cannot be read: operators may wait for it."""
    opened = event.data
    if opened.task_id in resources.cancelled:
        return
    voter = resources.pool.model.voter
    seen = events.SubtaskPrelabeled(task_id=opened.task_id, subtask_id=opened.subtask_id, model=voter)
    try:
        picture = await resources.objects.get(opened.object_key)
        found = await resources.pool.detect(
            picture, min_confidence=opened.min_confidence, nms_iou=_nms_iou(resources.pool), is_urgent=False
        )
    except NotFound:
        return  # its task was cancelled and erased
    except QuorateError as error:
        if isinstance(error, Unavailable) and not isinstance(error, EngineFailed):
            raise  # not this picture's fault: the event is delivered again
        seen = seen.model_copy(update={"error": error.detail})
    else:
        proposal = propose(
            found, labels=opened.labels, label_map=opened.label_map, min_confidence=opened.min_confidence
        )
        seen = seen.model_copy(
            update={"label": proposal.label, "confidence": proposal.confidence, "objects": proposal.objects}
        )
    event_id = f"{opened.subtask_id}/prelabeled/{voter}"
    attributes = events.envelope(event_id=event_id, source=SOURCE, subject=opened.subtask_id, at=resources.clock())
    await resources.bus.publish([events.message(events.SubtaskPrelabeledV1(**attributes, data=seen))])


async def forget_task(resources: Resources, event: events.TaskCancelledV1) -> None:
    resources.cancelled[event.data.task_id] = None


def _nms_iou(pool: InferencePool) -> float:
    return NMS_IOU_BY_FAMILY.get(pool.model.family, NMS_IOU)
