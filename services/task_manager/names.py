"""File names: kept as they came where they can be shown, and told where they could not. They are never paths."""

import hashlib
import re
from dataclasses import dataclass

from shared.errors import Invalid

MAX_FILENAME = 1_000
CUT_NOTE = f"the file name is over {MAX_FILENAME:,} characters: it was cut, and ends with its hash"
CP437_NOTE = "the archive does not state the encoding of the file name: it was read as CP437"

SYSTEM_FILE = "a file that the operating system keeps for itself"

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""Control characters, line breaks, and halves of characters."""
_SYSTEM_FILES = frozenset(
    {".ds_store", ".localized", "desktop.ini", "ehthumbs.db", "ehthumbs_vista.db", "icon\r", "thumbs.db"}
)
_SYSTEM_FOLDERS = frozenset(
    {
        "$recycle.bin",
        ".appledouble",
        ".documentrevisions-v100",
        ".fseventsd",
        ".spotlight-v100",
        ".temporaryitems",
        ".trashes",
        "__macosx",
        "system volume information",
    }
)
_APPLE_DOUBLE = "._"


class NameRefused(Invalid):
    """The file has a name that cannot be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A file's name as it is kept; `notes` say what of it was changed, or guessed."""

    text: str
    notes: tuple[str, ...] = ()


def kept(filename: str, notes: tuple[str, ...] = ()) -> Name:
    """The name, cut where it is too long: two names that differ stay different. Raises NameRefused."""
    if found := _CONTROL.search(filename):
        raise NameRefused(f"the file name has a control character (U+{ord(found[0]):04X}): rename the file")
    if len(filename) <= MAX_FILENAME:
        return Name(text=filename, notes=notes)
    end = f"…{hashlib.sha256(filename.encode()).hexdigest()[:16]}"
    return Name(text=filename[: MAX_FILENAME - len(end)] + end, notes=(*notes, CUT_NOTE))


def shown(filename: str, notes: tuple[str, ...] = ()) -> Name:
    """The name of a file that is not taken, fit to be shown."""
    return kept(_CONTROL.sub("\ufffd", filename), notes)


def is_system_file(filename: str) -> bool:
    """Whether Windows or macOS put the file there, not a person."""
    *folders, last = filename.casefold().replace("\\", "/").split("/")
    return last in _SYSTEM_FILES or last.startswith(_APPLE_DOUBLE) or not _SYSTEM_FOLDERS.isdisjoint(folders)


def in_archive(raw: bytes, *, is_utf8: bool, unicode_path: str | None) -> Name:
    """The name of an archive's entry, kept as far as it can be read.

    UTF-8 wherever the bytes are that, for most writers do not set the flag (`is_utf8`). ASCII alone is no proof: some
    write a transcription, with the name itself in the Unicode-path extra.
    """
    try:
        if raw.isascii() and not is_utf8 and unicode_path is not None:
            return Name(text=unicode_path)
        return Name(text=raw.decode())
    except UnicodeDecodeError:
        if unicode_path is not None:
            return Name(text=unicode_path)
    return Name(text=raw.decode("cp437"), notes=(CP437_NOTE,))
