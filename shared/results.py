"""Votes, results and detections, which both managers hold. Rectangles are in pixels of the upright stored image."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from shared.terms import UNSURE

DETECTOR = "detector:"
"""How the names of detectors as voters begin; no person has such a name."""
IMPORT = "import:"
"""How the names of files of labels begin, where a detector's name stands else."""
Ended = Literal["completed", "disputed"]
State = Literal["open", "completed", "disputed"]
"""The state of a subtask."""
DecidedBy = Literal["quorum", "settled", "lead", "detector", "adjudicator", "client", "pipeline"]
"""The rule, or the person, that gave an image its label. `client`: its client finished it with the votes it had.
`pipeline`: nobody was asked for a label."""
PIPELINE: DecidedBy = "pipeline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rectangle:
    """Left, top, width and height in whole pixels, inside the image."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """One object: its label, how sure the model is (0 to 1), and where it lies."""

    label: str
    confidence: float
    rectangle: Rectangle


@dataclass(frozen=True, slots=True, kw_only=True)
class Prelabel:
    """The detector's proposal. `model` is its voter name; `label` the surest object's among the task's, if any."""

    model: str
    label: str | None = None
    confidence: float | None = None
    objects: tuple[Detection, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What a client says of an image, from a file of labels: a proposal that is never a vote. The highest revision
    wins."""

    prelabel: Prelabel
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteCast:
    """One label (None: unsure) named by one voter at an instant, in epoch seconds."""

    voter: str
    label: str | None = None
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How the labeling of an image ended. A dispute has no label, and nobody decided it; where nobody was asked, an
    image has none either.

    agreement: the label's share of the votes, 0 to 1.
    decided_by: a `DecidedBy`; stored as text, so that one of a newer version can be read.
    revision: the highest one wins.
    by, reason: of the person who decided, or who finished the image. A reason without a person: why the detector, which
    looks alone, could not look at it.
    """

    label: str | None = None
    agreement: float | None = None
    decided_by: str | None = None
    revision: int
    completed_at: float
    by: str | None = None
    reason: str | None = None


def by_pseudonym(result: Result, person: str, pseudonym: str) -> Result:
    """The result of a person who was erased, under the pseudonym that stands in their place."""
    return replace(result, by=pseudonym) if result.by == person else result


def tally(labels: Iterable[str | None]) -> tuple[tuple[str, int], ...]:
    """Votes per label, most first, equal ones by name; unsure votes (None) are left out."""
    counts = Counter(label for label in labels if label is not None)
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def tally_of(votes: Iterable[VoteCast]) -> tuple[tuple[str, int], ...]:
    """Votes per label, most first, and how many were unsure, where any were."""
    labels = [vote.label for vote in votes]
    unsure = labels.count(None)
    counts = tally(labels)
    return (*counts, (UNSURE, unsure)) if unsure else counts
