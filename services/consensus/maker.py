"""Starts the process that makes a run, feeds it, and keeps what it finds."""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from services.consensus.row import KnownTask, Row
from services.consensus.run import Differing, Outcome, Run
from services.consensus.sparing import Sparing
from services.consensus.store import ConsensusStore, PageKey
from services.consensus.store.codec import packed, place_of
from shared.clock import Clock
from shared.ending import ended
from shared.errors import QuorateError
from shared.proposals import is_audited

log = logging.getLogger(__name__)

READ_AT_ONCE = 500
MAX_LINE_BYTES = 32_000_000
MAX_VOTES_OF_OPERATORS = 1_000_000
"""Of a team's operators the latest votes count, so many at most."""
OPERATORS_SINCE_S = 90 * 86_400.0
KEPT_ENVIRONMENT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TZ")


class NotMade(QuorateError):
    """The run has no result, and trying again would not give it one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How long a run may take, without its rests and with them, and how much memory."""

    time_s: float
    with_rests_s: float
    memory_bytes: int


Tell = Callable[[str], Awaitable[None]]
"""Told what the run does at the moment."""
Rest = Callable[[], Awaitable[None]]
"""Leaves the event loop to others."""


class Maker:
    """Makes runs, each in a process of its own."""

    def __init__(self, store: ConsensusStore, clock: Clock, bounds: Bounds, sparing: Sparing) -> None:
        self._store = store
        self._clock = clock
        self._bounds = bounds
        self._sparing = sparing

    async def make(self, run: Run, attempt: str, tell: Tell) -> Outcome:
        """The outcome; the pages are kept under the attempt. Raises NotMade."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "services.consensus.making",
            str(self._bounds.memory_bytes),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ},
            limit=MAX_LINE_BYTES,
        )
        try:
            async with asyncio.timeout(self._bounds.time_s) as bound:
                latest = asyncio.get_running_loop().time() + self._bounds.with_rests_s
                rest = partial(self._sparing.rest, bound, latest)
                return await self._made(process, run, attempt, tell, rest)
        except TimeoutError:
            raise NotMade(f"it was not done after {self._bounds.time_s:.0f} s: ask fewer methods") from None
        finally:
            await _ended(process)

    async def _made(
        self, process: asyncio.subprocess.Process, run: Run, attempt: str, tell: Tell, rest: Rest
    ) -> Outcome:
        feeding = asyncio.create_task(self._feed(process, run, tell, rest))
        try:
            while line := await _line(process):
                with self._sparing.work():
                    said = orjson.loads(line)
                if "refused" in said:
                    raise NotMade(said["refused"])
                if "outcome" in said:
                    return _outcome(said["outcome"])
                if "stage" in said:
                    await tell(said["stage"])
                else:
                    page = said["page"]
                    key = PageKey(run_id=run.id, attempt=attempt, kind=page["kind"], number=page["number"])
                    with self._sparing.work():
                        body = packed(page["items"])
                    await self._store.put_page(key, body)
                    await rest()
        finally:
            await ended(feeding)
        if not feeding.cancelled() and isinstance(fault := feeding.exception(), QuorateError):
            raise fault
        raise NotMade(f"its process ended before it was done (status {await process.wait()})")

    async def _feed(self, process: asyncio.subprocess.Process, run: Run, tell: Tell, rest: Rest) -> None:
        """Send all that the run is about. The process waits for it, so it is sent at the pace at which it is read."""
        stdin = process.stdin
        if stdin is None:
            raise ValueError("the process has no stdin")
        stdin.write(_as_line({"kind": run.kind, "methods": run.methods, "now": self._clock()}))
        read = 0
        try:
            async for rows, task in self._rows(run):
                with self._sparing.work():
                    lines = b"".join(_as_line(_sent(row, task)) for row in rows)
                stdin.write(lines)
                await stdin.drain()
                read += len(rows)
                await tell(f"reading: {read} images")
                await rest()
            stdin.write(_as_line(None))
            await stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            return  # it has ended, and said why
        except QuorateError:
            stdin.close()
            raise

    async def _rows(self, run: Run) -> AsyncIterator[tuple[list[Row], KnownTask]]:
        """What the run is about, page by page, with its task."""
        task = await self._store.task(run.task_id) if run.task_id else KnownTask(id="", team=run.team)
        after, votes = "", 0
        since = self._clock() - OPERATORS_SINCE_S
        while True:
            if run.task_id:
                rows = await self._store.rows(run.task_id, after=after, limit=READ_AT_ONCE)
                kept = rows
            else:
                rows = await self._store.rows_of_team(run.team, before=after, limit=READ_AT_ONCE)
                kept = [row for row in rows if row.completed_at >= since and votes < MAX_VOTES_OF_OPERATORS]
            votes += sum(len(row.votes) for row in kept)
            yield kept, task
            if len(rows) < READ_AT_ONCE or len(kept) < len(rows) or votes >= self._most(run):
                return
            after = rows[-1].image_id if run.task_id else place_of(rows[-1])

    @staticmethod
    def _most(run: Run) -> float:
        return float("inf") if run.task_id else MAX_VOTES_OF_OPERATORS


def _sent(row: Row, task: KnownTask) -> dict[str, Any]:
    """A row as a `Line`. What a detector said counts where nobody saw it."""
    seen = row.seen if row.seen is not None and is_audited(row.image_id, task.audit_share) else None
    voters = {vote.voter for vote in row.votes}
    return {
        "image_id": row.image_id,
        "label": row.label,
        "revision": row.revision,
        "is_by_people": row.is_by_people,
        "seen": None if seen is None or seen.model in voters else (seen.model, seen.label),
        "votes": [(vote.voter, vote.label, vote.at) for vote in row.votes],
    }


def _as_line(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)


async def _line(process: asyncio.subprocess.Process) -> bytes:
    if process.stdout is None:
        raise ValueError("the process has no stdout")
    return await process.stdout.readline()


def _outcome(said: dict[str, Any]) -> Outcome:
    differing = tuple(Differing(**one) for one in said.pop("differing", ()))
    return Outcome(**said, differing=differing)


async def _ended(process: asyncio.subprocess.Process) -> None:
    """The process is over when this returns: nothing that was started stays behind."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
    await process.wait()
    if process.stdin is not None:
        process.stdin.close()
