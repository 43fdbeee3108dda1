"""`python -P -m loadtest.experiments.pods.users`: so many users who ask the detector, one request after the other.

Prints one JSON object: what `Seen` holds. The first failure ends it.
"""

import argparse
import asyncio
import json
import re
import sys
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from loadtest.bench.errors import BenchFailed
from loadtest.bench.http_client import Caller, Connection
from loadtest.bench.report import percentile
from loadtest.bench_detector.clients import PATH, bodies


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Who asks whom, and how fast users join. Then all of them stay for `hold_s`."""

    host: str
    port: int
    users: int
    spawn_per_s: float
    hold_s: float
    timeout_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Times in milliseconds, of requests sent while all users were there; `per_s`: answers in that time.

    failure: the first one, empty for none; where there is one, the numbers say little.
    """

    answered: int
    failure: str
    per_s: float
    mean_ms: float
    p95_ms: float
    most_ms: float


@dataclass(slots=True)
class _Crowd:
    load: Load
    requests: Sequence[bytes]
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    answered: int = 0
    answered_meanwhile: int = 0
    failure: str = ""
    everybody_at: float = 0.0
    times_s: list[float] = field(default_factory=list)

    async def run(self) -> Seen:
        began = time.perf_counter()
        self.everybody_at = began + self.load.users / self.load.spawn_per_s
        async with asyncio.TaskGroup() as group:
            for number in range(self.load.users):
                group.create_task(self._user(number, began + number / self.load.spawn_per_s))
            group.create_task(self._watch())
        return self._seen()

    async def _watch(self) -> None:
        """Until everybody has been there long enough, or something failed."""
        await self._pause_until(self.everybody_at + self.load.hold_s)
        self.stop.set()

    async def _user(self, number: int, joins_at: float) -> None:
        await self._pause_until(joins_at)
        try:
            with closing(await self._connect(number)) as caller:
                at = number * 7  # so that they do not all look at the same picture at the same time
                while not self.stop.is_set():
                    await self._ask(caller, self.requests[at % len(self.requests)])
                    at += 1
        except (BenchFailed, OSError) as failure:  # a time-out is an OSError
            self.failure = self.failure or brief(failure)
            self.stop.set()

    async def _connect(self, number: int) -> Caller:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self.load.timeout_s):
            _, connection = await loop.create_connection(Connection, self.load.host, self.load.port)
        return Caller(connection, f"user-{number}", self.load.port)

    async def _ask(self, caller: Caller, body: bytes) -> None:
        began = time.perf_counter()
        async with asyncio.timeout(self.load.timeout_s):
            await caller.post_bytes(PATH, body, "application/json")
        ended = time.perf_counter()
        self.answered += 1
        self.answered_meanwhile += self.everybody_at <= ended < self.everybody_at + self.load.hold_s
        if began >= self.everybody_at:
            self.times_s.append(ended - began)

    async def _pause_until(self, at: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stop.wait(), max(0.0, at - time.perf_counter()))

    def _seen(self) -> Seen:
        times = self.times_s or [0.0]
        return Seen(
            answered=self.answered,
            failure=self.failure,
            per_s=self.answered_meanwhile / self.load.hold_s,
            mean_ms=1000 * sum(times) / len(times),
            p95_ms=1000 * percentile(times, 0.95),
            most_ms=1000 * max(times),
        )


def brief(failure: Exception) -> str:
    """A failure in few words: the detail of a problem, where the answer told one."""
    text = str(failure) or type(failure).__name__
    status, _, rest = text.partition(": ")
    detail = re.search(r'"detail": ?"([^"]*)"', rest)
    return f"{status}: {detail[1]}" if detail else text[:200]


def main() -> int:
    parser = argparse.ArgumentParser(prog="loadtest.experiments.pods.users", description=__doc__)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--users", type=int, required=True)
    parser.add_argument("--spawn-per-s", type=float, default=1.0)
    parser.add_argument("--hold-s", type=float, default=10.0)
    parser.add_argument("--timeout-s", type=float, default=10.0)
    parser.add_argument("--pictures", type=Path, required=True, help="a folder of .jpg")
    options = vars(parser.parse_args())
    requests = bodies(options.pop("pictures"))
    print(json.dumps(asdict(asyncio.run(_Crowd(Load(**options), requests).run()))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
