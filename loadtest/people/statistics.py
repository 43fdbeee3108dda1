"""What a run's records say: of each kind of request and iteration how many, how many failed, and how long they took."""

import csv
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

from loadtest.errors import MeasurementFailed
from loadtest.measures import Times
from loadtest.people.recording import ACTS, PEOPLE, REQUESTS, Measure

MEASURES: tuple[Measure, ...] = get_args(Measure)
Key = tuple[Measure, str]


@dataclass(frozen=True, slots=True)
class Sample:
    """One request or iteration that ended `at_s` after the start; `error` is empty where it went well."""

    at_s: float
    time_ms: float
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Times):
    """Some samples in numbers, and how many of them failed.

    What failed counts as slower than anything: a percentile that falls on it is infinite. So no time is short because
    a platform that is down refuses at once, and none because what took too long was left out. `mean` and `max` are of
    those that went well.
    """

    failures: int

    @property
    def good(self) -> int:
        return self.count - self.failures


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """Who was there `at_s` after the start, and how many cores the load test needed since the line before."""

    at_s: float
    clients: int
    operators: int
    detectors: int
    cores: float

    @property
    def people(self) -> int:
        return self.clients + self.operators + self.detectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What the platform acknowledged to a person, or what a person left undone; as in `acts.csv`.

    `begun`, first of all (detail: seconds since the epoch); `created`; `accepted` and the other outcomes of an upload
    (detail: the sha256); `sealed`; `downloaded` (detail: how many results); `cancelling`, before it was asked for, and
    `cancelled`; `leased`, `left` and `vanished` (detail: until when the lease is valid); `voted` (detail: the label);
    `ended`: that vote ended the image (detail: its state); `undone`; `skipped`; `adjudicated` (detail: the label).
    """

    at_s: float
    act: str
    who: str
    task_id: str
    subtask_id: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """All that was recorded of one run, in order of time."""

    samples: Mapping[Key, Sequence[Sample]]
    presences: Sequence[Presence]
    acts: Sequence[Act]

    def names(self, measure: Measure) -> list[str]:
        return sorted(name for of, name in self.samples if of == measure)

    def entry(self, measure: Measure, name: str, begin_s: float = 0.0, end_s: float = math.inf) -> Entry:
        """What ended in a part of the run, its end excluded: exact, from the samples themselves."""
        return entry(one for one in self.samples.get((measure, name), ()) if begin_s <= one.at_s < end_s)

    def whole(self, measure: Measure, begin_s: float = 0.0, end_s: float = math.inf) -> Entry:
        """The same of all names of a measure together."""
        of = (one for (each, _), found in self.samples.items() if each == measure for one in found)
        return entry(one for one in of if begin_s <= one.at_s < end_s)

    def windows(self, measure: Measure, name: str, width_s: float) -> dict[float, Entry]:
        """Numbers for windows of so many seconds, by their beginning; those without a sample are left out."""
        found: dict[float, list[Sample]] = defaultdict(list)
        for one in self.samples.get((measure, name), ()):
            found[one.at_s // width_s * width_s].append(one)
        return {begin_s: entry(found[begin_s]) for begin_s in sorted(found)}

    @property
    def failures(self) -> int:
        """How many calls failed after their last try; or iterations, if those are more, for answers may be wrong."""
        return max(self.whole("call").failures, self.whole("iteration").failures)

    @property
    def begun_at(self) -> float:
        """When the run began, in seconds since the epoch."""
        return next((float(one.detail) for one in self.acts if one.act == "begun"), 0.0)

    @property
    def duration_s(self) -> float:
        """When the last request ended, or the last of the people was seen."""
        ended = max((found[-1].at_s for found in self.samples.values() if found), default=0.0)
        return max(ended, self.presences[-1].at_s if self.presences else 0.0)


def entry(samples: Iterable[Sample]) -> Entry:
    kept = list(samples)
    good = Times.of_ms(one.time_ms for one in kept if not one.error)
    ranked = Times.of_ms(math.inf if one.error else one.time_ms for one in kept)
    return Entry(failures=ranked.count - good.count, **{**asdict(ranked), "mean": good.mean, "max": good.max})


def read(folder: Path) -> Statistics:
    """The records in a folder. Raises MeasurementFailed. A last line that was cut off is left out."""
    samples: dict[Key, list[Sample]] = defaultdict(list)
    for at_s, measure, name, time_ms, error in _rows(folder / REQUESTS):
        if measure in MEASURES:
            samples[measure, name].append(Sample(float(at_s), float(time_ms), error))
    presences = [
        Presence(at_s=float(at_s), clients=int(a), operators=int(b), detectors=int(c), cores=float(cores))
        for at_s, a, b, c, cores in _rows(folder / PEOPLE)
    ]
    acts = [
        Act(at_s=float(at_s), act=act, who=who, task_id=task_id, subtask_id=subtask_id, detail=detail)
        for at_s, act, who, task_id, subtask_id, detail in _rows(folder / ACTS)
    ]
    return Statistics(samples=samples, presences=presences, acts=acts)


def _rows(path: Path) -> Iterator[list[str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            columns = next(reader, None)
            if columns is None:
                raise MeasurementFailed(f"{path} is empty: the run ended before it began")
            yield from (row for row in reader if len(row) == len(columns))
    except FileNotFoundError as error:
        raise MeasurementFailed(f"{path} is not there") from error
