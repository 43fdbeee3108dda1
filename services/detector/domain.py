"""From detections to a proposal in a task's labels."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from shared.results import Detection

MAX_OBJECTS = 100
"""The most objects of a proposal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What the detector proposes for an image.

    label, confidence: the label of the surest object, and how sure; both None where no object has a label of the task.
    objects: what was found, under the task's labels, the surest first.
    """

    label: str | None
    confidence: float | None
    objects: tuple[Detection, ...]


def propose(
    detections: Iterable[Detection], *, labels: tuple[str, ...], label_map: Mapping[str, str], min_confidence: float
) -> Proposal:
    """Translate detections into the labels of a task.

    A class gets the label that `label_map` names for it, else the label of its own name; names are equal after NFC and
    casefold. Detections of other classes, and those under `min_confidence`, are left out. Among equally sure ones the
    label that stands first in the label set wins, so the order of `detections` does not matter.
    """
    label_of = {_folded(label): label for label in labels}
    position = {label: index for index, label in enumerate(labels)}

    def rank(detection: Detection) -> tuple[float, int, int, int, int, int]:
        place = detection.rectangle
        corner_and_size = place.left, place.top, place.width, place.height
        return (-detection.confidence, position[detection.label], *corner_and_size)

    mapped = (
        replace(detection, label=label)
        for detection in detections
        if detection.confidence >= min_confidence
        and (label := label_of.get(_folded(label_map.get(detection.label, detection.label)))) is not None
    )
    objects = tuple(sorted(mapped, key=rank)[:MAX_OBJECTS])
    if not objects:
        return Proposal(label=None, confidence=None, objects=())
    return Proposal(label=objects[0].label, confidence=objects[0].confidence, objects=objects)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
