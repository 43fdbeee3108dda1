"""What a task's results say together: a fold over its images. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, get_args

from services.task_manager.domain import Counts, Image, Task, agreement_of, is_against_detector, people_votes
from shared.clock import iso
from shared.proposals import is_audited
from shared.results import PIPELINE, DecidedBy

Saved = dict[str, Any]
"""Statistics as they are kept, in values that JSON has."""
AGAIN_S = 60.0
REST = 20
"""Computing takes at most one part in so many of the time."""
TENTHS = 10
MATRIX_LABELS = 50
"""Of more labels, only the most frequent cells of the confusion are told."""
MAX_CELLS = 2_500


@dataclass(slots=True, kw_only=True)
class _Compared:
    """Images on which people and detector named a label each, and on how many it was the same."""

    compared: int = 0
    agreed: int = 0

    def add(self, *, is_against: bool) -> None:
        self.compared += 1
        self.agreed += not is_against

    def shown(self) -> dict[str, int]:
        return {"compared": self.compared, "agreed": self.agreed}


@dataclass(slots=True, kw_only=True)
class Fold:
    """Adds up a task's images, however they are paged. newest_at: of their results, in epoch seconds."""

    task: Task
    newest_at: float = 0.0
    states: Counter[str] = field(default_factory=Counter[str])
    votes: int = 0
    votes_saved: int = 0
    agreed: float = 0.0
    tenths: Counter[tuple[int, str]] = field(default_factory=Counter[tuple[int, str]])
    labels: Counter[str] = field(default_factory=Counter[str])
    decided_by: Counter[str] = field(default_factory=Counter[str])
    detector: _Compared = field(default_factory=_Compared)
    audited: _Compared = field(default_factory=_Compared)
    cells: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])

    def add(self, images: Iterable[Image]) -> None:
        """Take images in, each once."""
        for image in images:
            self.states[image.state] += 1
            if image.result is not None:
                self._add_ended(image)

    def _add_ended(self, image: Image) -> None:
        result, agreement, votes = image.result, agreement_of(image), people_votes(image)
        if result is None:
            return
        self.newest_at = max(self.newest_at, result.completed_at)
        if result.decided_by == PIPELINE:
            self.decided_by[PIPELINE] += 1
        if agreement is None:
            return
        self.votes += votes
        self.tenths[min(int(agreement * TENTHS + 1e-9), TENTHS), image.state] += 1
        if result.label is None or result.decided_by is None:
            return
        self.agreed += agreement
        self.labels[result.label] += 1
        self.decided_by[result.decided_by] += 1
        if result.by is None:
            self.votes_saved += max(0, self.task.terms.quorum.votes_required - votes)
        self._compare(image, result.label)

    def _compare(self, image: Image, label: str) -> None:
        is_against = is_against_detector(image)
        if is_against is None or image.prelabel is None or image.prelabel.label is None:
            return
        self.cells[label, image.prelabel.label] += 1
        self.detector.add(is_against=is_against)
        if is_audited(image.id, self.task.terms.detector.audit_share):
            self.audited.add(is_against=is_against)

    def shown(self, *, as_of: float, votes_per_minute: float) -> dict[str, Any]:
        """The statistics as an answer. `as_of`: when the fold began."""
        settled, is_open = self.states["completed"], self.states["open"]
        asked = settled - self.decided_by[PIPELINE]
        return {
            "as_of": iso(as_of),
            "is_final": self.task.state == "completed",
            "settled": settled,
            "disputed": self.states["disputed"],
            "open": is_open,
            "votes": self.votes,
            "votes_saved": self.votes_saved,
            "mean_agreement": round(self.agreed / asked, 4) if asked else None,
            "agreement": [self._tenth(number) for number in range(TENTHS + 1)],
            "labels": [{"label": label, "count": self.labels[label]} for label in self.task.terms.labels],
            "decided_by": {one: self.decided_by[one] for one in get_args(DecidedBy)},
            "detector": {
                **self.detector.shown(),
                "confusion": self._confusion(),
                "on_audit_share": self.audited.shown(),
            },
            "votes_per_minute": votes_per_minute,
            "expected_done_at": self._expected_done_at(as_of, votes_per_minute),
        }

    def _tenth(self, number: int) -> dict[str, float]:
        bounds = {"from": number / TENTHS, "to": min(number + 1, TENTHS) / TENTHS}
        return bounds | {"settled": self.tenths[number, "completed"], "disputed": self.tenths[number, "disputed"]}

    def _confusion(self) -> list[list[int]] | list[dict[str, Any]]:
        labels = self.task.terms.labels
        if len(labels) <= MATRIX_LABELS:
            return [[self.cells[row, column] for column in labels] for row in labels]
        place = {label: number for number, label in enumerate(labels)}
        known = [(place[row], place[column], count) for (row, column), count in self.cells.items()]
        most = sorted(known, key=lambda cell: (-cell[2], cell))[:MAX_CELLS]
        return [{"row": row, "column": column, "count": count} for row, column, count in most]

    def _expected_done_at(self, as_of: float, votes_per_minute: float) -> str | None:
        ended = self.states["completed"] + self.states["disputed"]
        if not (self.states["open"] and self.votes and votes_per_minute):
            return None
        return iso(as_of + 60 * self.states["open"] * self.votes / ended / votes_per_minute)


def saved(fold: Fold, counts: Counts, *, as_of: float, took_s: float, votes_per_minute: float) -> Saved:
    """What a store keeps of a fold: beside the answer `as_of` (epoch seconds), how long computing it `took_s`, the
    `counts` of then and `newest_at`."""
    shown = fold.shown(as_of=as_of, votes_per_minute=votes_per_minute)
    return {
        "as_of": as_of,
        "took_s": took_s,
        "counts": _seen(counts),
        "newest_at": fold.newest_at,
        "is_final": shown["is_final"],
        "shown": shown,
    }


def upgraded(known: Saved) -> Saved:
    """Statistics that an earlier release may have saved, with what they tell since."""
    shown = known["shown"]
    decided_by = dict.fromkeys(get_args(DecidedBy), 0) | shown["decided_by"]
    return known | {"shown": shown | {"decided_by": decided_by}}


def is_due(known: Saved, task: Task, now: float) -> bool:
    """Whether statistics may be computed again now: once a minute, for large tasks less often, and once at rest."""
    if task.state == "completed" and not known["is_final"]:
        return True
    return now - known["as_of"] >= max(AGAIN_S, REST * known["took_s"])


def is_outdated(known: Saved, counts: Counts) -> bool:
    """Whether images came, went or ended since."""
    return known["counts"] != _seen(counts)


def _seen(counts: Counts) -> list[int]:
    moving = [counts.processing, counts.failed]
    return [counts.images, counts.completed, counts.disputed, *(moving if any(moving) else ())]
