"""What there is to upload: files, folders and archives, walked one by one and batched into requests of bounded size."""

import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, Literal

from quorate import names
from quorate.names import Name
from quorate.retries import describe
from quorate.shapes import UploadedImage, UploadReport

BATCH_FILES = 25
BATCH_BYTES = 32 * 1024 * 1024
ENTRY_BYTES = BATCH_BYTES
"""An archive's entry is held in memory while it is sent; a larger one is refused."""

BAD_ARCHIVE = (
    zipfile.BadZipFile,
    zlib.error,
    LZMAError,
    EOFError,
    RuntimeError,
    NotImplementedError,
    OSError,
    UnicodeDecodeError,
)
"""What zipfile raises for archives that are damaged, encrypted, or packed in a way it does not know."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file to send; `open` gives its bytes from the start, as often as it is called.

    The note says what is not as it was, for the report.
    """

    filename: str
    size_bytes: int
    open: Callable[[], IO[bytes]]
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Unsent:
    """A file that is not sent, and why."""

    filename: str
    status: Literal["rejected", "skipped"]
    reason: str

    def report(self) -> UploadedImage:
        return UploadedImage(
            filename=self.filename,
            status=self.status,
            image_id=None,
            sha256=None,
            reason=self.reason,
            quota=None,
            notes=[],
        )


@dataclass(frozen=True, slots=True)
class Found:
    """A file that was come across; `load` looks inside."""

    filename: str
    load: Callable[[], Part | Unsent]


def found(paths: Iterable[Path]) -> Iterator[Found | Unsent]:
    """Everything under these paths: files as they are, folders and archives entry by entry, in order of name."""
    for path in paths:
        if path.is_dir():
            yield from _in_folder(path)
        elif _is_archive(path):
            yield from _in_archive(path, prefix="")
        elif names.is_systems_own(path.name):
            yield Unsent(names.of_path(path.name).text, "skipped", "system file")
        else:
            yield _file(path, path.name)


def parts(paths: Iterable[Path]) -> Iterator[Part | Unsent]:
    for item in found(paths):
        yield item.load() if isinstance(item, Found) else item


def batches(items: Iterable[Part | Unsent]) -> Iterator[list[Part] | Unsent]:
    """Parts gathered into requests of at most BATCH_FILES or BATCH_BYTES (a larger file goes alone)."""
    batch = list[Part]()
    size_bytes = 0
    for item in items:
        if isinstance(item, Unsent):
            yield item
            continue
        if batch and (len(batch) == BATCH_FILES or size_bytes + item.size_bytes > BATCH_BYTES):
            yield batch
            batch, size_bytes = [], 0
        batch.append(item)
        size_bytes += item.size_bytes
    if batch:
        yield batch


def merged(reports: Iterable[UploadReport]) -> UploadReport:
    total = UploadReport(images=[], accepted=0, duplicates=0, rejected=0, skipped=0)
    for report in reports:
        total["images"] += report["images"]
        total["accepted"] += report["accepted"]
        total["duplicates"] += report["duplicates"]
        total["rejected"] += report["rejected"]
        total["skipped"] += report.get("skipped", 0)
    return total


def unsent_report(items: Iterable[Unsent]) -> UploadReport:
    images = [item.report() for item in items]
    rejected = sum(image["status"] == "rejected" for image in images)
    return UploadReport(images=images, accepted=0, duplicates=0, rejected=rejected, skipped=len(images) - rejected)


def noted(report: UploadReport, sent: Iterable[Part]) -> UploadReport:
    """The report with the notes of the parts before the platform's own."""
    notes = {part.filename: [part.note] for part in sent if part.note}
    for image in report["images"] if notes else ():
        image["notes"] = notes.get(image["filename"], []) + image.get("notes", [])
    return report


def _in_folder(folder: Path) -> Iterator[Found | Unsent]:
    """Links to folders are followed, to each folder once: so the walk ends, whatever links where."""
    unreadable = list[OSError]()
    seen = {_identity(folder)}
    for parent, folders, files in os.walk(folder, onerror=unreadable.append, followlinks=True):
        here = Path(parent)
        passed_over = dict(_folders_passed_over(here, folders, seen))
        folders[:] = sorted(name for name in folders if name not in passed_over)
        for name, reason in sorted(passed_over.items()):
            yield Unsent(_relative(here / name, folder) + "/", "skipped", reason)
        siblings = frozenset(files)
        for name in sorted(files):
            yield from _in_file(here / name, (here / name).relative_to(folder).as_posix(), siblings)
    for error in unreadable:
        yield Unsent(names.of_path(str(error.filename)).text, "rejected", error.strerror or describe(error))


def _folders_passed_over(
    here: Path, folders: Iterable[str], seen: set[tuple[int, int] | None]
) -> Iterator[tuple[str, str]]:
    # Links last: where a link and the folder itself are side by side, it is the link that is passed over.
    for name in sorted(folders, key=lambda name: ((here / name).is_symlink(), name)):
        if reason := names.folder_passed_over(name):
            yield name, reason
            continue
        identity = _identity(here / name)
        if identity in seen:
            yield name, "a link to a folder that is walked already"
        elif identity is not None:
            seen.add(identity)


def _identity(folder: Path) -> tuple[int, int] | None:
    """None where the folder cannot be reached; the walk says why."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _in_file(path: Path, filename: str, siblings: frozenset[str]) -> Iterator[Found | Unsent]:
    if reason := names.passed_over(filename, is_archive_taken=True):
        yield Unsent(names.of_path(filename).text, "skipped", reason)
    elif _is_archive(path):
        yield from _in_archive(path, prefix=filename + "/")
    else:
        yield _file(path, filename, siblings)


def _file(path: Path, filename: str, siblings: frozenset[str] = frozenset()) -> Found:
    name = names.of_path(filename, siblings)
    return Found(name.text, partial(_load_file, path, name))


def _load_file(path: Path, name: Name) -> Part | Unsent:
    try:
        # Before it is opened: opening a pipe would wait for its writer.
        if not stat.S_ISREG(path.stat().st_mode):
            return Unsent(name.text, "rejected", "not a regular file")
        with path.open("rb") as file:
            size_bytes = os.fstat(file.fileno()).st_size
    except OSError as error:
        return Unsent(name.text, "rejected", error.strerror or describe(error))
    return Part(name.text, size_bytes, partial(_open, path), name.note)


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


def _is_archive(path: Path) -> bool:
    """By name and content: what is only named like one is sent as it is, and refused with the platform's own reason."""
    return path.suffix.casefold() == ".zip" and path.is_file() and zipfile.is_zipfile(path)


def _in_archive(path: Path, *, prefix: str) -> Iterator[Found | Unsent]:
    try:
        archive = zipfile.ZipFile(path)
    except BAD_ARCHIVE as error:
        yield Unsent(names.of_path(prefix or path.name).text, "rejected", f"not a readable archive: {describe(error)}")
        return
    with archive:
        for info in archive.infolist():
            name = names.of_entry(info, prefix)
            if _is_folder(info):
                continue
            # Some programs on Windows write backslashes.
            if reason := names.passed_over(info.filename.replace("\\", "/"), is_archive_taken=False):
                yield Unsent(name.text, "skipped", reason)
            elif reason := _refused_entry(info):
                yield Unsent(name.text, "rejected", reason)
            else:
                yield Found(name.text, partial(_load_entry, archive, info, name))


def _is_folder(info: zipfile.ZipInfo) -> bool:
    return info.is_dir() or (info.filename.endswith("\\") and not info.file_size)


def _refused_entry(info: zipfile.ZipInfo) -> str | None:
    if PurePosixPath(info.filename).suffix.casefold() == ".zip":
        return "an archive inside an archive"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "a symbolic link"
    if info.flag_bits & 0x1:
        return "encrypted"
    if info.file_size > ENTRY_BYTES:
        return f"unpacks to more than {ENTRY_BYTES // 1024**2} MB"
    return None


def _load_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: Name) -> Part | Unsent:
    # Unpacked here and not while it is sent: a damaged entry is then this file's refusal, not a broken request.
    try:
        data = archive.read(info)
    except BAD_ARCHIVE as error:
        return Unsent(name.text, "rejected", f"cannot be unpacked: {describe(error)}")
    return Part(name.text, len(data), partial(BytesIO, data), name.note)


def _relative(path: Path, folder: Path) -> str:
    return names.of_path(path.relative_to(folder).as_posix()).text
