"""Zip archives from strangers: checked by their directory before anything is read, and counted while they are read.

Entry names are labels to report with, never paths. `open_archive` and `read_entry` block: call them in a thread.
"""

import stat
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from services.task_manager import names, zip_directory
from services.task_manager.zip_directory import ArchiveRejected, ArchiveTooLarge, Entry
from shared.errors import Invalid, UnsupportedType

MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
"""How a zip archive begins: with an entry, or at once with its end."""
STORED, DEFLATED = 0, 8
"""The methods that are taken: both are unpacked piece by piece."""

_OTHER_MAGIC = (
    b"\x1f\x8b",  # gz
    b"\x1f\x9d",  # Z
    b"BZh",
    b"\xfd7zXZ\x00",
    b"\x28\xb5\x2f\xfd",  # zst
    b"\x04\x22\x4d\x18",  # lz4
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"MSCF",
    b"LZIP",
)
_TAR_MAGIC_AT = 257
OTHER_ARCHIVE_BYTES = 512
"""So much of a file's beginning tells whether it is an archive of another format."""

_LOCAL_HEADER = struct.Struct("<4s5H3L2H")
_ENCRYPTED_FLAGS = 0x1 | 0x40 | 0x2000
_PIECE_BYTES = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLimits:
    """How many entries, how many bytes unpacked in all and in one entry, and how many times the archive's own size."""

    max_entries: int = 10_000
    max_unpacked_bytes: int = 2_000_000_000
    max_entry_bytes: int = 20_000_000
    max_ratio: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A file and its entries; `room_ends_at`: for each entry's place in the file, where the next thing begins."""

    file: IO[bytes]
    entries: tuple[Entry, ...]
    room_ends_at: dict[int, int]


class NotAnArchive(UnsupportedType):
    """The file is called an archive and is none."""


class OtherArchive(UnsupportedType):
    """The file is an archive of a format that is not taken."""


class EntryRejected(Invalid):
    """One entry of an archive cannot be taken."""


class EntrySkipped(Exception):
    """The entry is a folder or a by-product, not a file to label."""


def is_archive(first_bytes: bytes) -> bool:
    """Whether a file that begins so is a zip archive: by content, never by name."""
    return first_bytes[:4] in MAGIC


def not_an_archive(data: bytes) -> UnsupportedType:
    """What a file is that is called .zip and is none."""
    try:
        refuse_other_archive(data)
    except OtherArchive as error:
        return error
    return NotAnArchive("the file is called .zip and is no zip archive")


def refuse_other_archive(data: bytes) -> None:
    """Raises OtherArchive for tar, rar, 7z and the like, by content."""
    if data.startswith(_OTHER_MAGIC) or data[_TAR_MAGIC_AT : _TAR_MAGIC_AT + 5] == b"ustar":
        raise OtherArchive("only zip archives are taken: pack the files again as a zip")


def open_archive(file: IO[bytes], limits: ArchiveLimits) -> Archive:
    """An archive whose directory is within the limits and honest about where entries lie.

    Raises ArchiveRejected or ArchiveTooLarge, before any entry was unpacked.
    """
    size = file.seek(0, 2)
    directory = zip_directory.read_directory(file, size, max_entries=limits.max_entries)
    if not directory.entries:
        raise ArchiveRejected("the archive is empty")
    _check_declared_sizes(directory.entries, size, limits)
    rooms = _rooms(directory.entries, directory.begins_at)
    return Archive(file=file, entries=directory.entries, room_ends_at=rooms)


def read_entry(archive: Archive, entry: Entry, limits: ArchiveLimits) -> bytes:
    """An entry's bytes. Raises EntrySkipped, EntryRejected, OtherArchive, or ArchiveTooLarge for one over its limit."""
    if entry.name.text.endswith("/"):
        raise EntrySkipped("a folder")
    if names.is_system_file(entry.name.text):
        raise EntrySkipped(names.SYSTEM_FILE)
    if stat.S_ISLNK(entry.attributes >> 16):
        raise EntryRejected("the entry is a symbolic link")
    if entry.flags & _ENCRYPTED_FLAGS:
        raise EntryRejected("the entry is encrypted")
    if entry.method not in (STORED, DEFLATED):
        raise EntryRejected("the entry is packed with a method that is not taken: use deflate, or none")
    if entry.size > limits.max_entry_bytes:
        raise ArchiveTooLarge(f"the entry is over the limit of {limits.max_entry_bytes:,} bytes")
    data = _unpack(archive, entry)
    if is_archive(data):
        raise EntryRejected("the entry is an archive itself")
    return data


def _unpack(archive: Archive, entry: Entry) -> bytes:
    """The bytes, as many as the directory says, with the checksum that it says."""
    file = archive.file
    file.seek(entry.header_at)
    head = file.read(_LOCAL_HEADER.size)
    if len(head) < _LOCAL_HEADER.size or head[:4] != MAGIC[0]:
        raise EntryRejected("the entry is damaged: it does not begin as an entry does")
    _, _, _, method, *_, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(head)
    if method != entry.method or file.read(name_bytes) != entry.raw_name:
        raise EntryRejected("the entry is not what the archive's directory says")
    data_at = file.seek(extra_bytes, 1)
    if data_at + entry.packed_size > archive.room_ends_at[entry.header_at]:
        raise EntryRejected("the entry overlaps with what comes after it")
    data = _inflated(file, entry) if method == DEFLATED else file.read(min(entry.packed_size, entry.size + 1))
    if len(data) != entry.size or zlib.crc32(data) != entry.crc:
        raise EntryRejected("the entry is damaged, or not as long as it says")
    return data


def _inflated(file: IO[bytes], entry: Entry) -> bytes:
    """What a deflated entry unpacks to, and at most one byte more than it says; nothing where it is damaged."""
    unpacker, data, left = zlib.decompressobj(-zlib.MAX_WBITS), bytearray(), entry.packed_size
    try:
        while left and not unpacker.eof and len(data) <= entry.size:
            piece = file.read(min(left, _PIECE_BYTES))
            left -= len(piece)
            data += unpacker.decompress(piece, entry.size + 1 - len(data))
    except zlib.error as error:
        raise EntryRejected("the entry is damaged: it cannot be unpacked") from error
    return bytes(data)


def _check_declared_sizes(entries: Sequence[Entry], size: int, limits: ArchiveLimits) -> None:
    """What is declared bounds what is unpacked: an entry is never read further than it says it is long."""
    unpacked = sum(entry.size for entry in entries)
    if unpacked > limits.max_unpacked_bytes:
        raise ArchiveTooLarge(f"the archive unpacks to more than {limits.max_unpacked_bytes:,} bytes")
    if unpacked > limits.max_ratio * size:
        raise ArchiveTooLarge(f"the archive unpacks to more than {limits.max_ratio} times its size")


def _rooms(entries: Sequence[Entry], directory_at: int) -> dict[int, int]:
    """Where the room of each entry ends. Entries that share bytes unpack to far more than they should (a quoted or
    overlapping bomb): raises ArchiveRejected."""
    in_order = sorted(entries, key=lambda entry: entry.header_at)
    ends = [entry.header_at for entry in in_order[1:]] + [directory_at]
    for entry, end in zip(in_order, ends, strict=True):
        if entry.header_at + _LOCAL_HEADER.size + len(entry.raw_name) + entry.packed_size > end:
            raise ArchiveRejected("entries of the archive overlap")
    return {entry.header_at: end for entry, end in zip(in_order, ends, strict=True)}
