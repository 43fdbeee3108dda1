"""The pixels of a PNG, unpacked piece by piece and held against its header; nothing of them is kept."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from shared.pictures.refusals import PictureRejected, corrupt

_PIECE_BYTES = 1 << 16
_LAST_FILTER = 4
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


@dataclass(frozen=True, slots=True)
class _Pass:
    """Rows of one length: a whole picture, or one of the seven passes of an interlaced one."""

    rows: int
    row_bytes: int


def verify(ihdr: bytes, packed: Iterator[memoryview]) -> None:
    """See that the packed data are the rows that the header promises, no less and no more; raises PictureRejected.

    With its checksums intact and the rows all there, nothing is left that could fail in decoding.
    """
    unpacked = _unpacked(packed)
    rest = b""
    for one in _passes(ihdr):
        rest = _pass(one, rest, unpacked)
    if rest or next(unpacked, b""):
        raise PictureRejected("the PNG data unpack to more than its pixels")


def _pass(one: _Pass, piece: bytes, unpacked: Iterator[bytes]) -> bytes:
    """Read one pass, and return what was unpacked of the next."""
    end, done = one.rows * one.row_bytes, 0
    while True:
        seen = piece[: end - done]
        if max(seen[-done % one.row_bytes :: one.row_bytes], default=0) > _LAST_FILTER:
            raise corrupt("PNG")
        done += len(seen)
        if done == end:
            return piece[len(seen) :]
        piece = next(unpacked, b"")
        if not piece:
            raise corrupt("PNG")


def _unpacked(packed: Iterator[memoryview]) -> Iterator[bytes]:
    """What the data unpack to, piece by piece, none of them empty."""
    inflater = zlib.decompressobj()
    for chunk in packed:
        for start in range(0, len(chunk), _PIECE_BYTES):
            rest: bytes | memoryview = chunk[start : start + _PIECE_BYTES]
            while rest:
                if inflater.eof:
                    raise PictureRejected("the PNG has data after its pixels")
                try:
                    piece = inflater.decompress(rest, _PIECE_BYTES)
                except zlib.error:
                    raise corrupt("PNG") from None
                rest = inflater.unconsumed_tail or inflater.unused_data
                if piece:
                    yield piece
    while piece := inflater.decompress(b"", _PIECE_BYTES):
        yield piece
    if not inflater.eof:
        raise corrupt("PNG")


def _passes(ihdr: bytes) -> Iterator[_Pass]:
    width, height, bits, colour, _, _, is_interlaced = struct.unpack(">IIBBBBB", ihdr)
    pixel_bits = bits * _SAMPLES[colour]
    for left, top, across, down in _ADAM7 if is_interlaced else ((0, 0, 1, 1),):
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            yield _Pass(rows=rows, row_bytes=1 + (columns * pixel_bits + 7) // 8)
