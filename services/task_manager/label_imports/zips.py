"""Zip archives of labels: YOLO's text files, and pictures in a folder for each label.

Names of entries are compared with those of the task's images, and never paths.
"""

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import PurePosixPath
from typing import Any, cast

import orjson
import yaml

from services.task_manager import archives
from services.task_manager.archives import Archive, ArchiveLimits, EntrySkipped
from services.task_manager.label_imports.reading import MAX_ROW_OBJECTS, TOO_MANY, Source, names_of, read_row, shown
from services.task_manager.label_imports.rows import BadRow, Drawn, Names, Row, Unread
from services.task_manager.names import is_system_file
from services.task_manager.zip_directory import Entry
from shared.cells import text_of
from shared.errors import Invalid, QuorateError

MAX_ENTRIES = 100_000
MAX_TEXT_BYTES = 1_000_000
"""Of a text file with the objects of one picture, or with names."""
MAX_YAMLS = 3
"""Of `data.yaml` and the others in the fewest folders; the parser is slow."""
MAX_YAML_BYTES = 100_000
MAX_CLASSES = 10_000
PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".heic", ".heif", ".avif"})
_BESIDE = frozenset({"quorate.json", "votes.jsonl", "classes.csv", "metadata.jsonl", "metadata.csv"})
"""What an archive says of itself."""
_LISTS = frozenset({"train.txt", "val.txt", "valid.txt", "test.txt", "readme.txt", "notes.txt"})
"""Text files that are no labels, where those lie in no folder of their own."""
_NAME_FILES = ("classes.txt", "obj.names", "_darknet.labels")
_NUMBER = re.compile(r"[+-]?([0-9]{1,20}(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][+-]?[0-9]{1,3})?")
_BOX, _BOX_WITH_CONFIDENCE, _POLYGON = 5, 6, 7
"""Numbers on a line: of a box, of one with its confidence, and of a polygon at the least."""
_BEYOND = 2.0
"""Shares that lie further out than this are no shares."""


@dataclass(frozen=True, slots=True)
class _Zip:
    """An opened archive, whose limits are those of labels rather than of pictures."""

    archive: Archive
    limits: ArchiveLimits

    def read(self, entry: Entry, max_bytes: int) -> bytes:
        """Raises one of `shared.errors`, and EntrySkipped."""
        return archives.read_entry(self.archive, entry, replace(self.limits, max_entry_bytes=max_bytes))

    def text(self, entry: Entry, max_bytes: int = MAX_TEXT_BYTES) -> str:
        """Raises one of `shared.errors`, and EntrySkipped."""
        try:
            return self.read(entry, max_bytes).decode("utf-8-sig")
        except UnicodeDecodeError:
            raise Invalid(f"{shown(_file(entry))} is not in UTF-8") from None

    def named(self, *names: str) -> list[Entry]:
        """The entries with these file names, those in the fewest folders first."""
        found = [
            entry
            for entry in self.archive.entries
            if _file(entry).casefold() in names and not is_system_file(entry.name.text)
        ]
        return sorted(found, key=lambda entry: entry.name.text.count("/"))


def read_yolo(source: Source) -> Iterator[Row | Unread]:
    """Text files in folders called `labels`, or in any where no folder is called so; classes by data.yaml, classes.txt
    or obj.names."""
    opened = _opened(source)
    classes = _classes(opened)
    texts = [entry for entry in opened.archive.entries if entry.name.text.casefold().endswith(".txt")]
    in_folders = [entry for entry in texts if "labels" in _folders(entry)]
    taken = in_folders or [entry for entry in texts if _file(entry).casefold() not in (*_LISTS, *_NAME_FILES)]
    if not taken:
        raise Invalid("the archive has no text files with labels")
    pictures = {_pairing(entry): entry.name.text for entry in opened.archive.entries if _is_picture(entry)}
    return _labelled(opened, taken, classes, pictures, _exported(opened))


def read_imagefolder(source: Source) -> Iterator[Row | Unread]:
    """Pictures, each in a folder that is called as its label."""
    opened = _opened(source)
    if not any(_is_picture(entry) for entry in opened.archive.entries):
        raise Invalid("the archive has no pictures")
    return _foldered(opened, _labels_of_folders(opened), _exported(opened))


def _opened(source: Source) -> _Zip:
    source.file.seek(0)
    if not archives.is_archive(head := source.file.read(archives.OTHER_ARCHIVE_BYTES)):
        archives.refuse_other_archive(head)
        raise archives.NotAnArchive("the file is no zip archive")
    limits = replace(source.archives, max_entries=max(MAX_ENTRIES, source.archives.max_entries))
    return _Zip(archives.open_archive(source.file, limits), limits)


def _file(entry: Entry) -> str:
    return entry.name.text.rpartition("/")[2]


def _folders(entry: Entry) -> list[str]:
    return entry.name.text.split("/")[:-1]


def _is_picture(entry: Entry) -> bool:
    return PurePosixPath(_file(entry)).suffix.casefold() in PICTURES and not is_system_file(entry.name.text)


def _is_yaml(entry: Entry) -> bool:
    return entry.name.text.casefold().endswith((".yaml", ".yml")) and not is_system_file(entry.name.text)


def _pairing(entry: Entry) -> str:
    """What a picture and its text file have in common: the path without the extension, whose last folder `images` or
    `labels` does not count."""
    *folders, _ = parts = entry.name.text.split("/")
    for number in reversed(range(len(folders))):
        if folders[number] in ("images", "labels"):
            parts[number] = ""
            break
    return "/".join([*parts[:-1], PurePosixPath(parts[-1]).stem])


def _exported(opened: _Zip) -> dict[str, Names]:
    """By what images are named besides their ids, in an archive that was exported here; else nothing."""
    found: dict[str, Names] = {}
    with suppress(QuorateError, EntrySkipped, ValueError, TypeError, KeyError):  # then images go by their names alone
        for entry in opened.named("votes.jsonl")[:1]:
            for line in opened.read(entry, opened.limits.max_entry_bytes).splitlines():
                said: dict[str, Any] = orjson.loads(line)
                names = names_of(image_id=said["image_id"], sha256=said["sha256"], filename=said["filename"])
                found[said["image_id"]] = names
    return found


def _named(file: str, exported: Mapping[str, Names]) -> Names:
    """How an entry names its image; a file that an export called by an id, by what that image was called."""
    return exported.get(PurePosixPath(file).stem) or names_of(filename=file)


def _classes(opened: _Zip) -> Sequence[str]:
    """The names of the classes by their numbers. Raises Invalid where the archive does not say them."""
    yamls = [entry for entry in opened.archive.entries if _is_yaml(entry)]
    first = sorted(yamls, key=lambda one: (_file(one) != "data.yaml", one.name.text.count("/")))
    for entry in first[:MAX_YAMLS]:
        if (names := _names_in_yaml(opened, entry)) is not None:
            return names
    for entry in opened.named(*_NAME_FILES):
        return [line.strip() for line in opened.text(entry).strip().splitlines()][:MAX_CLASSES]
    raise Invalid("the archive does not say what its classes are called: it takes data.yaml, classes.txt or obj.names")


def _names_in_yaml(opened: _Zip, entry: Entry) -> Sequence[str] | None:
    """`names` of a data set, a list or a map by numbers; None where the file has none."""
    try:
        content: Any = yaml.load(opened.text(entry, MAX_YAML_BYTES), Loader=yaml.BaseLoader)  # noqa: S506 - it makes texts, lists and maps of them only
    except (yaml.YAMLError, RecursionError, ValueError):
        raise Invalid(f"{shown(_file(entry))} is not YAML") from None
    names: Any = cast("dict[str, Any]", content).get("names") if isinstance(content, dict) else None
    if names is None:
        return None
    if isinstance(names, list):
        names = {str(number): name for number, name in enumerate(cast("list[Any]", names))}
    numbered = cast("dict[str, Any]", names) if isinstance(names, dict) else {}
    wrong = Invalid(f"the names in {shown(_file(entry))} are no list, and no map by numbers from 0 on")
    if not numbered or len(numbered) > MAX_CLASSES:
        raise wrong
    try:
        found = [numbered[str(number)] for number in range(len(numbered))]
    except KeyError:
        raise wrong from None
    if not all(isinstance(name, str) for name in found):
        raise wrong
    return found


def _labelled(
    opened: _Zip,
    texts: Sequence[Entry],
    classes: Sequence[str],
    pictures: Mapping[str, str],
    exported: Mapping[str, Names],
) -> Iterator[Row | Unread]:
    for number, entry in enumerate(texts, 1):
        name = shown(entry.name.text)
        names = _names_of_text(entry, pictures.get(_pairing(entry)), exported)
        yield read_row(number, name, partial(_of_text, opened, entry, number, names, classes))


def _of_text(opened: _Zip, entry: Entry, number: int, names: Names, classes: Sequence[str]) -> Row:
    lines = [(at, line) for at, line in enumerate(opened.text(entry).splitlines(), 1) if line.strip()]
    if len(lines) > MAX_ROW_OBJECTS:
        raise BadRow(TOO_MANY)
    objects = tuple(_drawn(at, line, classes) for at, line in lines)
    return Row(number=number, name=shown(entry.name.text), names=names, objects=objects)


def _names_of_text(entry: Entry, picture: str | None, exported: Mapping[str, Names]) -> Names:
    """By its picture, where the archive has that, else by any with its name."""
    stem = PurePosixPath(_file(entry)).stem
    if picture is not None or stem in exported:
        return _named(picture or stem, exported)
    path = "/".join([*_folders(entry), stem])
    return replace(names_of(filename=f"{stem}.txt"), filenames=(), stems=(path,))


def _drawn(at: int, line: str, classes: Sequence[str]) -> Drawn:
    """A box by its centre and its size, or a polygon, which counts as the box around it."""
    said = line.split()
    if not all(_NUMBER.fullmatch(one) for one in said) or not said[0].isdecimal():
        raise BadRow(f"line {at} is not a class and numbers")
    if int(said[0]) >= len(classes):
        raise BadRow(f"line {at} has the class {said[0][:20]}, and there are {len(classes):,}")
    label, shares = classes[int(said[0])], [float(one) for one in said[1:]]
    confidence = shares.pop() if len(said) == _BOX_WITH_CONFIDENCE else 1.0
    if len(said) in (_BOX, _BOX_WITH_CONFIDENCE):
        x, y, width, height = shares
        edges = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    elif len(said) >= _POLYGON and len(said) % 2:
        xs, ys = shares[::2], shares[1::2]
        edges = (min(xs), min(ys), max(xs), max(ys))
    else:
        raise BadRow(f"line {at} has {len(said)} numbers: it takes a class, and a box or a polygon")
    if not 0 <= confidence <= 1:
        raise BadRow(f"line {at} has a confidence that is not from 0 to 1")
    left, top, right, bottom = edges
    if right < left or bottom < top or not all(-_BEYOND < one < 1 + _BEYOND for one in edges):
        raise BadRow(f"line {at} is not in shares of the picture's width and height")
    return Drawn(label=label, confidence=confidence, left=left, top=top, right=right, bottom=bottom, unit="shares")


def _labels_of_folders(opened: _Zip) -> Mapping[str, str]:
    """The labels of those folders that are called otherwise, as an export has them in classes.csv."""
    for entry in opened.named("classes.csv")[:1]:
        rows = csv.DictReader(io.StringIO(opened.text(entry), newline=""))
        try:
            return {text_of(row["folder"]): text_of(row["label"]) for row in rows}
        except (KeyError, TypeError, AttributeError, csv.Error):
            return {}
    return {}


def _foldered(opened: _Zip, label_of: Mapping[str, str], exported: Mapping[str, Names]) -> Iterator[Row | Unread]:
    entries = (entry for entry in opened.archive.entries if not _is_beside(entry))
    for number, entry in enumerate(entries, 1):
        name, folders = shown(entry.name.text), _folders(entry)
        if not _is_picture(entry):
            reason = "it is no picture, by its extension"
            yield Unread(number=number, name=name, reason=reason, is_passed_over=True)
        elif not folders:
            yield Unread(number=number, name=name, reason="it lies in no folder")
        else:
            label = label_of.get(folders[-1], folders[-1])
            yield read_row(number, name, partial(_of_picture, opened, entry, number, label, exported))


def _is_beside(entry: Entry) -> bool:
    """Whether an entry is a folder, or tells of the archive itself."""
    return entry.name.text.endswith("/") or _file(entry).casefold() in _BESIDE or is_system_file(entry.name.text)


def _of_picture(opened: _Zip, entry: Entry, number: int, label: str, exported: Mapping[str, Names]) -> Row:
    """The picture's own bytes tell which image it is, before its name does."""
    data = opened.read(entry, opened.limits.max_entry_bytes)
    names = _named(entry.name.text, exported)
    names = replace(names, sha256=(hashlib.sha256(data).hexdigest(), *names.sha256))
    return Row(number=number, name=shown(entry.name.text), names=names, label=label)
