"""Forms in any pieces, and of any bytes: parts or a refusal, and never much of a body at a time."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from python_multipart.multipart import MultipartParser

from services.task_manager.multipart import FEED_BYTES, Part, PartLimits, parts
from shared.errors import Malformed, QuorateError
from tests.service.multipart_samples import form, named, part

LIMITS = PartLimits(max_picture_bytes=1_000_000, max_archive_bytes=1_000_000)


async def pieces(body: bytes, sizes: list[int]) -> AsyncIterator[bytes]:
    at = 0
    for size in sizes:
        yield body[at : at + size]
        at += size
    yield body[at:]


async def taken(body: bytes, folder: Path, *sizes: int, limits: PartLimits = LIMITS) -> list[Part]:
    found = []
    async for one in parts(pieces(body, list(sizes)), b"bdry", limits=limits, spool=folder):
        if one.archive is not None:
            one.archive.seek(0)
            one.data = one.archive.read()
            one.archive.close()
        found.append(one)
    return found


@pytest.mark.parametrize("seed", range(20))
async def test_a_form_in_any_pieces_is_the_same_form(tmp_path, seed):
    randomness = random.Random(seed)
    alphabet = [b"\r\n--bdr", b"\r", b"\n", b"--bdry", b"-", b"PK\x03\x04", b"\0", b"x" * 100]
    contents = [b"".join(randomness.choices(alphabet, k=randomness.randint(0, 30))) for _ in range(5)]
    contents = [one.replace(b"\r\n--bdry", b"") for one in contents]
    body = form(*(named(f"{n}".encode(), data) for n, data in enumerate(contents)))
    sizes = randomness.choices((0, 1, 2, 5, 40, 1_000), k=100)
    found = await taken(body, tmp_path, *sizes)
    assert [(one.disposition.filename, one.data) for one in found] == [(f"{n}", c) for n, c in enumerate(contents)]


async def test_whatever_the_bytes_are_there_are_parts_or_a_refusal(tmp_path):
    """Headers and boundaries in random order: parts with what they hold or an error of ours, or Malformed."""
    randomness = random.Random(14)
    words = [
        *(b"--bdry", b"\r\n", b"\r\n", b"\r\n", b"--", b"Content-Disposition:", b" form-data;", b"name=", b"images"),
        *(
            b";",
            b"filename=",
            b"filename*=",
            b"utf-8''",
            b"%ff",
            b'"',
            b"\\",
            b"\xff",
            b"\0",
            b"PK\x03\x04",
            b":",
            b"x",
        ),
        b'--bdry\r\nContent-Disposition: form-data; name="images"; filename="a.png"\r\n\r\n',
        b"\r\n--bdry--\r\n",
    ]
    limits = PartLimits(max_picture_bytes=20, max_archive_bytes=40)
    outcomes = {"parts": 0, "errors": 0, "malformed": 0}
    for _ in range(3_000):
        body = b"--bdry\r\n" * (randomness.random() < 0.9) + b"".join(
            randomness.choices(words, k=randomness.randint(1, 30))
        )
        try:
            found = await taken(body, tmp_path, *randomness.choices((1, 3, 20), k=5), limits=limits)
        except Malformed:
            outcomes["malformed"] += 1
            continue
        for one in found:
            assert one.error is None or (isinstance(one.error, QuorateError) and one.error.__traceback__ is None)
            assert one.error is None or one.data == b""
            assert len(one.data) <= limits.max_archive_bytes
            outcomes["parts" if one.error is None else "errors"] += 1
    assert min(outcomes.values()) > 50
    assert list(tmp_path.iterdir()) == []


async def test_others_get_their_turn_within_a_large_chunk(tmp_path, monkeypatch):
    """However large a chunk is, the parser gets FEED_BYTES of it at a time."""
    turns, fed = 0, []
    write = MultipartParser.write

    def counting(parser: MultipartParser, data: bytes) -> int:
        fed.append((turns, len(data)))
        return write(parser, data)

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    monkeypatch.setattr(MultipartParser, "write", counting)
    waiting = asyncio.create_task(others())
    body = form(*[part(b"")] * 10_000)
    assert len(await taken(body, tmp_path)) == 10_000
    waiting.cancel()
    bytes_in_a_turn: dict[int, int] = {}
    for turn, size in fed:
        bytes_in_a_turn[turn] = bytes_in_a_turn.get(turn, 0) + size
    assert sum(bytes_in_a_turn.values()) == len(body)
    assert max(bytes_in_a_turn.values()) <= FEED_BYTES
