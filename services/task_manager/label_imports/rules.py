"""The rule of imports: what a file says of an image becomes a suggestion. Pure."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from services.task_manager.domain import Fact, Image
from services.task_manager.label_imports.rows import BadRow, Drawn, Outcome, Row
from shared.decision import Decision
from shared.proposals import MAX_OBJECTS, label_of, proposal_of
from shared.results import IMPORT, Detection, Imported, Prelabel, Rectangle
from shared.terms import Terms

MAX_SHOWN = 3
"""So many unknown labels are named in a note."""


def model_of(sha256: str) -> str:
    """The name of a file of labels: the same file is the same model."""
    return f"{IMPORT}{sha256[:16]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Labels:
    """The task's labels, and which of them each name in a row means; None for a name that means none."""

    all: tuple[str, ...]
    meant: Mapping[str, str | None]


def taking(row: Row, *, terms: Terms, model: str) -> Callable[[Image, float], Decision[Image, Outcome]]:
    """The rule that makes what a row says its image's suggestion, in place of an earlier import; the same again changes
    nothing.

    What the names mean is looked up here, each once: where the rule runs, other writes wait.
    """
    names = {one.label for one in row.objects or ()}
    if row.label is not None:
        names.add(row.label)
    meant = {name: label_of(name, terms.labels, terms.detector.label_map) for name in names}
    return partial(_take, row=row, labels=_Labels(all=terms.labels, meant=meant), model=model)


def _take(image: Image, _now: float, *, row: Row, labels: _Labels, model: str) -> Decision[Image, Outcome]:
    if image.state != "open":
        ended = Outcome(status="ended", image_id=image.id, reason=f"the image is {image.state}", notes=row.notes)
        return Decision(state=image, answer=ended)
    try:
        proposed = _proposed(row, image, labels, model)
    except BadRow as bad:
        return Decision(state=image, answer=Outcome(status="malformed", image_id=image.id, reason=bad.detail))
    prelabel, notes = proposed.prelabel, proposed.notes
    if prelabel is None:
        unknown = Outcome(status="unknown_label", image_id=image.id, reason=notes[-1], notes=notes[:-1])
        return Decision(state=image, answer=unknown)
    before = image.imported
    if before is not None and before.prelabel == prelabel:
        unchanged = Outcome(status="unchanged", image_id=image.id, label=prelabel.label, notes=notes)
        return Decision(state=image, answer=unchanged)
    imported = Imported(prelabel=prelabel, revision=1 if before is None else before.revision + 1)
    applied = Outcome(status="applied", image_id=image.id, label=prelabel.label, notes=notes)
    return Decision(state=replace(image, imported=imported), answer=applied, facts=(Fact.PRELABELED,))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proposed:
    """A suggestion; None where nothing of it is about the task's labels, which the last note says."""

    prelabel: Prelabel | None
    notes: tuple[str, ...]


def _proposed(row: Row, image: Image, labels: _Labels, model: str) -> _Proposed:
    label = None if row.label is None else labels.meant[row.label]
    if row.label is not None and label is None:
        return _Proposed(prelabel=None, notes=(*row.notes, _unknown([row.label])))
    drawn = _sized(row, image)
    unknown = [one.label for one in drawn if labels.meant[one.label] is None]
    placed = _Placed(image)
    found = [
        Detection(label=mapped, confidence=one.confidence, rectangle=rectangle)
        for one in drawn
        if (mapped := labels.meant[one.label]) is not None and (rectangle := placed.place(one))
    ]
    notes = (*row.notes, *placed.notes(), *((_unknown(unknown),) if unknown else ()))
    if drawn and not found and label is None:
        if unknown:
            return _Proposed(prelabel=None, notes=notes)
        raise BadRow("every object lies outside the picture, or has no whole pixel")
    if len(found) > MAX_OBJECTS:
        notes = (*notes, f"of {len(found):,} objects the {MAX_OBJECTS} surest are kept")
    prelabel = proposal_of(found, model=model, labels=labels.all)
    if label is not None:
        prelabel = replace(prelabel, label=label, confidence=row.confidence)
    return _Proposed(prelabel=prelabel, notes=notes)


def _unknown(labels: Sequence[str]) -> str:
    counts = Counter(labels)
    named = ", ".join(f"{label[:200]!r}" for label in sorted(counts)[:MAX_SHOWN])
    more = f" and {len(counts) - MAX_SHOWN} more" if len(counts) > MAX_SHOWN else ""
    return f"the task has no label {named}{more}"


def _sized(row: Row, image: Image) -> Sequence[Drawn]:
    """The objects in pixels of the stored image, where the file was made on a larger or smaller copy of it.

    Raises BadRow where the picture was turned: there is no telling which way.
    """
    drawn = row.objects or ()
    if row.size is None or row.size == (image.width, image.height):
        return drawn
    width, height = row.size
    if width < 1 or height < 1:
        raise BadRow("a side of the picture is under one pixel")
    if abs(width * image.height - height * image.width) > max(width, height, image.width, image.height):
        here = f"{image.width} x {image.height}"
        raise BadRow(f"the file says {width:g} x {height:g} pixels, and the upright image has {here}: another picture")
    wide, high = image.width / width, image.height / height
    return [
        replace(one, left=one.left * wide, right=one.right * wide, top=one.top * high, bottom=one.bottom * high)
        if one.unit == "pixels"
        else one
        for one in drawn
    ]


class _Placed:
    """Objects put into an image, in whole pixels, and how many of them did not lie in it."""

    def __init__(self, image: Image) -> None:
        self._image = image
        self._clipped = 0
        self._outside = 0

    def place(self, one: Drawn) -> Rectangle | None:
        """The part of an object that lies in the image; None where that is less than a pixel."""
        width, height = self._image.width, self._image.height
        wide, high = (width, height) if one.unit == "shares" else (1, 1)
        edges = (round(one.left * wide), round(one.top * high), round(one.right * wide), round(one.bottom * high))
        left, top, right, bottom = max(0, edges[0]), max(0, edges[1]), min(width, edges[2]), min(height, edges[3])
        if right <= left or bottom <= top:
            self._outside += 1
            return None
        self._clipped += edges != (left, top, right, bottom)
        return Rectangle(left=left, top=top, width=right - left, height=bottom - top)

    def notes(self) -> Iterator[str]:
        if self._clipped:
            yield f"{_objects(self._clipped)} reached beyond the picture: clipped"
        if self._outside:
            yield f"{_objects(self._outside)} outside of the picture, or without a whole pixel: left out"


def _objects(count: int) -> str:
    return "1 object" if count == 1 else f"{count:,} objects"
