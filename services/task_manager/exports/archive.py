"""A zip written as it goes, in constant memory: entries are stored, each with its size before it.

Readers that cannot seek need that: they take no stored entry whose size follows it. The same entries give the same
bytes for ever: no entry has a time or an owner.
"""

import struct
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

CHUNK_BYTES = 65_536
SPOOLED_BYTES = 1_000_000
"""So much of the directory is kept in memory; the rest of it on the disk, 100 bytes an entry."""
_UTF8 = 0x0800
_UNIX = 3 << 8
_VERSION, _VERSION_64 = 20, 45
_MODE = 0o100644 << 16
_MIDNIGHT, _FIRST_DAY = 0, 0x21  # 1980-01-01, the first that a zip can name
_FULL_16, _FULL_32 = 0xFFFF, 0xFFFF_FFFF
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END_64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR_64 = struct.Struct("<4sIQI")
_END = struct.Struct("<4s4H2IH")


class Archive:
    """Call `entry` or `begin` for each file, pass on what they return, and then what `end` gives."""

    def __init__(self, spool: Path) -> None:
        self._directory: IO[bytes] = tempfile.SpooledTemporaryFile(SPOOLED_BYTES, dir=str(spool))  # noqa: SIM115 - closed by `close`
        self._entries = 0
        self._offset = 0

    def close(self) -> None:
        self._directory.close()

    def entry(self, name: str, data: bytes) -> bytes:
        """A whole file."""
        return self.begin(name, len(data), zlib.crc32(data)) + data

    def begin(self, name: str, size_bytes: int, crc: int) -> bytes:
        """What comes before the bytes of a file; the caller passes on exactly those behind it."""
        encoded = name.encode()
        is_large = size_bytes >= _FULL_32
        extra = struct.pack("<2H2Q", 1, 16, size_bytes, size_bytes) if is_large else b""
        version = _VERSION_64 if is_large else _VERSION
        said = _FULL_32 if is_large else size_bytes
        about = (_UTF8, 0, _MIDNIGHT, _FIRST_DAY, crc, said, said, len(encoded))
        header = _LOCAL.pack(b"PK\3\4", version, *about, len(extra)) + encoded + extra
        self._directory.write(self._record(encoded, size_bytes, about))
        self._entries += 1
        self._offset += len(header) + size_bytes
        return header

    def _record(self, name: bytes, size_bytes: int, about: tuple[int, ...]) -> bytes:
        """The directory's record of the entry that begins here."""
        large = [number for number in (size_bytes, size_bytes, self._offset) if number >= _FULL_32]
        extra = struct.pack(f"<2H{len(large)}Q", 1, 8 * len(large), *large) if large else b""
        version = _VERSION_64 if large else _VERSION
        offset = min(self._offset, _FULL_32)
        more = (len(extra), 0, 0, 0, _MODE, offset)
        return _CENTRAL.pack(b"PK\1\2", _UNIX | version, version, *about, *more) + name + extra

    def end(self) -> Iterator[bytes]:
        """The directory, without which no reader takes the archive."""
        size_bytes = self._directory.tell()
        self._directory.seek(0)
        while chunk := self._directory.read(CHUNK_BYTES):
            yield chunk
        entries, begins_at = self._entries, self._offset
        if entries >= _FULL_16 or max(size_bytes, begins_at) >= _FULL_32:
            sizes = (entries, entries, size_bytes, begins_at)
            yield _END_64.pack(b"PK\6\6", _END_64.size - 12, _UNIX | _VERSION_64, _VERSION_64, 0, 0, *sizes)
            yield _LOCATOR_64.pack(b"PK\6\7", 0, begins_at + size_bytes, 1)
        said = min(entries, _FULL_16), min(size_bytes, _FULL_32), min(begins_at, _FULL_32)
        yield _END.pack(b"PK\5\6", 0, 0, said[0], *said, 0)
