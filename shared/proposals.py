"""What a detector's findings mean for a task."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

from shared.labels import folded
from shared.results import Detection, Prelabel

MAX_OBJECTS = 100
"""How many objects a proposal shows at most."""
MOST_CLASSES = 5
"""How many classes are kept of a picture at which the detector looks alone."""


def is_audited(subtask_id: str, audit_share: float) -> bool:
    """Whether a subtask is among those on which the detector stays silent: drawn by its id, the same everywhere."""
    draw = int.from_bytes(hashlib.sha256(b"audit:" + subtask_id.encode()).digest()[:8]) / 2**64
    return draw < audit_share


def label_of(name: str, labels: tuple[str, ...], label_map: Mapping[str, str]) -> str | None:
    """The label of a task that a class means: the one that `label_map` names for it, else that of its own name; names
    that look alike are equal. None where the task has none for it."""
    key = name if name in label_map else _by_look(tuple(label_map)).get(folded(name))
    label = name if key is None else label_map[key]
    return label if label in labels else _by_look(labels).get(folded(label))


def propose(
    detections: Iterable[Detection],
    *,
    model: str,
    labels: tuple[str, ...],
    label_map: Mapping[str, str],
    min_confidence: float,
) -> Prelabel:
    """Translate detections into the labels of a task.

    A class gets the label that `label_of` names. Detections of other classes, and those under `min_confidence`, are
    left out. Among equally sure ones the label that stands first in the label set wins, so the order of `detections`
    does not matter.
    """
    mapped = (
        replace(detection, label=label)
        for detection in detections
        if detection.confidence >= min_confidence
        and (label := label_of(detection.label, labels, label_map)) is not None
    )
    return proposal_of(mapped, model=model, labels=labels)


def proposal_of(objects: Iterable[Detection], *, model: str, labels: tuple[str, ...]) -> Prelabel:
    """The same of objects that have the task's own labels."""
    position = {label: index for index, label in enumerate(labels)}

    def rank(detection: Detection) -> tuple[float, int, int, int, int, int]:
        place = detection.rectangle
        corner_and_size = place.left, place.top, place.width, place.height
        return (-detection.confidence, position[detection.label], *corner_and_size)

    surest = tuple(sorted(objects, key=rank)[:MAX_OBJECTS])
    if not surest:
        return Prelabel(model=model)
    return Prelabel(model=model, label=surest[0].label, confidence=surest[0].confidence, objects=surest)


def surest_classes(objects: Iterable[Detection]) -> tuple[Detection, ...]:
    """Of objects, the surest first, the surest one of each of the first five labels."""
    surest: dict[str, Detection] = {}
    for one in objects:
        surest.setdefault(one.label, one)
    return tuple(surest.values())[:MOST_CLASSES]


@lru_cache(16)
def _by_look(names: tuple[str, ...]) -> dict[str, str]:
    """Names by how they look; the first of those that look alike. Kept, for tasks have a thousand and many pictures."""
    return {folded(name): name for name in reversed(names)}
