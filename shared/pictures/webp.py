"""WebP files as a RIFF of chunks: the header, and what is left without metadata."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.pictures import exif
from shared.pictures.header import UPRIGHT, Bare, Header, left_out
from shared.pictures.refusals import PictureRejected, animated, corrupt, truncated

_KEPT = frozenset({b"VP8X", b"ICCP", b"ALPH", b"VP8 ", b"VP8L"})
_PIXELS = frozenset({b"VP8 ", b"VP8L"})
_HAS_ANIMATION, _HAS_XMP, _HAS_EXIF = 0x02, 0x04, 0x08
_HEAD_BYTES = 12  # "RIFF", the size of what follows it, "WEBP"
_CANVAS_BYTES, _LOSSY_BYTES, _LOSSLESS_BYTES = 10, 10, 5  # of each header, up to the size
_COMPRESSION, _CODED = 0x03, 0x01  # in the first byte of an ALPH chunk
_MAX_CHUNKS = 10_000
_MAX_CODE_GROUPS = 1 << 16
_CODE_GROUP_BITS = 20  # five prefix codes of one symbol each
_CODE_GROUP_BYTES = 6_000  # the tables for them
MAX_TABLE_BYTES = _MAX_CODE_GROUPS * _CODE_GROUP_BYTES
_CHECKING_BYTES = 10  # pixels of four bytes: OpenCV holds them twice, and the decoder its own of some
DECODING_BYTES = 16  # decoded, turned, encoded, and the encoded copied


@dataclass(frozen=True, slots=True)
class _Chunk:
    name: bytes
    payload: bytes

    def to_bytes(self) -> bytes:
        padding = b"\0" * (len(self.payload) % 2)
        return self.name + len(self.payload).to_bytes(4, "little") + self.payload + padding


def read(data: bytes) -> Header:
    """The header of a WebP; raises PictureRejected."""
    sizes: set[tuple[int, int]] = set()
    orientation: int = UPRIGHT
    is_lossless = False
    coded_bytes = 0  # by prefix codes: pixels, or how opaque they are
    for chunk in _chunks(data):
        match chunk.name:
            case b"VP8X":
                sizes.add(_canvas_size(chunk.payload))
            case b"VP8 ":
                sizes.add(_lossy_size(chunk.payload))
            case b"VP8L":
                sizes.add(_lossless_size(chunk.payload))
                is_lossless = True
                coded_bytes = max(coded_bytes, len(chunk.payload))
            case b"ALPH" if chunk.payload[:1] and chunk.payload[0] & _COMPRESSION == _CODED:
                coded_bytes = max(coded_bytes, len(chunk.payload))
            case b"EXIF":
                orientation = exif.read_orientation(chunk.payload)
            case b"ANIM" | b"ANMF":
                raise animated()
            case _:
                pass
    if len(sizes) != 1:  # without any, or where the canvas and its one frame differ
        raise corrupt("WebP")
    width, height = sizes.pop()
    return Header(
        format="webp",
        width=width,
        height=height,
        orientation=orientation,
        is_lossless=is_lossless,
        checking_bytes=_CHECKING_BYTES,
        decoding_bytes=DECODING_BYTES,
        table_bytes=_table_bytes(coded_bytes, width, height),
    )


def strip(data: bytes) -> Bare:
    """The same WebP without metadata and without what follows its end; raises PictureRejected."""
    kept = [chunk for chunk in _chunks(data) if chunk.name in _KEPT]
    names = {chunk.name for chunk in kept}
    if len(names) != len(kept) or names >= _PIXELS:  # decoders show one of them, and the others would be kept unseen
        raise corrupt("WebP")
    body = b"".join(_without_flags(chunk).to_bytes() for chunk in kept)
    bare = b"RIFF" + (len(body) + 4).to_bytes(4, "little") + b"WEBP" + body
    return Bare(data=bare, notes=left_out(len(data) - _riff_end(data)))


def _table_bytes(coded_bytes: int, width: int, height: int) -> int:
    """What the prefix codes of so much lossless data may take unpacked: a group for every 4 x 4 pixels, at most."""
    tiles = -(-width // 4) * -(-height // 4)
    return min(_MAX_CODE_GROUPS, tiles, coded_bytes * 8 // _CODE_GROUP_BITS) * _CODE_GROUP_BYTES


def _riff_end(data: bytes) -> int:
    return 8 + int.from_bytes(data[4:8], "little")


def _without_flags(chunk: _Chunk) -> _Chunk:
    """The chunk, no longer announcing the metadata that has been removed."""
    if chunk.name != b"VP8X":
        return chunk
    flags = chunk.payload[0] & ~(_HAS_EXIF | _HAS_XMP)
    return _Chunk(chunk.name, bytes([flags]) + chunk.payload[1:])


def _chunks(data: bytes) -> Iterator[_Chunk]:
    riff_end = _riff_end(data)
    if riff_end > len(data):
        raise truncated("WebP")
    start = _HEAD_BYTES
    for _ in range(_MAX_CHUNKS):
        if start + 8 > riff_end:
            return
        end = start + 8 + int.from_bytes(data[start + 4 : start + 8], "little")
        if end > riff_end:
            raise truncated("WebP")
        yield _Chunk(data[start : start + 4], data[start + 8 : end])
        start = end + end % 2
    raise PictureRejected(f"the WebP has more than {_MAX_CHUNKS:,} chunks")


def _canvas_size(vp8x: bytes) -> tuple[int, int]:
    if len(vp8x) < _CANVAS_BYTES:
        raise corrupt("WebP")
    if vp8x[0] & _HAS_ANIMATION:
        raise animated()
    return int.from_bytes(vp8x[4:7], "little") + 1, int.from_bytes(vp8x[7:10], "little") + 1


def _lossy_size(vp8: bytes) -> tuple[int, int]:
    if len(vp8) < _LOSSY_BYTES or vp8[3:6] != b"\x9d\x01\x2a":
        raise corrupt("WebP")
    return int.from_bytes(vp8[6:8], "little") & 0x3FFF, int.from_bytes(vp8[8:10], "little") & 0x3FFF


def _lossless_size(vp8l: bytes) -> tuple[int, int]:
    if len(vp8l) < _LOSSLESS_BYTES or not vp8l.startswith(b"\x2f"):
        raise corrupt("WebP")
    packed = int.from_bytes(vp8l[1:5], "little")
    return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
