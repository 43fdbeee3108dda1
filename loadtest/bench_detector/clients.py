"""So many clients at once, each with one request at a time."""

import asyncio
import base64
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtest.bench.errors import BenchFailed
from loadtest.bench.http_client import Caller, connect
from loadtest.bench.report import percentile

PATH = "/api/object_detection"


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What so many clients saw: answers per second, and times in milliseconds. All were answered, or it had failed."""

    per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


def bodies(folder: Path) -> list[bytes]:
    """A request body for each picture of a folder."""
    pictures = [path.read_bytes() for path in sorted(folder.glob("*.jpg"))]
    if not pictures:
        raise BenchFailed(f"{folder} holds no .jpg")
    return [json.dumps({"id": "a", "image": base64.b64encode(one).decode()}).encode() for one in pictures]


async def ask(port: int, requests: Sequence[bytes], *, clients: int, seconds: float) -> Round:
    """Ask for so long, and wait for the last answers. Raises BenchFailed for any answer but 200."""
    callers = [await connect(port, f"client-{number}") for number in range(clients)]
    times: list[float] = []
    began = time.perf_counter()

    async def work(number: int, caller: Caller) -> None:
        at = number * 7
        while (start := time.perf_counter()) - began < seconds:
            await caller.post_bytes(PATH, requests[at % len(requests)], "application/json")
            times.append(time.perf_counter() - start)
            at += 1

    try:
        async with asyncio.TaskGroup() as group:
            for number, caller in enumerate(callers):
                group.create_task(work(number, caller))
        took_s = time.perf_counter() - began
    finally:
        for caller in callers:
            caller.close()
    p50, p95, p99 = (percentile(times, share) * 1000 for share in (0.5, 0.95, 0.99))
    return Round(per_s=len(times) / took_s, p50_ms=p50, p95_ms=p95, p99_ms=p99)
