"""How imports and their pages are stored. Each is at its first schema."""

import zlib
from collections.abc import Sequence

import orjson

from services.task_manager.imports.rules import Import
from services.task_manager.imports.store import PageKey
from shared.codec import Codec

IMPORTS = Codec(Import)
REMOVED_AT_ONCE = 500


def asked(one: Import) -> str:
    """Where an import stands among those of its task: by the time at which it was asked for."""
    return f"{int(one.asked_at * 1_000_000):016x}{one.id}"


def page_id(key: PageKey) -> str:
    return f"{key.import_id}/{key.round:06d}/{key.part:09d}"


def part_of(page: str) -> int:
    return int(page.rpartition("/")[2])


def packed(refused: Sequence[dict[str, str]]) -> bytes:
    return zlib.compress(orjson.dumps(refused), 1)


def unpacked(body: bytes) -> list[dict[str, str]]:
    return orjson.loads(zlib.decompress(body))
