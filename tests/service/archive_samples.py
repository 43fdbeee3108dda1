"""Zip archives as strangers build them."""

import bz2
import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable

END = struct.Struct("<4s4H2LH")
ENTRY = struct.Struct("<4s6H3L5H2L")
LOCAL = struct.Struct("<4s5H3L2H")


def zipped(*entries: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """An honest archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return out.getvalue()


def with_symlink(name: str, target: str) -> bytes:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(info, target)
    return out.getvalue()


def raw(
    name: bytes,
    packed: bytes,
    *,
    size: int,
    crc: int,
    method: int = zipfile.ZIP_STORED,
    flags: int = 0,
    packed_size: int | None = None,
    header_size: int | None = None,
) -> bytes:
    """An archive of one entry that says what it likes; `header_size`: what the local header says instead."""
    packed_size = len(packed) if packed_size is None else packed_size
    header_size = size if header_size is None else header_size
    local = LOCAL.pack(b"PK\x03\x04", 20, flags, method, 0, 33, crc, packed_size, header_size, len(name), 0)
    entry = ENTRY.pack(b"PK\x01\x02", 20, 20, flags, method, 0, 33, crc, packed_size, size, len(name), 0, 0, 0, 0, 0, 0)
    body = local + name + packed
    return ended(body, [entry + name])


def ended(body: bytes, directory: Iterable[bytes], *, entries: int | None = None) -> bytes:
    """A body of entries with its directory and its end record, which may lie about how many there are."""
    listed = list(directory)
    count = len(listed) if entries is None else entries
    joined = b"".join(listed)
    return body + joined + END.pack(b"PK\x05\x06", 0, 0, count & 0xFFFF, count & 0xFFFF, len(joined), len(body), 0)


def lying_short(data: bytes) -> bytes:
    """An entry that is longer than it says, with the checksum of what it says."""
    said = len(data) // 2
    return raw(b"a.png", _deflated(data), size=said, crc=zlib.crc32(data[:said]), method=zipfile.ZIP_DEFLATED)


def lying_long(data: bytes) -> bytes:
    """An entry that is shorter than it says."""
    return raw(b"a.png", _deflated(data), size=len(data) + 100, crc=zlib.crc32(data), method=zipfile.ZIP_DEFLATED)


def encrypted(data: bytes) -> bytes:
    return raw(b"secret.png", bytes(12) + data, size=len(data), crc=zlib.crc32(data), flags=1)


def overlapping(data: bytes) -> bytes:
    """Two names for the same bytes, as in a quoted bomb."""
    name = b"a.png"
    local = LOCAL.pack(b"PK\x03\x04", 20, 0, 0, 0, 33, zlib.crc32(data), len(data), len(data), len(name), 0)
    fields = (20, 20, 0, 0, 0, 33, zlib.crc32(data), len(data), len(data), len(name), 0, 0, 0, 0, 0, 0)
    entry = ENTRY.pack(b"PK\x01\x02", *fields) + name
    return ended(local + name + data, [entry, entry])


def bomb(unpacked: int) -> bytes:
    """One entry of zeros."""
    return zipped(("zeros.bmp", bytes(unpacked)), method=zipfile.ZIP_DEFLATED)


def bomb_by_method(method: int, unpacked: int) -> bytes:
    """An entry that says that it has 1,000 bytes and unpacks to far more, with a method that unpacks all at once."""
    packed = bz2.compress(bytes(unpacked)) if method == zipfile.ZIP_BZIP2 else zipped_lzma(bytes(unpacked))
    return raw(b"zeros.bmp", packed, size=1000, crc=zlib.crc32(bytes(1000)), method=method)


def zipped_lzma(data: bytes) -> bytes:
    """An entry's bytes as packed with LZMA."""
    archive = zipped(("a", data), method=zipfile.ZIP_LZMA)
    size = LOCAL.unpack_from(archive)[7]
    return archive[LOCAL.size + 1 :][:size]


def with_far_zip64_end(data: bytes) -> bytes:
    """An archive whose zip64 end record lies, so it says, beyond all files."""
    whole = zipped(("a.png", data))
    end_at = whole.rindex(b"PK\x05\x06")
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 2**64 - 1, 1)
    end = END.pack(b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return whole[:end_at] + locator + end


def _deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()
