"""The orientation in EXIF data, which is a TIFF file of its own."""

import struct

from shared.pictures.header import ORIENTATIONS, UPRIGHT

PREFIX = b"Exif\0\0"
"""What stands before the TIFF header in a JPEG, and by some writers' mistake in PNG and WebP."""

_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_TIFF_HEADER_BYTES = 8
_ENTRY_BYTES = 12
_ORIENTATION = 0x0112
_SHORT = 3


def read_orientation(exif: bytes) -> int:
    """The orientation, 1 to 8; 1 where the data says nothing that can be understood, as browsers have it."""
    tiff = exif.removeprefix(PREFIX)
    order = _BYTE_ORDERS.get(tiff[:4])
    if order is None or len(tiff) < _TIFF_HEADER_BYTES:
        return UPRIGHT
    (directory,) = struct.unpack_from(f"{order}I", tiff, 4)
    if directory + 2 > len(tiff):
        return UPRIGHT
    (count,) = struct.unpack_from(f"{order}H", tiff, directory)
    entries = tiff[directory + 2 : directory + 2 + count * _ENTRY_BYTES]
    whole = entries[: len(entries) // _ENTRY_BYTES * _ENTRY_BYTES]
    for tag, kind, values, value in struct.iter_unpack(f"{order}HHIH2x", whole):
        if (tag, kind, values) == (_ORIENTATION, _SHORT, 1):
            return value if value in ORIENTATIONS else UPRIGHT
    return UPRIGHT
