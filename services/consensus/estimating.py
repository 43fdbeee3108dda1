"""What a consensus run finds out, page by page: of a task by estimates, of a team's operators by how they vote."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from services.consensus.domain.book import Counted, VoteBook
from services.consensus.domain.conduct import ConductBook
from services.consensus.domain.limits import why_not, why_too_large
from services.consensus.domain.reliability import reliability_of
from services.consensus.domain.votes import NO_LABEL
from services.consensus.finding import MAX_DETECTORS, ByMethod, Finder, agreement_found
from services.consensus.report import Report, as_json
from shared.errors import TooLarge
from shared.results import DETECTOR

RESULTS, DIFFERING, VOTERS, OPERATORS, SUMMARY = "results", "differing", "voters", "operators", "summary"
ON_A_PAGE = 500
MOST_CONFUSED = 200
"""Of a confusion, the cells with most votes are told."""

Say = Callable[[str], None]
"""Told what is done at the moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An image as it is sent to the process that makes a run.

    seen: the model and the label of a detector whose proposal nobody saw; None for any other image.
    """

    image_id: str
    label: str | None
    revision: int
    is_by_people: bool
    seen: tuple[str, str | None] | None
    votes: tuple[tuple[str, str | None, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of what was found."""

    kind: str
    number: int
    items: Any


class OfTask:
    """Estimates the true labels of a task's images, by several methods.

    Voters and labels are numbered: a name may be anything here, and no estimate depends on names.
    """

    def __init__(self, methods: Sequence[str]) -> None:
        self._methods = methods
        self._book = VoteBook()
        self._voters: dict[str, str] = {}
        self._labels: dict[str, str] = {}
        self._record: dict[str, tuple[str | None, int]] = {}
        self._by_detector = 0
        self._unseen: defaultdict[str, Counter[tuple[str, str]]] = defaultdict(Counter)

    def add(self, line: Line) -> None:
        if not line.is_by_people:
            self._by_detector += 1
            return
        self._record[line.image_id] = (line.label, line.revision)
        for voter, label, _ in line.votes:
            number = None if label is None else _numbered(self._labels, label)
            self._book.add(line.image_id, _numbered(self._voters, voter), number)
        if line.seen is not None and line.seen[1] is not None and line.label is not None:
            self._unseen[line.seen[0]][line.seen[1], line.label] += 1

    def found(self, say: Say) -> Iterator[Page | dict[str, Any]]:
        """Pages, and at the end the outcome in short."""
        counted = _named(self._book.counted(), self._voters, self._labels)
        if why := why_too_large(counted.votes):
            raise TooLarge(why)
        unfit = {method: why for method in self._methods if (why := why_not(method, counted.votes))}
        finder = Finder(counted.votes, None)
        methods = [finder.find(method, _each_round(say, method)) for method in self._methods if method not in unfit]
        say("agreement")
        agreement, voters = agreement_found(counted)
        report = Report(counted=counted, gold=None, methods=methods, agreement=agreement, voters=voters)
        whole = as_json(report)
        say("results")
        rows = self._rows(counted, methods)
        tally = [[0, 0] for _ in methods]
        yield from _paged(RESULTS, _tallied(rows, tally))
        yield from _paged(DIFFERING, (row for row in self._rows(counted, methods) if row["differs"]))
        yield from _paged(VOTERS, iter(sorted(whole.pop("by_voter"), key=lambda one: (-one["votes"], one["voter"]))))
        yield Page(kind=SUMMARY, number=0, items=self._summary(whole, tally, unfit))
        yield {
            "images": len(counted.images),
            "votes": counted.votes.count,
            "voters": counted.votes.voters,
            "differing": [
                {"method": one.method, "differing": differs, "compared": both}
                for one, (both, differs) in zip(methods, tally, strict=True)
            ],
        }

    def _rows(self, counted: Counted, methods: Sequence[ByMethod]) -> Iterator[dict[str, Any]]:
        for place, image_id in enumerate(counted.images):
            label, revision = self._record[image_id]
            by_method = {
                one.method: {
                    "label": _label(counted, int(one.label[place])),
                    "posterior": round(float(one.sureness[place]), 6),
                }
                for one in methods
            }
            named = [(name, one["label"]) for name, one in by_method.items() if one["label"] is not None]
            yield {
                "image_id": image_id,
                "label": label,
                "revision": revision,
                "methods": by_method,
                "differs": [name for name, one in named if label is not None and one != label],
            }

    def _summary(self, whole: dict[str, Any], tally: Sequence[Sequence[int]], unfit: dict[str, str]) -> dict[str, Any]:
        told = [
            {key: one[key] for key in ("method", "labels", "ties", "off_majority", "rounds", "has_settled")}
            | {"differing": differs, "compared": both}
            for one, (both, differs) in zip(whole["methods"], tally, strict=True)
        ]
        whole["left_out"] |= {"images_by_detector": self._by_detector}
        agreement = whole["agreement"]
        agreement["votes_per_image"] = [
            {"votes": int(size), "images": images} for size, images in agreement.pop("votes_per_task").items()
        ]
        return {
            "agreement": agreement,
            "left_out": whole["left_out"],
            "methods": told,
            "left_out_methods": [{"method": method, "why": why} for method, why in unfit.items()],
            "pairs": [{key: one[key] for key in ("voters", "common", "alike")} for one in whole["pairs"]],
            "detectors": [_voting_detector(name, one) for name, one in whole["detectors"].items()],
            "audit": [self._reliable(model) for model in sorted(self._unseen)[:MAX_DETECTORS]],
        }

    def _reliable(self, model: str) -> dict[str, Any]:
        """How a detector does on images on which nobody saw what it said, beside what people settled on."""
        seen = self._unseen[model]
        numbers: dict[str, int] = {}
        cells = [tuple(numbers.setdefault(label, len(numbers)) for label in pair) for pair in seen]
        said, truth = (np.repeat([cell[side] for cell in cells], list(seen.values())) for side in (0, 1))
        found, names = reliability_of(said, truth), list(numbers)
        return _detector_shown(
            model,
            asdict(found.overall),
            [(names[label], asdict(share)) for label, share in found.by_label.items()],
            [(one, other, times) for (one, other), times in seen.items()],
        )


class OfOperators:
    """Counts how a team's operators vote."""

    def __init__(self, now: float) -> None:
        self._now = now
        self._book = ConductBook()

    def add(self, line: Line) -> None:
        self._book.add([vote for vote in line.votes if not vote[0].startswith(DETECTOR)])

    def found(self, say: Say) -> Iterator[Page | dict[str, Any]]:
        """Pages, and at the end the outcome in short."""
        say("operators")
        operators, together = self._book.found(self._now)
        yield from _paged(OPERATORS, (asdict(one) for one in operators))
        yield Page(kind=SUMMARY, number=0, items={"pairs": [asdict(one) for one in together]})
        yield {"images": self._book.images, "votes": self._book.votes, "voters": len(operators)}


def _each_round(say: Say, method: str) -> Callable[[int], None]:
    return lambda done: say(f"{method}: round {done}")


def _numbered(numbers: dict[str, str], name: str) -> str:
    return numbers.setdefault(name, str(len(numbers)))


def _named(counted: Counted, voters: dict[str, str], labels: dict[str, str]) -> Counted:
    """The votes with real names in place of numbers."""
    of_voters, of_labels = list(voters), list(labels)
    return replace(
        counted,
        voters=[of_voters[int(number)] for number in counted.voters],
        labels=[of_labels[int(number)] for number in counted.labels],
    )


def _label(counted: Counted, number: int) -> str | None:
    return None if number == NO_LABEL else counted.labels[number]


def _paged(kind: str, items: Iterator[Any]) -> Iterator[Page]:
    """Items on pages; at least one page, so that a run without any is told apart from a page that is missing."""
    number, held = 0, list[Any]()
    for item in items:
        if len(held) == ON_A_PAGE:
            yield Page(kind=kind, number=number, items=held)
            number, held = number + 1, []
        held.append(item)
    yield Page(kind=kind, number=number, items=held)


def _tallied(rows: Iterator[dict[str, Any]], tally: Sequence[list[int]]) -> Iterator[dict[str, Any]]:
    """The same rows; counts for each method on how many images it and the record have a label, and they differ."""
    for row in rows:
        if row["label"] is not None:
            for (name, one), counts in zip(row["methods"].items(), tally, strict=True):
                counts[0] += one["label"] is not None
                counts[1] += name in row["differs"]
        yield row


def _voting_detector(name: str, found: dict[str, Any]) -> dict[str, Any]:
    cells = [(one, other, times) for one, row in found["confusion"].items() for other, times in row.items()]
    return _detector_shown(name, found["overall"], list(found["by_label"].items()), cells)


def _detector_shown(
    model: str, overall: Any, by_label: list[tuple[str, Any]], cells: list[tuple[str, str, int]]
) -> dict[str, Any]:
    """`named`: what the detector said; `others`: what people said of the same images."""
    most = sorted(cells, key=lambda cell: (-cell[2], cell[0], cell[1]))[:MOST_CONFUSED]
    return {
        "model": model,
        "overall": overall,
        "by_label": [{"label": label, **share} for label, share in by_label],
        "confusion": [{"named": one, "others": other, "images": times} for one, other, times in most],
    }
