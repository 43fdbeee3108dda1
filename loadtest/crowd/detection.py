"""`python -P -m loadtest.crowd.detection LOAD`: so many users who ask the detector, one request after the other.

LOAD is a Load as JSON. Prints what `Seen` holds as JSON. The first failure ends it.
"""

import asyncio
import base64
import json
import re
import sys
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from loadtest.crowd.connection import HOST, Caller, connect
from loadtest.errors import MeasurementFailed
from loadtest.measures import Times

PATH = "/api/object_detection"


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How many users ask whom about the pictures of which folder, and how fast they join; then all stay for `hold_s`.

    timeout_s: of a request; one that takes longer has failed.
    """

    port: int
    users: int
    hold_s: float
    pictures: str = ""
    host: str = HOST
    spawn_per_s: float = float("inf")
    timeout_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What users saw while all of them were there: answers per second, and the times of what was sent then.

    failure: the first one, empty for none; where there is one, the numbers say little.
    """

    failure: str
    per_s: float
    times: Times

    @classmethod
    def from_json(cls, text: str) -> Self:
        told = json.loads(text)
        return cls(**told | {"times": Times(**told["times"])})


@dataclass(slots=True)
class Users:
    """All users, who share what stops them."""

    load: Load
    requests: Sequence[bytes]
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    answered: int = 0
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
        times = Times.of(self.times_s or [0.0])
        return Seen(failure=self.failure, per_s=self.answered / self.load.hold_s, times=times)

    async def _watch(self) -> None:
        """Until everybody has been there long enough, or something failed."""
        await self._pause_until(self.everybody_at + self.load.hold_s)
        self.stop.set()

    async def _user(self, number: int, joins_at: float) -> None:
        await self._pause_until(joins_at)
        try:
            async with asyncio.timeout(self.load.timeout_s):
                caller = await connect(self.load.port, f"user-{number}", self.load.host)
            with closing(caller):
                at = number * 7  # so that they do not all look at the same picture at the same time
                while not self.stop.is_set():
                    await self._ask(caller, self.requests[at % len(self.requests)])
                    at += 1
        except (MeasurementFailed, OSError) as failure:  # a time-out is an OSError
            self.failure = self.failure or brief(failure)
            self.stop.set()

    async def _ask(self, caller: Caller, body: bytes) -> None:
        began = time.perf_counter()
        async with asyncio.timeout(self.load.timeout_s):
            await caller.post_bytes(PATH, body, "application/json")
        ended = time.perf_counter()
        self.answered += self.everybody_at <= ended < self.everybody_at + self.load.hold_s
        if began >= self.everybody_at:
            self.times_s.append(ended - began)

    async def _pause_until(self, at: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stop.wait(), max(0.0, at - time.perf_counter()))


def bodies(folder: Path) -> list[bytes]:
    """A request body for each picture of a folder. Raises MeasurementFailed."""
    pictures = [path.read_bytes() for path in sorted(folder.glob("*.jpg"))]
    if not pictures:
        raise MeasurementFailed(f"{folder} holds no .jpg")
    return [json.dumps({"id": "a", "image": base64.b64encode(one).decode()}).encode() for one in pictures]


def brief(failure: Exception) -> str:
    """A failure in few words: the detail of a problem, where the answer told one."""
    text = str(failure) or type(failure).__name__
    status, _, rest = text.partition(": ")
    detail = re.search(r'"detail": ?"([^"]*)"', rest)
    return f"{status}: {detail[1]}" if detail else text[:200]


def main() -> int:
    load = Load(**json.loads(sys.argv[1]))
    print(json.dumps(asdict(asyncio.run(Users(load, bodies(Path(load.pictures))).run()))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
