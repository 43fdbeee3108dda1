"""The directory of a zip archive, read strictly: its records agree with each other and with the file, or it is refused.

Python's `zipfile` believes whichever record it comes across last, and loads every entry before anybody can count them.
Here the records are compared first; then as many entries are read as they say, and no more. All functions block.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO
from zlib import crc32

from services.task_manager import names
from services.task_manager.names import Name
from shared.errors import Invalid, TooLarge

_END = struct.Struct("<4s4H2LH")
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_MAX_COMMENT_BYTES = 65_535
_MAX_ENTRY_BYTES = 1_024
"""What an entry of the directory may take up on average: its record, its name and its extra fields."""
_IN_ZIP64_16, _IN_ZIP64_32 = 0xFFFF, 0xFFFFFFFF
"""What stands where the true number is in a zip64 record."""
_END64_HEAD_BYTES = 12
"""What the size that a zip64 end record states does not count: its signature and that size."""
_NO_END64 = "the archive is damaged: its zip64 end record is not where it should be"
_UTF8_FLAG = 0x800
_ZIP64_EXTRA, _UNICODE_PATH_EXTRA = 0x0001, 0x7075


class ArchiveRejected(Invalid):
    """The archive cannot be read, or is built to deceive."""


class ArchiveTooLarge(TooLarge):
    """The archive holds more than the limits allow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the directory says of one entry: where its header lies, and `size` bytes unpacked, `packed_size` packed.

    `raw_name` are the bytes of its name, and `name` is what they mean.
    """

    raw_name: bytes
    name: Name
    flags: int
    method: int
    crc: int
    packed_size: int
    size: int
    attributes: int
    header_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """Every entry, and where the directory itself begins."""

    entries: tuple[Entry, ...]
    begins_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Records:
    """What the end records say: how many entries, and from where to where the directory lies."""

    entries: int
    begins_at: int
    ends_at: int


def read_directory(file: IO[bytes], size: int, *, max_entries: int) -> Directory:
    """The directory of an archive of so many bytes. Raises ArchiveRejected or ArchiveTooLarge."""
    records = _records(file, size)
    directory_bytes = records.ends_at - records.begins_at
    if records.entries > max_entries or directory_bytes > max_entries * _MAX_ENTRY_BYTES:
        raise ArchiveTooLarge(f"the archive has more than {max_entries:,} entries")
    file.seek(records.begins_at)
    directory = file.read(directory_bytes)
    entries = tuple(_entries(directory, records.entries))
    return Directory(entries=entries, begins_at=records.begins_at)


def _records(file: IO[bytes], size: int) -> _Records:
    """The end record and, where there is one, the zip64 end record. Raises ArchiveRejected where they do not agree."""
    end_at, end = _end(file, size)
    _, *said, directory_bytes, begins_at, _ = end
    ends_at, said64 = _end64(file, end_at)
    stated = [*said, directory_bytes, begins_at]
    if said64 is not None:
        markers = [_IN_ZIP64_16] * 4 + [_IN_ZIP64_32] * 2
        if any(one not in (marker, other) for one, marker, other in zip(stated, markers, said64, strict=True)):
            raise ArchiveRejected("the archive is damaged: its two end records disagree")
        stated = said64
    disk, first_disk, entries_here, entries, directory_bytes, begins_at = stated
    if disk or first_disk or entries_here != entries:
        raise ArchiveRejected("the archive is one of several pieces: send it in one")
    if begins_at + directory_bytes != ends_at:
        raise ArchiveRejected("the archive is damaged: its directory is not where its end record says")
    return _Records(entries=entries, begins_at=begins_at, ends_at=ends_at)


def _end(file: IO[bytes], size: int) -> tuple[int, list[int]]:
    """Where the end record is, and its fields.

    It is the one whose comment ends with the file: a comment may hold what looks like another. Two of those are an
    attempt to show two archives in one. Where bytes follow the archive, it is the last one.
    """
    tail_at = max(0, size - _END.size - _MAX_COMMENT_BYTES)
    file.seek(tail_at)
    tail = file.read()
    found: list[int] = []
    at = tail.rfind(b"PK\x05\x06")
    while at >= 0:
        if len(tail) >= at + _END.size:
            found.append(at)
        at = tail.rfind(b"PK\x05\x06", 0, at)
    fitting = [at for at in found if at + _END.size + _END.unpack_from(tail, at)[7] == len(tail)]
    if not found:
        raise ArchiveRejected("the archive is damaged: it has no end record")
    if len(fitting) > 1:
        raise ArchiveRejected("the archive has two end records")
    at = fitting[0] if fitting else found[0]
    return tail_at + at, list(_END.unpack_from(tail, at))


def _end64(file: IO[bytes], end_at: int) -> tuple[int, list[int] | None]:
    """Where the directory ends, and the fields of the zip64 end record if there is one."""
    locator_at = end_at - _END64_LOCATOR.size
    if locator_at < 0:
        return end_at, None
    file.seek(locator_at)
    signature, disk, at, disks = _END64_LOCATOR.unpack(file.read(_END64_LOCATOR.size))
    if signature != b"PK\x06\x07":
        return end_at, None
    if disk or disks > 1 or at + _END64.size > locator_at:
        raise ArchiveRejected(_NO_END64)
    file.seek(at)
    signature, length, _made_by, _needed, *said = _END64.unpack(file.read(_END64.size))
    if signature != b"PK\x06\x06" or at + _END64_HEAD_BYTES + length != locator_at:
        raise ArchiveRejected(_NO_END64)
    return at, said


def _entries(directory: bytes, count: int) -> Iterator[Entry]:
    """Exactly so many entries, which fill the directory."""
    at = 0
    for _ in range(count):
        head = directory[at : at + _ENTRY.size]
        if len(head) < _ENTRY.size or head[:4] != b"PK\x01\x02":
            raise ArchiveRejected("the archive is damaged: its directory has fewer entries than its end record says")
        name_bytes, extra_bytes, comment_bytes = _ENTRY.unpack(head)[10:13]
        name_at = at + _ENTRY.size
        extra_at = name_at + name_bytes
        comment_at = extra_at + extra_bytes
        at = comment_at + comment_bytes
        if at > len(directory):
            raise ArchiveRejected("the archive is damaged: its directory is cut off")
        yield _entry(head, directory[name_at:extra_at], directory[extra_at:comment_at])
    if at != len(directory):
        raise ArchiveRejected("the archive is damaged: its directory holds more than its end record says")


def _entry(head: bytes, raw_name: bytes, extra: bytes) -> Entry:
    _, _, _, flags, method, _, _, crc, packed_size, size, *_, attributes, header_at = _ENTRY.unpack(head)
    size, packed_size, header_at = _sizes64(extra, size, packed_size, header_at)
    is_utf8 = bool(flags & _UTF8_FLAG)
    name = names.in_archive(raw_name, is_utf8=is_utf8, unicode_path=_unicode_path(extra, raw_name))
    return Entry(
        raw_name=raw_name,
        name=name,
        flags=flags,
        method=method,
        crc=crc,
        packed_size=packed_size,
        size=size,
        attributes=attributes,
        header_at=header_at,
    )


def _sizes64(extra: bytes, *sizes: int) -> tuple[int, ...]:
    """The sizes, those that say so taken from the zip64 extra field, where they stand in the same order."""
    missing = sizes.count(_IN_ZIP64_32)
    if not missing:
        return sizes
    field = _extra(extra, _ZIP64_EXTRA)
    if field is None or len(field) < 8 * missing:
        raise ArchiveRejected("the archive is damaged: an entry does not say how long it is")
    true_sizes = iter(struct.unpack_from(f"<{missing}Q", field))
    return tuple(next(true_sizes) if size == _IN_ZIP64_32 else size for size in sizes)


def _unicode_path(extra: bytes, raw_name: bytes) -> str | None:
    """The name in the Unicode-path extra field; none where that was written for another name (by its CRC)."""
    field = _extra(extra, _UNICODE_PATH_EXTRA)
    if field is None or len(field) <= 5 or field[0] != 1 or field[1:5] != struct.pack("<L", crc32(raw_name)):  # noqa: PLR2004 - a version and the CRC
        return None
    try:
        return field[5:].decode()
    except UnicodeDecodeError:
        return None


def _extra(extra: bytes, kind: int) -> bytes | None:
    """The first extra field of a kind. Many writers leave a stub or padding behind the last one."""
    at = 0
    while at + 4 <= len(extra):
        found, length = struct.unpack_from("<2H", extra, at)
        if found == kind:
            return extra[at + 4 : at + 4 + length] if at + 4 + length <= len(extra) else None
        at += 4 + length
    return None
