"""The platform over the last 24 hours, minute by minute, in the memory of the process that answers."""

import asyncio
import logging
import math
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from shared.admin import OPERATING
from shared.admin.minutes import MINUTE_S, Minute, minute_of
from shared.admin.replicas import SILENT_S, Replicas
from shared.admin.reports import REPORT_S, Reporter
from shared.clock import Clock, iso
from shared.ending import ended
from shared.http import problems
from shared.http.answers import json_answer
from shared.http.requests import AS_WHOLE_NUMBER, bounded
from shared.identity import Who
from shared.telemetry.rates import quantile_s
from shared.telemetry.trouble import Trouble

log = logging.getLogger(__name__)

STEPS = 1440
QUANTILES = {"requests_p50_ms": 0.5, "requests_p95_ms": 0.95}

Name = Annotated[str | None, Query(max_length=200, description="of one series; without it, all of them")]
Count = Annotated[int, Query(ge=1, le=STEPS, description="how many of them, up to the last one"), AS_WHOLE_NUMBER]


class SeriesShown(BaseModel):
    """Values by minute, the first of the minute that begins at `from`; null where nobody could tell.

    replica: the process that answers, from its own memory: minutes before it began are null.
    """

    step_s: int
    from_: Annotated[str, Field(alias="from")]
    replica: str
    series: dict[str, list[float | None]]


class Series:
    """A ring of the last 24 hours for each name. `began`: the first minute of which there may be values."""

    def __init__(self, began: int) -> None:
        self._last = began - MINUTE_S
        self._rings: dict[str, array[float]] = {}

    def lacks(self, at: int) -> bool:
        """Whether the minute is newer than all there are."""
        return at > self._last

    def add(self, at: int, values: Mapping[str, float]) -> None:
        """Keep the values of a minute; minutes that were left out have none. Not for one that is not lacking."""
        if not self.lacks(at):
            return
        passed = range(max(self._last, at - STEPS * MINUTE_S) + MINUTE_S, at + MINUTE_S, MINUTE_S)
        for ring in self._rings.values():
            for gone in passed:
                ring[_place(gone)] = math.nan
        for name, value in values.items():
            ring = self._rings.setdefault(name, array("d", [math.nan]) * STEPS)
            ring[_place(at)] = value
        self._last = at

    def read(self, until: int, minutes: int, name: str | None = None) -> dict[str, list[float | None]]:
        """So many minutes up to one, by name; a series without any value is left out."""
        steps = range(until - (minutes - 1) * MINUTE_S, until + MINUTE_S, MINUTE_S)
        rings = ((one, ring) for one, ring in sorted(self._rings.items()) if name in (None, one))
        found = {one: [self._value(ring, at) for at in steps] for one, ring in rings}
        return {one: values for one, values in found.items() if any(value is not None for value in values)}

    def _value(self, ring: "array[float]", at: int) -> float | None:
        is_kept = self._last - STEPS * MINUTE_S < at <= self._last
        return ring[_place(at)] if is_kept and not math.isnan(ring[_place(at)]) else None


def _place(at: int) -> int:
    return at // MINUTE_S % STEPS


def last_told(now: float) -> int:
    """The last minute of which every replica has told that is not silent."""
    return minute_of(now - SILENT_S) - MINUTE_S


def together(minutes: Iterable[Minute]) -> dict[str, float]:
    """The values of one minute of several processes. Replicas of a service see the same queues."""
    counts, took, ages_s = Counter[str](), Counter[int](), dict[str, float]()
    for minute in minutes:
        counts.update(minute.counts)
        took.update(minute.took)
        for queue, age_s in minute.ages_s.items():
            ages_s[f"queue.{queue}"] = max(age_s, ages_s.get(f"queue.{queue}", 0.0))
    quantiles = {name: quantile_s(took, share) for name, share in QUANTILES.items()}
    told = {name: round(1000 * took_s, 1) for name, took_s in quantiles.items() if took_s is not None}
    return {**counts, **told, **ages_s}


class Recorder:
    """Keeps the platform's series from `start` to `close`: once a minute, from the reports that were heard anyway."""

    def __init__(self, reporter: Reporter, replicas: Replicas, clock: Clock) -> None:
        self._reporter = reporter
        self._replicas = replicas
        self._clock = clock
        self._series = Series(minute_of(clock()))
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._series = Series(minute_of(self._clock()))  # from now on every report is heard
        self._task = asyncio.create_task(self._run(), name="recorder")

    async def close(self) -> None:
        await ended(self._task)

    async def told(self, minutes: int, name: str | None) -> dict[str, object]:
        """The answer about the last minutes."""
        until = await self._record()
        return {
            "step_s": MINUTE_S,
            "from": iso(until - (minutes - 1) * MINUTE_S),
            "replica": self._reporter.name,
            "series": self._series.read(until, minutes, name),
        }

    async def _record(self) -> int:
        """Keep the last minute of which the replicas have told, if that is not done; returns when it began."""
        at = last_told(self._clock())
        if self._series.lacks(at):
            seen = self._replicas.with_own(await self._reporter.report())
            minutes = [one.report.minute for one in seen if one.report.minute is not None]
            self._series.add(at, together(minute for minute in minutes if minute.at == at))
        return at

    async def _run(self) -> None:
        trouble = Trouble(log, "a minute cannot be recorded")
        while True:
            with trouble:
                await self._record()
            await asyncio.sleep(REPORT_S)


def router(recorder: Recorder) -> APIRouter:
    """The route of the series."""
    routes = APIRouter(
        prefix="/api/admin", tags=["admin"], route_class=bounded(), responses=problems.RESPONSES, dependencies=OPERATING
    )

    @routes.get("/series", response_model=SeriesShown)
    async def series(_who: Who, name: Name = None, minutes: Count = 60) -> Response:
        return json_answer(await recorder.told(minutes, name))

    return routes
