"""Names that clients chose, written so that no loader, spreadsheet or file system takes them for something else. Pure.

Pictures lie in archives under their ids; a file name that a client sent is never a path.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence

from shared.cells import cell

MAX_FOLDER_BYTES = 100
ID_DIGITS = 12
"""Digits of an image's id that the name of its file ends with."""
MARK = 6
"""Digits of the label's hash that a changed name ends with."""
_NOT_IN_NAMES = frozenset('/\\:*?"<>|%')
"""What Windows or a URL takes for something else."""
_NOT_SEEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3])[ .]*(\..*)?")
"""Names that Windows keeps for devices, with any ending."""
_SPLITS = re.compile(
    r"(?:.*[-._ 0-9])?(?:train|training|validation|valid|dev|val|test|testing|eval|evaluation)(?:[-._ 0-9].*)?"
)
"""Names by which `datasets` takes a folder for a split of its own."""
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 !#$%&'()*+,-./:;<=>?@[]^_`{|}~")


def picture_name(image_id: str, object_key: str) -> str:
    """The name of a picture's file in an archive."""
    return f"{image_id}.{object_key.rpartition('.')[2]}"


def file_name(filename: str, image_id: str, object_key: str) -> str:
    """The name of a picture's file for people: the one that it came by, without folders and whatever could mislead, and
    the beginning of its id: equal names stay apart, and a name is the same whatever else there is."""
    last = filename.replace("\\", "/").rpartition("/")[2]
    kept = _fitted(last.rpartition(".")[0] or last, MAX_FOLDER_BYTES)
    return f"{kept or 'image'}-{image_id[:ID_DIGITS]}.{object_key.rpartition('.')[2]}"


def folders(labels: Sequence[str]) -> dict[str, str]:
    """For each label the name of its folder: the label itself where every file system and loader takes it as that, else
    something like it with a part of its hash. No two are equal, whatever the case."""
    unchanged = {label: label for label in labels if _fitting(label) == label}
    taken = {_look(name) for name in unchanged}
    changed: dict[str, str] = {}
    for label in labels:
        if label not in unchanged:
            changed[label] = name = _marked(label, taken)
            taken.add(_look(name))
    return {label: unchanged.get(label) or changed[label] for label in labels}


def yaml_text(text: str) -> str:
    """A text as a YAML scalar that every reader takes as that text: quoted, all but plain characters as numbers."""
    return f'"{"".join(map(_yaml_character, text))}"'


def _look(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _fitting(label: str) -> str:
    """The label without what a folder's name may not have; empty where all of it would be misunderstood."""
    kept = _begun_well(_fitted(label, MAX_FOLDER_BYTES - MARK - 1))
    is_misread = _DEVICES.fullmatch(kept.casefold()) or _SPLITS.fullmatch(kept.casefold())
    return "" if is_misread else kept


def _fitted(name: str, max_bytes: int) -> str:
    """The name without what a file's may not have, and no longer than this."""
    kept = "".join("_" if one in _NOT_IN_NAMES or unicodedata.category(one) in _NOT_SEEN else one for one in name)
    kept = kept.lstrip(". ").rstrip(". ")
    while len(kept.encode()) > max_bytes:
        kept = kept[:-1].rstrip(". ")
    return kept


def _begun_well(name: str) -> str:
    """The name without a beginning that is misread: `datasets` passes over `__`, and the table of classes alters what
    looks like a formula."""
    while name.startswith("__") or cell(name) != name:
        name = name[1:].lstrip("_. " if name.startswith("__") else ". ")
    return name


def _marked(label: str, taken: set[str]) -> str:
    digest = hashlib.sha256(label.encode()).hexdigest()
    kept = _begun_well(f"{_fitting(label) or 'label'}_") or "label_"
    ends = (f"{kept}{digest[:digits]}" for digits in range(MARK, len(digest) + 1))
    return next(name for name in ends if _look(name) not in taken)


def _yaml_character(one: str) -> str:
    if one in _PLAIN:
        return one
    return f"\\u{ord(one):04x}" if ord(one) <= 0xFFFF else f"\\U{ord(one):08x}"  # noqa: PLR2004 - the last of four digits
