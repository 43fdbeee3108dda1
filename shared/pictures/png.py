"""PNG files as a row of chunks: the header, and what is left without metadata."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from shared.pictures import exif
from shared.pictures.header import UPRIGHT, Header
from shared.pictures.refusals import PictureRejected, animated, corrupt, truncated

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_COLOUR = frozenset({b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"pHYs", b"bKGD"})
_GRAY = 0
_GRAY_BITS = (1, 2, 4, 8, 16)
_GRAY_BYTES = 2  # of the gray in tRNS, whatever the bits
_SHOWN_BITS = 8
_FRAME_BYTES = 12  # length, name and checksum around the payload of a chunk
_IHDR_BYTES = 13
_MAX_CHUNKS = 100_000


@dataclass(frozen=True, slots=True)
class _Chunk:
    """A named part of the file, `data[start:end]` with its length and its checksum."""

    name: bytes
    start: int
    end: int

    @property
    def is_critical(self) -> bool:
        return self.name[:1].isupper()

    def payload(self, data: bytes) -> bytes:
        return data[self.start + 8 : self.end - 4]

    def is_intact(self, data: bytes) -> bool:
        checksum = zlib.crc32(memoryview(data)[self.start + 4 : self.end - 4])
        return checksum == int.from_bytes(data[self.end - 4 : self.end], "big")


def read(data: bytes) -> Header:
    """The header of a PNG; raises PictureRejected."""
    ihdr, transparency, orientation = b"", b"", UPRIGHT
    for chunk in _chunks(data):
        match chunk.name:
            case b"IHDR":
                ihdr = ihdr or chunk.payload(data)
            case b"tRNS":
                transparency = chunk.payload(data)
            case b"eXIf":  # may stand before or after the pixels
                orientation = exif.read_orientation(chunk.payload(data))
            case b"acTL":
                raise animated()
            case _:
                pass
    if len(ihdr) != _IHDR_BYTES or not data.startswith(b"IHDR", len(SIGNATURE) + 4):
        raise corrupt("PNG")
    return _header(ihdr, transparency, orientation)


def strip(data: bytes) -> bytes:
    """The same PNG without metadata and without what follows its end; raises PictureRejected."""
    kept = [SIGNATURE]
    for chunk in _chunks(data):
        if not chunk.is_intact(data):
            raise corrupt("PNG")
        if chunk.is_critical or chunk.name in _COLOUR:
            kept.append(data[chunk.start : chunk.end])
    return b"".join(kept)


def _header(ihdr: bytes, transparency: bytes, orientation: int) -> Header:
    width, height, bits, colour = struct.unpack_from(">IIBB", ihdr)
    is_keyed_gray = colour == _GRAY and len(transparency) == _GRAY_BYTES and bits in _GRAY_BITS
    return Header(
        format="png",
        width=width,
        height=height,
        orientation=orientation,
        is_showable=bits <= _SHOWN_BITS,
        is_lossless=True,
        transparent_gray=_decoded_gray(int.from_bytes(transparency, "big"), bits) if is_keyed_gray else None,
    )


def _decoded_gray(sample: int, bits: int) -> int:
    """A gray of 1 to 16 bits at the scale the decoder gives: 0 to 255, or to 65,535 where it has 16 bits."""
    largest = (1 << bits) - 1
    return (sample & largest) * max(255, largest) // largest


def _chunks(data: bytes) -> Iterator[_Chunk]:
    """Every chunk up to and with the one that ends the picture."""
    start = len(SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        end = start + _FRAME_BYTES + int.from_bytes(data[start : start + 4], "big")
        if start + _FRAME_BYTES > len(data) or end > len(data):
            raise truncated("PNG")
        chunk = _Chunk(data[start + 4 : start + 8], start, end)
        yield chunk
        if chunk.name == b"IEND":
            return
        start = end
    raise PictureRejected(f"the PNG has more than {_MAX_CHUNKS:,} chunks")
