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

from quorate.retries import describe
from quorate.shapes import UploadedImage, UploadReport

BATCH_FILES = 25
BATCH_BYTES = 32 * 1024 * 1024
ENTRY_BYTES = BATCH_BYTES
"""An archive's entry is held in memory while it is sent; a larger one is refused."""

# Formats that the platform does not take are sent too, for its refusal says why; anything else is passed over.
PICTURE_SUFFIXES = frozenset(
    ".avif .bmp .dib .gif .heic .heif .jfif .jpe .jpeg .jpg .png .svg .tif .tiff .webp".split()  # noqa: SIM905 - reads better
)
BAD_ARCHIVE = (zipfile.BadZipFile, zlib.error, LZMAError, EOFError, RuntimeError, NotImplementedError, OSError)
"""What zipfile raises for archives that are damaged, encrypted, or packed in a way it does not know."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file to send; `open` gives its bytes from the start, as often as it is called."""

    filename: str
    size_bytes: int
    open: Callable[[], IO[bytes]]


@dataclass(frozen=True, slots=True)
class Unsent:
    """A file that is not sent, and why."""

    filename: str
    status: Literal["rejected", "skipped"]
    reason: str

    def report(self) -> UploadedImage:
        return UploadedImage(
            filename=self.filename, status=self.status, image_id=None, sha256=None, reason=self.reason, notes=[]
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


def _in_folder(folder: Path) -> Iterator[Found | Unsent]:
    unreadable = list[OSError]()
    for parent, folders, names in os.walk(folder, onerror=unreadable.append):
        here = Path(parent)
        for name in sorted(folders):
            if name.startswith("."):
                yield Unsent(_relative(here / name, folder) + "/", "skipped", "hidden folder")
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path, filename = here / name, _relative(here / name, folder)
            if reason := _passed_over(filename, is_archive_taken=True):
                yield Unsent(filename, "skipped", reason)
            elif _is_archive(path):
                yield from _in_archive(path, prefix=filename + "/")
            else:
                yield _file(path, filename)
    for error in unreadable:
        yield Unsent(sendable(str(error.filename)), "rejected", error.strerror or describe(error))


def _file(path: Path, filename: str) -> Found:
    return Found(sendable(filename), partial(_load_file, path, sendable(filename)))


def _load_file(path: Path, filename: str) -> Part | Unsent:
    try:
        # Before it is opened: opening a pipe would wait for its writer.
        if not stat.S_ISREG(path.stat().st_mode):
            return Unsent(filename, "rejected", "not a regular file")
        with path.open("rb") as file:
            size_bytes = os.fstat(file.fileno()).st_size
    except OSError as error:
        return Unsent(filename, "rejected", error.strerror or describe(error))
    return Part(filename, size_bytes, partial(_open, path))


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


def _is_archive(path: Path) -> bool:
    """By name and content: what is only named like one is sent as it is, and refused with the platform's own reason."""
    return path.suffix.casefold() == ".zip" and path.is_file() and zipfile.is_zipfile(path)


def _in_archive(path: Path, *, prefix: str) -> Iterator[Found | Unsent]:
    try:
        archive = zipfile.ZipFile(path)
    except BAD_ARCHIVE as error:
        yield Unsent(prefix or sendable(path.name), "rejected", f"not a readable archive: {describe(error)}")
        return
    with archive:
        for info in archive.infolist():
            filename = sendable(prefix + info.filename)
            if info.is_dir():
                continue
            if reason := _passed_over(info.filename, is_archive_taken=False):
                yield Unsent(filename, "skipped", reason)
            elif reason := _refused_entry(info):
                yield Unsent(filename, "rejected", reason)
            else:
                yield Found(filename, partial(_load_entry, archive, info, filename))


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


def _load_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, filename: str) -> Part | Unsent:
    # Unpacked here and not while it is sent: a damaged entry is then this file's refusal, not a broken request.
    try:
        data = archive.read(info)
    except BAD_ARCHIVE as error:
        return Unsent(filename, "rejected", f"cannot be unpacked: {describe(error)}")
    return Part(filename, len(data), partial(BytesIO, data))


def _passed_over(filename: str, *, is_archive_taken: bool) -> str | None:
    path = PurePosixPath(filename)
    if path.name.startswith(".") or "__MACOSX" in path.parts:
        return "hidden file"
    suffix = path.suffix.casefold()
    if suffix in PICTURE_SUFFIXES or not suffix or suffix == ".zip":
        return None
    return "not named like a picture" + (" or an archive" if is_archive_taken else "")


def _relative(path: Path, folder: Path) -> str:
    return sendable(path.relative_to(folder).as_posix())


def sendable(filename: str) -> str:
    """The name with what UTF-8 cannot carry (undecodable bytes of a file name) replaced."""
    return filename.encode("utf-8", "replace").decode("utf-8")
