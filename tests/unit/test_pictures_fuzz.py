"""Pictures broken by seed, with their structure known: refused, or stored so that they decode as large as they say.

QUORATE_FUZZ=100000 breaks so many of each kind instead of a few hundred.
"""

import os
import random
import re
import struct
import zlib
from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
import pytest

from shared.errors import QuorateError
from shared.pictures import DecodingBudget, PictureLimits, check, decode_bgr
from tests.unit.test_pictures_samples import (
    ADOBE_CMYK,
    bmp,
    cmyk_jpeg,
    encoded,
    jpeg_exif,
    jpeg_with,
    png,
    png_chunk,
    png_with,
    scene,
    segment,
    tiff,
    webp_chunk,
    webp_with,
)

ROUNDS = int(os.environ.get("QUORATE_FUZZ", "300"))
SHORTEST = 16  # what is shorter is not broken any further
LIMITS = PictureLimits(max_bytes=100_000, max_pixels=1_000_000, max_side=5_000)
PALETTE = png_chunk(b"PLTE", bytes(range(48)))
SAMPLES = {
    "JPEG": encoded(scene(), "jpg"),
    "JPEG, progressive": encoded(scene(), "jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "JPEG, restart markers": encoded(scene(), "jpg", cv2.IMWRITE_JPEG_RST_INTERVAL, 1),
    "JPEG, turned": jpeg_with(encoded(scene(), "jpg"), jpeg_exif(6)),
    "JPEG, CMYK": cmyk_jpeg(scene(channels=4), ADOBE_CMYK),
    "PNG": encoded(scene(12, 8, 4), "png"),
    "PNG, palette": png(5, 3, 4, 3, bytes(12), PALETTE, png_chunk(b"tRNS", b"\0\x80")),
    "PNG, interlaced": png(8, 8, 8, 0, bytes(79), png_chunk(b"gAMA", bytes(4)), interlace=1),
    "PNG, 16 bits": png(4, 4, 16, 6, bytes(33 * 4), png_chunk(b"sBIT", b"\x0c\x0c\x0c\x0c")),
    "PNG, turned": png_with(encoded(scene(8, 8), "png"), png_chunk(b"eXIf", tiff(6))),
    "WebP": encoded(scene(), "webp"),
    "WebP, lossless": encoded(scene(channels=4), "webp", cv2.IMWRITE_WEBP_QUALITY, 101),
    "WebP, turned": webp_with(encoded(scene(channels=4), "webp"), 0x18, webp_chunk(b"EXIF", tiff(6))),
    "BMP": encoded(scene(8, 8), "bmp"),
    "BMP, run lengths": bmp(4, 2, 8, b"\4\1\0\0\4\1\0\1", compression=1, extra=bytes(8)),
}


def cut(data: bytes, rng: random.Random) -> bytes:
    end = data[-12:] if data.startswith(b"\x89PNG") else data[-2:]
    return data[: rng.randrange(len(data))] + rng.choice([b"", end])


def flip(data: bytes, rng: random.Random) -> bytes:
    flipped = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        flipped[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(flipped)


def lie(data: bytes, rng: random.Random) -> bytes:
    """Another number where one may be: a length, a size, a marker."""
    at = rng.randrange(min(len(data) - 4, 200))
    number = rng.choice([0, 1, 2, 7, 255, 256, 4096, 65535, 2**31 - 1, 2**31, 2**32 - 1])
    return data[:at] + struct.pack(rng.choice("<>") + "I", number) + data[at + 4 :]


def move(data: bytes, rng: random.Random) -> bytes:
    """A piece left out, doubled, or put elsewhere; pieces begin where a chunk or a segment does."""
    starts = [0, *(found.start() for found in re.finditer(rb"\xff[\xc0-\xfe]|.{4}(?=[A-Za-z]{4})", data)), len(data)]
    pieces = [data[start:end] for start, end in pairwise(starts)]
    at = rng.randrange(len(pieces))
    piece = pieces.pop(at) if rng.random() < 0.7 else pieces[at]
    if rng.random() < 0.7:
        pieces.insert(rng.randrange(len(pieces) + 1), piece)
    return b"".join(pieces)


def insert(data: bytes, rng: random.Random) -> bytes:
    """A chunk or a segment that means something, of bytes that do not."""
    payload = rng.randbytes(rng.randint(0, 30))
    if data.startswith(b"\xff\xd8"):
        at = rng.choice([found.start() for found in re.finditer(rb"\xff[\xc0-\xfe]", data[2:])] or [0]) + 2
        return data[:at] + segment(rng.randrange(0xC0, 0xFF), payload[:12]) + data[at:]
    if data.startswith(b"\x89PNG"):
        at = rng.choice([found.start() for found in re.finditer(rb".{4}(?=[A-Za-z]{4})", data)] or [8])
        name = rng.choice([b"tRNS", b"PLTE", b"sBIT", b"bKGD", b"iCCP", b"gAMA", b"cHRM", b"eXIf", b"IDAT", b"cICP"])
        return data[:at] + png_chunk(name, payload) + data[at:]
    return lie(data, rng)


def append(data: bytes, rng: random.Random) -> bytes:
    return data + rng.choice([*SAMPLES.values(), b"\0" * 100, b"<script>"])


def seal(data: bytes, rng: random.Random) -> bytes:
    """Checksums that fit, so that what was broken before gets past them."""
    if not data.startswith(b"\x89PNG"):
        return flip(data, rng)
    sealed, at = bytearray(data), 8
    while at + 12 <= len(sealed):
        end = at + 8 + int.from_bytes(sealed[at : at + 4], "big")
        sealed[end : end + 4] = struct.pack(">I", zlib.crc32(sealed[at + 4 : end]))[: max(0, len(sealed) - end)]
        at = end + 4
    return bytes(sealed)


BREAKS: list[Callable[[bytes, random.Random], bytes]] = [cut, flip, lie, move, insert, append]


@pytest.mark.parametrize("name", SAMPLES)
def test_broken_pictures_are_refused_or_decode(name):
    rng = random.Random(name)
    budget = DecodingBudget(100_000_000)
    taken = 0
    for _ in range(ROUNDS):
        data = SAMPLES[name]
        for breaking in rng.choices(BREAKS, k=rng.randint(1, 2)):
            data = breaking(data, rng) if len(data) > SHORTEST else data
        data = seal(data, rng) if len(data) > SHORTEST and rng.random() < 0.5 else data
        try:
            picture = check(data, LIMITS, budget)
        except QuorateError:
            continue
        taken += 1
        decoded = cv2.imdecode(np.frombuffer(picture.data, np.uint8), cv2.IMREAD_UNCHANGED)
        assert decoded is not None, data.hex()
        assert decoded.shape[:2] == (picture.height, picture.width), data.hex()
        assert decode_bgr(data, LIMITS, budget).shape == (picture.height, picture.width, 3), data.hex()
        assert budget.held_bytes == 0
    assert 0 < taken < ROUNDS
