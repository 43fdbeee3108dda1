"""Everything that people do, written down: what became of each request, and what the platform acknowledged."""

import csv
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal
from urllib.parse import urlsplit

import httpx

from quorate.errors import QuorateError
from quorate.retries import RetryPolicy, describe

Row = tuple[str | int | float, ...]
Measure = Literal["call", "attempt", "iteration"]
"""A call is a request with all its tries, an attempt one of them, an iteration what a person does between pauses."""

REQUESTS, ACTS, PEOPLE = "requests.csv", "acts.csv", "people.csv"
COLUMNS = {
    REQUESTS: ("at_s", "measure", "name", "time_ms", "error"),
    ACTS: ("at_s", "act", "who", "task_id", "subtask_id", "detail"),
    PEOPLE: ("at_s", "clients", "operators", "detectors", "cores"),
}
"""`at_s`: seconds since the start of the run; of a request, its end. `error` is empty where it went well.

`cores`: what the load test itself needed of the processor; near 1, it measures itself.
"""
COLLECTIONS = frozenset({"tasks", "subtasks", "leases", "disputes", "uploads"})
"""Parts of a path that an identifier follows."""
LITERALS = frozenset({"renew"})
WHOLE = ", to its end"
"""What the name of a streamed answer ends with that was read as far as was wanted."""
OVERTAKEN = ", overtaken"
"""What the name of a call ends with that was refused because of what somebody else did meanwhile, as it should be."""
STARVED, IN_PART, TOGETHER = "operator, no lease", "operator in part", "operator, together"
"""Iterations of operators other than system A's: nothing to do, less than a batch, one request for all votes."""
MS = 1000


class Records:
    """Files in a folder, or nothing where there is none; a file's rows wait in memory for `flush`."""

    def __init__(self, folder: Path | None, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._begun_at = clock()
        self._rows: dict[str, list[Row]] = {name: [] for name in COLUMNS}
        self._files: dict[str, IO[str]] = {}
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self._files = {name: (folder / name).open("w", encoding="utf-8", newline="") for name in COLUMNS}
            self._rows = {name: [columns] for name, columns in COLUMNS.items()}

    def start(self) -> None:
        """The run begins now."""
        self._begun_at = self._clock()

    def elapsed_s(self) -> float:
        return self._clock() - self._begun_at

    def add(self, file: str, *cells: str | float) -> None:
        """A row for one of the files, after the time."""
        if self._files:
            self._rows[file].append((round(self.elapsed_s(), 4), *cells))

    def flush(self) -> None:
        for name, file in self._files.items():
            rows, self._rows[name] = self._rows[name], []
            csv.writer(file, lineterminator="\n").writerows(rows)
            file.flush()

    def close(self) -> None:
        self.flush()
        for file in self._files.values():
            file.close()
        self._files = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of something that was timed. status: of the answer, 0 where there was none."""

    measure: Measure
    name: str
    time_ms: float
    error: Exception | None = None
    status: int = 0
    size_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRetries(RetryPolicy):
    """The client's own retries, with a report on every call and every attempt, and on how each stream ended.

    patience_s: how long a person waits for the next piece of an answer; who asked with less gave up of their own.
    """

    report: Callable[[Outcome], None]
    patience_s: float = 0.0

    def run(self, attempt: Callable[[], httpx.Response]) -> httpx.Response:
        """As RetryPolicy.run. Any answer but a 2xx counts as a failure."""

        def reported() -> httpx.Response:
            return self._timed("attempt", attempt)

        # Not super(): a dataclass with slots is not the class that super() would ask.
        response = self._timed("call", lambda: RetryPolicy.run(self, reported))
        if response.is_success and not response.is_closed:
            response.stream = WatchedStream(response, self._streamed)
        return response

    def _streamed(self, response: httpx.Response, time_ms: float, error: httpx.TransportError | None) -> None:
        """A streamed answer has come to its end, or broke off, or is read no further."""
        asked_s = response.request.extensions["timeout"]["read"]
        has_given_up = isinstance(error, httpx.ReadTimeout) and asked_s is not None and asked_s < self.patience_s
        name = f"{route(response.request.method, str(response.request.url))}{WHOLE}"
        broken = None if error is None or has_given_up else BrokenOff(describe(error))
        self.report(
            Outcome(measure="call", name=name, time_ms=time_ms, error=broken, size_bytes=response.num_bytes_downloaded)
        )

    def _timed(self, measure: Measure, ask: Callable[[], httpx.Response]) -> httpx.Response:
        begun = time.perf_counter()
        try:
            response = ask()
        except (httpx.RequestError, QuorateError) as error:
            time_ms = (time.perf_counter() - begun) * MS
            self.report(Outcome(measure=measure, name=_name_of_failed(error), time_ms=time_ms, error=error))
            raise
        time_ms = (time.perf_counter() - begun) * MS
        name = route(response.request.method, str(response.request.url))
        self.report(
            Outcome(
                measure=measure,
                name=name,
                time_ms=time_ms,
                error=_refusal(response),
                status=response.status_code,
                size_bytes=_size(response),
            )
        )
        return response


class WatchedStream(httpx.SyncByteStream):
    """The body of an answer, of which `ended` is told once: how long it took to its end, and what broke it off."""

    def __init__(
        self, response: httpx.Response, ended: Callable[[httpx.Response, float, httpx.TransportError | None], None]
    ) -> None:
        assert isinstance(response.stream, httpx.SyncByteStream)  # noqa: S101 - it comes from a synchronous client
        self._stream, self._response, self._ended = response.stream, response, ended
        self._begun = time.perf_counter()
        self._is_told = False

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._stream
        except httpx.TransportError as error:
            self._tell(error)
            raise
        self._tell(None)

    def close(self) -> None:
        self._stream.close()
        self._tell(None)

    def _tell(self, error: httpx.TransportError | None) -> None:
        if not self._is_told:
            self._is_told = True
            self._ended(self._response, (time.perf_counter() - self._begun) * MS, error)


@dataclass(slots=True)
class Stopwatch:
    """Adds up the times that count of what a person does."""

    time_ms: float = 0.0
    _begun: list[float] = field(default_factory=list[float])

    def __enter__(self) -> None:
        self._begun.append(time.perf_counter())

    def __exit__(self, *_: object) -> None:
        self.time_ms += (time.perf_counter() - self._begun.pop()) * MS


class Refused(Exception):
    """An answer that is no success."""


class WrongAnswer(Exception):
    """An answer that is a success, and not what it should be."""


class BrokenOff(Exception):
    """A streamed answer that did not come to its end."""


def route(method: str, url: str) -> str:
    """A request's name, the same for all tasks, subtasks and images: `POST /api/subtasks/{id}/vote`."""
    parts = urlsplit(url).path.split("/")
    if "api" not in parts:
        return f"{method} image" if method == "GET" else f"{method} object"
    for at in range(1, len(parts)):
        if parts[at - 1] in COLLECTIONS and parts[at] not in LITERALS:
            parts[at] = "{id}"
    return f"{method} {'/'.join(parts)}"


def _name_of_failed(error: Exception) -> str:
    """The name of a request that has no answer: httpx's errors know their request, ours know httpx's."""
    cause = error if isinstance(error, httpx.RequestError) else error.__cause__
    if isinstance(cause, httpx.RequestError):
        return route(cause.request.method, str(cause.request.url))
    return "unknown"


def _refusal(response: httpx.Response) -> Exception | None:
    return None if response.is_success else Refused(f"{response.status_code} {response.reason_phrase}")


def _size(response: httpx.Response) -> int:
    """The body's size, which is not known of one that is still streaming."""
    return len(response.content) if response.is_closed else 0


def described(error: Exception | None) -> str:
    """An error on one line, without addresses; empty for none."""
    return "" if error is None else f"{type(error).__name__}: {describe(error)}".replace("\n", " ")[:200]
