"""How tasks, rows, runs and pages are stored. Each is at its first schema."""

import zlib
from typing import Any

import orjson

from services.consensus.row import KnownTask, Row
from services.consensus.run import Run
from services.consensus.store import PageKey
from shared.codec import Codec

TASKS = Codec(KnownTask)
ROWS = Codec(Row)
RUNS = Codec(Run)
LAST = "\x7f"
"""Behind every key."""
SOURCE = "quorate/consensus"
"""Where its events come from."""
REMOVED_AT_ONCE = 500


def place_of(row: Row) -> str:
    """Where a row stands among those of its team: by the time at which it ended."""
    return f"{int(row.completed_at * 1_000_000):016x}{row.image_id}"


def change_of(row: Row) -> str:
    """Names the last change of a row, in the order of time."""
    return f"{int(row.changed_at * 1_000_000):016x}{row.image_id}"


def asked(run: Run) -> str:
    """Where a run stands among those about the same: by the time at which it was asked for."""
    return f"{int(run.asked_at * 1_000_000):016x}{run.id}"


def page_id(key: PageKey) -> str:
    return f"{key.run_id}/{key.attempt}/{key.kind}/{key.number:06d}"


def page_key(text: str) -> PageKey:
    run_id, attempt, kind, number = text.split("/")
    return PageKey(run_id=run_id, attempt=attempt, kind=kind, number=int(number))


def packed(value: Any) -> bytes:
    """What a page holds, as it is stored."""
    return zlib.compress(orjson.dumps(value), 1)


def unpacked(body: bytes) -> Any:
    return orjson.loads(zlib.decompress(body))
