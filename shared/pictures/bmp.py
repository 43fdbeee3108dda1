"""BMP files: the header, and the file up to its end."""

import struct
from dataclasses import dataclass

from shared.pictures.header import Bare, Header, left_out
from shared.pictures.refusals import PictureTypeUnsupported, corrupt, truncated

_SIZED_BYTES = 18  # the file's header, and the size of the picture's header that follows
_OS2_BYTES = 12
_HEADER_BYTES = frozenset({_OS2_BYTES, 40, 52, 56, 64, 108, 124})
_PLAIN, _RLE8, _RLE4, _MASKED = range(4)
_CHECKING_BYTES = 8  # OpenCV holds pixels of four bytes twice
_DECODING_BYTES = 16  # decoded, turned, encoded, and the encoded copied
_WITH_ALPHA_MASK = frozenset({56, 108, 124})  # the sizes of the headers that have a mask for alpha


@dataclass(frozen=True, slots=True, kw_only=True)
class _Info:
    """The fields of the file's header: sizes and offsets in bytes, `height` negative where the top row comes first."""

    pixels_start: int
    width: int
    height: int
    bits: int
    compression: int
    compressed_bytes: int
    has_alpha: bool

    @property
    def pixels_end(self) -> int:
        if self.compression in (_RLE8, _RLE4):
            return self.pixels_start + self.compressed_bytes
        row_bytes = (self.width * self.bits + 31) // 32 * 4
        return self.pixels_start + row_bytes * abs(self.height)


def matches(data: bytes) -> bool:
    """Whether the bytes begin like a BMP: two letters alone would take in any text that begins with BM."""
    return (
        len(data) >= _SIZED_BYTES and data.startswith(b"BM") and int.from_bytes(data[14:18], "little") in _HEADER_BYTES
    )


def read(data: bytes) -> Header:
    """The header of a BMP; raises PictureRejected and PictureTypeUnsupported."""
    info = _info(data)
    if info.width < 0:
        raise corrupt("BMP")
    if info.compression not in (_PLAIN, _RLE8, _RLE4, _MASKED):
        raise PictureTypeUnsupported("the BMP is compressed in a way that is not taken")
    return Header(
        format="bmp",
        width=info.width,
        height=abs(info.height),
        is_lossless=True,
        ignores_alpha=not info.has_alpha,
        checking_bytes=_CHECKING_BYTES,
        decoding_bytes=_DECODING_BYTES,
    )


def strip(data: bytes) -> Bare:
    """The same BMP without what follows its pixels, whatever size it declares; it has no metadata.

    Raises PictureRejected.
    """
    end = _info(data).pixels_end
    if end > len(data):
        raise truncated("BMP")
    return Bare(data=data[:2] + end.to_bytes(4, "little") + data[6:end], notes=left_out(len(data) - end))


def _info(data: bytes) -> _Info:
    pixels_start, header_bytes = struct.unpack_from("<II", data, 10)
    if len(data) < 14 + header_bytes:
        raise truncated("BMP")
    if header_bytes == _OS2_BYTES:
        width, height, bits = struct.unpack_from("<HH2xH", data, 18)
        compression = compressed_bytes = alpha_mask = 0
    else:
        width, height, bits, compression, compressed_bytes = struct.unpack_from("<ii2xHII", data, 18)
        (alpha_mask,) = struct.unpack_from("<I", data, 66) if header_bytes in _WITH_ALPHA_MASK else (0,)
    return _Info(
        pixels_start=pixels_start,
        width=width,
        height=height,
        bits=bits,
        compression=compression,
        compressed_bytes=compressed_bytes,
        has_alpha=compression == _MASKED and alpha_mask != 0,
    )
