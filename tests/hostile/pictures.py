"""Pictures that lie about their size, unpack to too much, or end too early."""

import base64
import json
import struct
import zlib
from functools import cache
from random import Random

from tests.hostile.forms import ended, file, picture, upload
from tests.hostile.shots import Maker, Prey, Shot, one, request
from tests.service import picture_samples as samples
from tests.unit.test_pictures_samples import encoded, png_chunk, png_with, scene

REFUSED = (413, 415, 422)
TAKEN_OR_NOT = (200, *REFUSED)
EXTENSIONS = ("jpg", "png", "webp", "bmp")
MEGABYTE = bytes(1_000_000)


def sent(kind: str, prey: Prey, data: bytes, *right: int) -> Shot:
    return one(kind, upload(prey, ended(file(data))), *right)


@cache
def packed(block: bytes, count: int) -> bytes:
    """A block so many times in a row as zlib packs it, though it is packed only once."""
    packer = zlib.compressobj(9, wbits=-15)
    once = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = 1
    for _ in range(count):
        checksum = zlib.adler32(block, checksum)
    return b"\x78\xda" + once * count + b"\x03\0" + struct.pack(">I", checksum)


def _bomb(chance: Random, prey: Prey) -> Shot:
    data = samples.png_of(4, 4, packed(MEGABYTE, chance.choice((50, 500, 2_000))))
    return sent("unpacks past its pixels", prey, data, *REFUSED)


def _text_bomb(chance: Random, prey: Prey) -> Shot:
    name = chance.choice((b"zTXt", b"iCCP", b"iTXt"))
    keyword = b"a\0" + (b"\1\0\0\0" if name == b"iTXt" else b"\0")
    chunk = png_chunk(name, keyword + packed(MEGABYTE, chance.choice((50, 500))))
    return sent("a comment that unpacks", prey, png_with(picture(chance), chunk), *TAKEN_OR_NOT)


def _many_chunks(chance: Random, prey: Prey) -> Shot:
    chunk = png_chunk(chance.choice((b"tEXt", b"IDAT", b"tIME", b"prVw")), b"")
    data = png_with(picture(chance), chunk * chance.randrange(1_000, 100_000))
    return sent("many chunks", prey, data, *TAKEN_OR_NOT)


def _large_claim(chance: Random, prey: Prey) -> Shot:
    width, height = chance.choice(((65_535, 65_535), (2**31 - 1, 1), (0, 10), (10, 0), (25_000_001, 1), (5_000, 5_000)))
    return sent("claims to be large", prey, samples.claims(width, height), *REFUSED)


def _deep(seed: int) -> bytes:
    """25 megapixels of 16 bits and four channels, in little: the budget of decoders has to hold it."""
    header = struct.pack(">IIBBBBB", 5_000, 5_000, 16, 6, 0, 0, 0)
    row = b"\0" + struct.pack(">4H", seed, 0, 0, 65_535) * 5_000
    pixels = packed(row * 20, 250)
    chunks = png_chunk(b"IHDR", header) + png_chunk(b"IDAT", pixels) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _deep_and_large(chance: Random, prey: Prey) -> Shot:
    data = upload(prey, ended(file(_deep(chance.randrange(2)))))
    return Shot(
        kind="deep and large", pieces=(data,), right=frozenset(TAKEN_OR_NOT), connections=chance.randrange(1, 4)
    )


def _truncated(chance: Random, prey: Prey) -> Shot:
    whole = encoded(scene(), chance.choice(EXTENSIONS))
    return sent("cut", prey, whole[: chance.randrange(1, len(whole) * 3 // 4)], *REFUSED)


def _half_with_an_end(chance: Random, prey: Prey) -> Shot:
    data = chance.choice((encoded(scene(), "jpg")[:-100] + b"\xff\xd9", samples.says_5000_x_5000()))
    return sent("half a JPEG", prey, data, *REFUSED)


def _mutated(chance: Random, prey: Prey) -> Shot:
    data = bytearray(encoded(scene(), chance.choice(EXTENSIONS)))
    for _ in range(chance.randrange(1, 30)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return sent("bytes changed", prey, bytes(data), *TAKEN_OR_NOT)


def _bad(chance: Random, prey: Prey) -> Shot:
    name = chance.choice([*samples.BAD])
    _, data, status, _ = samples.BAD[name]
    return sent(name, prey, data, status)


def _tail(chance: Random, prey: Prey) -> Shot:
    data = encoded(scene(), chance.choice(EXTENSIONS)) + chance.randbytes(chance.randrange(1, 500_000))
    return sent("a tail", prey, data, *TAKEN_OR_NOT)


def _base64(chance: Random, prey: Prey) -> Shot:
    good = base64.b64encode(picture(chance)).decode()
    text = chance.choice(
        (good[:-3], "data:image/png;base64," + good, "é" + good, "=" * 1_000, "A" * 5_000_000, "", "\0")
    )
    body = json.dumps({"id": "a", "image": text}).encode()
    return one("odd base64", request("POST", f"/api/tasks/{prey.task_id}/images", body=body), 413, 415, 422)


MAKERS: tuple[Maker, ...] = (
    _bomb,
    _text_bomb,
    _many_chunks,
    _large_claim,
    _deep_and_large,
    _truncated,
    _half_with_an_end,
    _mutated,
    _bad,
    _tail,
    _base64,
)
