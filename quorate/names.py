"""The names of files: in what form they are sent, and which belong to an operating system."""

import re
import struct
import zipfile
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePosixPath

SYSTEM_FILES = frozenset({".ds_store", ".localized", "desktop.ini", "ehthumbs.db", "icon\r", "thumbs.db"})
SYSTEM_FOLDERS = frozenset({"$recycle.bin", "@eadir", "__macosx", "lost+found", "system volume information"})
APPLE_DOUBLE = "._"
"""How macOS names a file beside another that holds what the file system cannot."""

# Formats that the platform does not take are sent too, for its refusal says why; anything else is passed over.
PICTURE_SUFFIXES = frozenset(
    ".avif .bmp .dib .gif .heic .heif .jfif .jpe .jpeg .jpg .png .svg .tif .tiff .webp".split()  # noqa: SIM905 - reads better
)
UTF8_FLAG = 0x800
UNICODE_PATH = 0x7075
SURROGATE = re.compile("[\ud800-\udfff]")
BYTES_WRITTEN_OUT = "the name on disk is not UTF-8; its other bytes are written out"
ENCODING_UNKNOWN = "the archive does not state the encoding of this name; it was read as cp437"


@dataclass(frozen=True, slots=True)
class Name:
    """A name as it is sent; the note says what was changed or guessed."""

    text: str
    note: str | None = None


def of_path(path: str, siblings: Collection[str] = ()) -> Name:
    """Bytes that are not UTF-8 are written out in hexadecimal, so that different names stay different.

    Also from a sibling whose name is such a text already.
    """
    text = SURROGATE.sub(_written_out, path)
    if text == path:
        return Name(text)
    while PurePosixPath(text).name in siblings:
        text = text.replace("\\", "\\\\")
    return Name(text, BYTES_WRITTEN_OUT)


def of_entry(info: zipfile.ZipInfo, prefix: str = "") -> Name:
    """An archive's entry: UTF-8 if its bytes are, else the Unicode name beside it, else cp437, the format's own."""
    folder = of_path(prefix)
    if info.flag_bits & UTF8_FLAG:
        return Name(folder.text + info.orig_filename, folder.note)
    stored = info.orig_filename.encode("cp437")
    stated = _utf8(stored) or _unicode_path(info.extra, stored)
    if stated:
        return Name(folder.text + stated, folder.note)
    notes = filter(None, (folder.note, ENCODING_UNKNOWN))
    return Name(folder.text + info.orig_filename, "; ".join(notes))


def passed_over(filename: str, *, is_archive_taken: bool) -> str | None:
    """Why a file that nobody named is left out."""
    path = PurePosixPath(filename)
    if any(part.casefold() in SYSTEM_FOLDERS for part in path.parts) or is_systems_own(path.name):
        return "system file"
    if any(part.startswith(".") and part != ".." for part in path.parts):
        return "hidden file"
    suffix = path.suffix.casefold()
    if suffix in PICTURE_SUFFIXES or not suffix or suffix == ".zip":
        return None
    return "not named like a picture" + (" or an archive" if is_archive_taken else "")


def folder_passed_over(name: str) -> str | None:
    if name.casefold() in SYSTEM_FOLDERS:
        return "system folder"
    return "hidden folder" if name.startswith(".") else None


def is_systems_own(name: str) -> bool:
    return name.casefold() in SYSTEM_FILES or name.startswith(APPLE_DOUBLE)


def _written_out(surrogate: re.Match[str]) -> str:
    code = ord(surrogate.group())
    return f"\\x{code & 0xFF:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"  # noqa: PLR2004 - os.fsdecode's


def _utf8(stored: bytes) -> str | None:
    try:
        return stored.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _unicode_path(extra: bytes, stored: bytes) -> str | None:
    """Info-ZIP's extra field: version 1, the CRC of the stored name, the name in UTF-8."""
    while len(extra) >= 4:  # noqa: PLR2004 - kind and size
        kind, size = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == UNICODE_PATH and field[:5] == struct.pack("<BL", 1, zlib.crc32(stored)):
            return _utf8(field[5:])
    return None
