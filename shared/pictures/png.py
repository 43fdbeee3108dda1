"""PNG files as a row of chunks: the header, and what is left without metadata."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from shared.pictures import exif, png_pixels
from shared.pictures.header import UPRIGHT, Bare, Header, left_out
from shared.pictures.refusals import PictureRejected, animated, corrupt, truncated

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_COLOUR = {
    b"PLTE": 768,
    b"tRNS": 256,
    b"gAMA": 4,
    b"cHRM": 32,
    b"sRGB": 1,
    b"iCCP": 1_000_000,
    b"sBIT": 4,
    b"pHYs": 9,
}
"""What gives the samples their meaning, once and before the pixels; and how many bytes of it there may be.

Not bKGD: no browser shows it, and OpenCV does not decode a picture where it is of the wrong length.
"""
_GRAY, _COLOURS, _PALETTE, _GRAY_ALPHA, _COLOURS_ALPHA = 0, 2, 3, 4, 6
_BITS = {
    _GRAY: (1, 2, 4, 8, 16),
    _COLOURS: (8, 16),
    _PALETTE: (1, 2, 4, 8),
    _GRAY_ALPHA: (8, 16),
    _COLOURS_ALPHA: (8, 16),
}
_PALETTE_ENTRY_BYTES = 3
_GRAY_BYTES = 2  # of the gray in tRNS, whatever the bits
_SHOWN_BITS = 8
_FRAME_BYTES = 12  # length, name and checksum around the payload of a chunk
_IHDR_BYTES = 13
_COLOUR_AT = 9  # in IHDR
_MAX_CHUNKS = 100_000
_DECODING_BYTES = 16  # pixels of eight bytes, held twice by OpenCV; or of four: decoded, turned, encoded, and copied


@dataclass(frozen=True, slots=True)
class _Chunk:
    """A named part of the file, `data[start:end]` with its length and its checksum."""

    name: bytes
    start: int
    end: int

    @property
    def is_critical(self) -> bool:
        return self.name[:1].isupper()

    @property
    def payload_bytes(self) -> int:
        return self.end - self.start - _FRAME_BYTES

    def payload(self, data: bytes) -> bytes:
        return data[self.start + 8 : self.end - 4]

    def is_intact(self, data: bytes) -> bool:
        checksum = zlib.crc32(memoryview(data)[self.start + 4 : self.end - 4])
        return checksum == int.from_bytes(data[self.end - 4 : self.end], "big")


def read(data: bytes) -> Header:
    """The header of a PNG; raises PictureRejected."""
    ihdr, transparency, significant, orientation = b"", b"", b"", UPRIGHT
    for chunk in _chunks(data):
        match chunk.name:
            case b"IHDR":
                ihdr = ihdr or chunk.payload(data)
            case b"tRNS":
                transparency = chunk.payload(data)
            case b"sBIT":
                significant = chunk.payload(data)
            case b"eXIf":  # may stand before or after the pixels
                orientation = exif.read_orientation(chunk.payload(data))
            case b"acTL":
                raise animated()
            case _:
                pass
    if len(ihdr) != _IHDR_BYTES or not data.startswith(b"IHDR", len(SIGNATURE) + 4):
        raise corrupt("PNG")
    return _header(ihdr, transparency, significant[:1], orientation)


def strip(data: bytes) -> Bare:
    """The same PNG without metadata and without what follows its end; raises PictureRejected."""
    kept: list[_Chunk] = []
    for chunk in _chunks(data):
        if not chunk.is_intact(data):
            raise corrupt("PNG")
        if chunk.is_critical or chunk.name in _COLOUR:
            kept.append(chunk)
    _check_order(kept, data)
    end = kept[-1].end
    return Bare(
        data=b"".join((SIGNATURE, *(data[chunk.start : chunk.end] for chunk in kept))),
        notes=left_out(len(data) - end),
    )


def verify(bare: bytes) -> None:
    """See that a stripped PNG holds the pixels that its header promises, no less and no more; raises PictureRejected.

    Takes no memory to speak of, and less time than decoding.
    """
    view = memoryview(bare)
    ihdr = next(_chunks(bare)).payload(bare)
    png_pixels.verify(ihdr, (view[chunk.start + 8 : chunk.end - 4] for chunk in _chunks(bare) if chunk.name == b"IDAT"))


def _check_order(chunks: list[_Chunk], data: bytes) -> None:
    """Raises PictureRejected unless there is one header, one of each chunk that says how to read the pixels, then the
    pixels, then an empty end: so decoders have it, and nothing else is kept."""
    names = [chunk.name for chunk in chunks]
    colours = names[1 : names.index(b"IDAT")] if b"IDAT" in names else []
    pixels = names[1 + len(colours) : -1]
    is_ordered = names[0] == b"IHDR" and len(set(colours)) == len(colours) and set(pixels) == {b"IDAT"}
    if not is_ordered or not _COLOUR.keys() >= set(colours) or chunks[-1].payload_bytes:
        raise corrupt("PNG")
    if any(chunk.payload_bytes > _COLOUR[chunk.name] for chunk in chunks[1 : 1 + len(colours)]):
        raise corrupt("PNG")
    colour = data[chunks[0].start + 8 + _COLOUR_AT]
    before = colours[: colours.index(b"PLTE")] if b"PLTE" in colours else []
    palette = chunks[1 + len(before)].payload_bytes if b"PLTE" in colours else 0
    if b"tRNS" in before:  # it speaks of the palette
        raise corrupt("PNG")
    is_palette_needed = colour == _PALETTE or b"PLTE" in colours
    if palette % _PALETTE_ENTRY_BYTES or (is_palette_needed and not palette):
        raise corrupt("PNG")


def _header(ihdr: bytes, transparency: bytes, significant: bytes, orientation: int) -> Header:
    width, height, bits, colour, compression, filtering, interlace = struct.unpack(">IIBBBBB", ihdr)
    if bits not in _BITS.get(colour, ()) or compression or filtering or interlace > 1:
        raise corrupt("PNG")
    is_keyed_gray = colour == _GRAY and len(transparency) == _GRAY_BYTES
    return Header(
        format="png",
        width=width,
        height=height,
        orientation=orientation,
        is_showable=bits <= _SHOWN_BITS,
        is_lossless=True,
        significant_bits=significant[0] if significant and 0 < significant[0] < bits else None,
        decoding_bytes=_DECODING_BYTES,
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
