"""What failed, by kind: no answer and a wrong answer are not the same trouble."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from loadtest.people.recording import Measure
from loadtest.people.statistics import Sample, Statistics

NO_ANSWER, TOO_BUSY, SERVER_ERROR = "no answer", "too busy", "server error"
REFUSED, BROKE_OFF, WRONG = "refused", "broke off", "wrong answer"
BUSY = frozenset({429, 502, 503, 504})
FOR_GOOD: tuple[Measure, ...] = ("call", "iteration")
"""An attempt that failed is in its call, if that failed too."""
_STATUS = re.compile(r"(?:Refused|ApiError): (\d{3})\b")
_BROKEN = ("BrokenOff: ", "BrokenOffError: ")
_WRONG = ("WrongAnswer: ", "QuorateError: ")
_IDS = re.compile(r" \(request [^)]*\)|\b[0-9a-f-]{12,}\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """Those that are alike: how many, and when the first and the last came."""

    kind: str
    measure: Measure
    name: str
    error: str
    count: int
    first_s: float
    last_s: float


def kind_of(error: str) -> str:
    """The kind of a recorded error."""
    if found := _STATUS.match(error):
        status = int(found[1])
        return TOO_BUSY if status in BUSY else SERVER_ERROR if status >= 500 else REFUSED
    if error.startswith(_BROKEN):
        return BROKE_OFF
    return WRONG if error.startswith(_WRONG) else NO_ANSWER


def grouped(statistics: Statistics) -> list[Failures]:
    """Calls and iterations that failed: the kind of which there are most first, and in each what came most often."""
    found: dict[tuple[Measure, str, str, str], list[Sample]] = defaultdict(list)
    for (measure, name), samples in statistics.samples.items():
        for one in samples:
            if one.error and measure in FOR_GOOD:
                found[measure, name, kind_of(one.error), _IDS.sub("", one.error)].append(one)
    groups = [
        Failures(
            kind=kind,
            measure=measure,
            name=name,
            error=error,
            count=len(samples),
            first_s=min(one.at_s for one in samples),
            last_s=max(one.at_s for one in samples),
        )
        for (measure, name, kind, error), samples in found.items()
    ]
    of_kind = by_kind(groups)
    return sorted(groups, key=lambda one: (-of_kind[one.kind], one.kind, -one.count, one.name))


def by_kind(groups: Iterable[Failures], measures: Sequence[Measure] = FOR_GOOD) -> dict[str, int]:
    """How many there are of each kind, most first."""
    counts: dict[str, int] = defaultdict(int)
    for one in groups:
        if one.measure in measures:
            counts[one.kind] += one.count
    return dict(sorted(counts.items(), key=lambda pair: -pair[1]))
