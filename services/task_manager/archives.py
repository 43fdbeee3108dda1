"""Zip archives from strangers: checked by their directory before anything is read, and counted while they are read.

Entry names are labels to report with, never paths. All functions here block: call them in a thread.
"""

import copy
import stat
import struct
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from shared.errors import Invalid, TooLarge, UnsupportedType

MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
"""How an archive begins: with an entry, or at once with its end."""
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The others unpack all at once in `zipfile`, however little is read: a kilobyte of them fills the memory."""

_END = struct.Struct("<4s4H2LH")
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_IN_ZIP64_16, _IN_ZIP64_32 = 0xFFFF, 0xFFFFFFFF
"""What stands where the true number is in the zip64 end record."""
_MAX_DIRECTORY_ENTRY = 1_024
_LOCAL_HEADER_BYTES = 31
"""The least that stands before an entry's data: 30 bytes and a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLimits:
    """How many entries, how many bytes unpacked in all and in one entry, and how many times the archive's own size."""

    max_entries: int = 10_000
    max_unpacked_bytes: int = 2_000_000_000
    max_entry_bytes: int = 20_000_000
    max_ratio: int = 100


class ArchiveRejected(Invalid):
    """The archive cannot be read, or is built to deceive."""


class ArchiveTooLarge(TooLarge):
    """The archive holds more than the limits allow."""


class NotAnArchive(UnsupportedType):
    """The file is called an archive and is none."""


class EntryRejected(Invalid):
    """One entry of an archive cannot be taken."""


class EntrySkipped(Exception):
    """The entry is a folder or a by-product, not a file to label."""


def is_archive(first_bytes: bytes) -> bool:
    """Whether a file that begins so is an archive: by content, never by name."""
    return first_bytes[:4] in MAGIC


def open_archive(file: IO[bytes], limits: ArchiveLimits) -> zipfile.ZipFile:
    """An archive whose directory is within the limits and honest about where entries lie.

    Raises ArchiveRejected or ArchiveTooLarge, before any entry was unpacked.
    """
    size = file.seek(0, 2)
    _check_directory_size(file, size, limits)
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, OSError) as error:
        raise ArchiveRejected("the archive is damaged: its directory cannot be read") from error
    entries = archive.infolist()
    if not entries:
        raise ArchiveRejected("the archive is empty")
    _check_declared_sizes(entries, size, limits)
    _check_overlaps(entries, archive.start_dir)
    return archive


def read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limits: ArchiveLimits) -> bytes:
    """An entry's bytes. Raises EntrySkipped, EntryRejected, or ArchiveTooLarge for an entry over its limit."""
    if entry.filename.endswith("/"):
        raise EntrySkipped("a folder")
    parts = entry.filename.split("/")
    if "__MACOSX" in parts or parts[-1] in (".DS_Store", "Thumbs.db"):
        raise EntrySkipped("a by-product of the operating system")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise EntryRejected("the entry is a symbolic link")
    if entry.flag_bits & 0x1:
        raise EntryRejected("the entry is encrypted")
    if entry.compress_type not in METHODS:
        raise EntryRejected("the entry is packed with a method that is not taken: use deflate, or none")
    if entry.file_size > limits.max_entry_bytes:
        raise ArchiveTooLarge(f"the entry is over the limit of {limits.max_entry_bytes:,} bytes")
    data = _unpack(archive, entry)
    if is_archive(data):
        raise EntryRejected("the entry is an archive itself")
    return data


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    longer = copy.copy(entry)
    longer.file_size += 1  # `zipfile` would cut off what goes past the size that is declared
    try:
        with archive.open(longer) as stream:
            data = stream.read(longer.file_size)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        raise EntryRejected("the entry is damaged, or not as long as it says") from error
    if len(data) != entry.file_size:
        raise EntryRejected("the entry is not as long as it says")
    return data


def _check_directory_size(file: IO[bytes], size: int, limits: ArchiveLimits) -> None:
    """Look at the end record first: the directory of a million entries must not even be loaded."""
    tail_at = max(0, size - _END.size - 65_535 - _END64_LOCATOR.size)
    file.seek(tail_at)
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + _END.size:
        raise ArchiveRejected("the archive is damaged: it has no end record")
    entries, directory_bytes = _END.unpack_from(tail, at)[4:6]
    if entries == _IN_ZIP64_16 or directory_bytes == _IN_ZIP64_32:
        entries, directory_bytes = _end64(file, tail, at)
    if entries > limits.max_entries or directory_bytes > limits.max_entries * _MAX_DIRECTORY_ENTRY:
        raise ArchiveTooLarge(f"the archive has more than {limits.max_entries:,} entries")


def _end64(file: IO[bytes], tail: bytes, at: int) -> tuple[int, int]:
    """Entries and directory size of the zip64 end record."""
    locator_at = at - _END64_LOCATOR.size
    if locator_at < 0 or tail[locator_at : locator_at + 4] != b"PK\x06\x07":
        return 0xFFFF, 0
    end_at = _END64_LOCATOR.unpack_from(tail, locator_at)[2]
    file.seek(min(end_at, file.seek(0, 2)))
    record = file.read(_END64.size)
    if len(record) < _END64.size or record[:4] != b"PK\x06\x06":
        raise ArchiveRejected("the archive is damaged: it has no end record")
    fields = _END64.unpack(record)
    return fields[7], fields[8]


def _check_declared_sizes(entries: Sequence[zipfile.ZipInfo], size: int, limits: ArchiveLimits) -> None:
    """What is declared bounds what is unpacked: an entry is never read further than it says it is long."""
    if len(entries) > limits.max_entries:
        raise ArchiveTooLarge(f"the archive has more than {limits.max_entries:,} entries")
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > limits.max_unpacked_bytes:
        raise ArchiveTooLarge(f"the archive unpacks to more than {limits.max_unpacked_bytes:,} bytes")
    if unpacked > limits.max_ratio * size:
        raise ArchiveTooLarge(f"the archive unpacks to more than {limits.max_ratio} times its size")


def _check_overlaps(entries: Sequence[zipfile.ZipInfo], directory_at: int) -> None:
    """Entries that share bytes unpack to far more than they should (a quoted or overlapping bomb)."""
    in_order = sorted(entries, key=lambda entry: entry.header_offset)
    ends = [entry.header_offset for entry in in_order[1:]] + [directory_at]
    for entry, end in zip(in_order, ends, strict=True):
        if entry.header_offset + _LOCAL_HEADER_BYTES + entry.compress_size > end:
            raise ArchiveRejected("entries of the archive overlap")
