"""Small pictures, drawn without a library."""

import io
import random
import struct
import zipfile
import zlib
from pathlib import Path

SIDE = 64  # pixels
CELL = 8  # pixels to the side of a square of one colour
SUFFIXES = (".jpg", ".jpeg", ".png")
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
EIGHT_BITS, RGB = 8, 2


class NoPictures(Exception):
    """A folder holds no JPEG and no PNG."""


def png(rng: random.Random) -> bytes:
    """64 x 64 pixels of coloured squares, under 1 kB (PNG specification, third edition: IHDR, IDAT, IEND)."""
    cells = SIDE // CELL
    rows = [b"\0" + b"".join(rng.randbytes(3) * CELL for _ in range(cells)) for _ in range(cells)]  # filter 0: none
    pixels = b"".join(row * CELL for row in rows)
    header = struct.pack(">IIBBBBB", SIDE, SIDE, EIGHT_BITS, RGB, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(pixels)), (b"IEND", b""))
    return PNG_SIGNATURE + b"".join(_chunk(name, data) for name, data in chunks)


def archive(rng: random.Random, count: int) -> bytes:
    """A zip of so many pictures."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for number in range(1, count + 1):
            file.writestr(f"picture-{number}.png", png(rng))
    return packed.getvalue()


def drawn(count: int) -> list[bytes]:
    """So many pictures, the same ones every time."""
    rng = random.Random(0)
    return [png(rng) for _ in range(count)]


def read(folder: Path) -> list[bytes]:
    """The pictures of a folder, in order of name. Raises NoPictures."""
    paths = sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise NoPictures(f"{folder} holds no {' or '.join(SUFFIXES)}")
    return [path.read_bytes() for path in paths]


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
