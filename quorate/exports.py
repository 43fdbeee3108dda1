"""Exports: the results of a task written to a file."""

from codecs import BOM_UTF8
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from os import SEEK_END
from pathlib import Path
from typing import BinaryIO, Literal
from zipfile import BadZipFile, ZipFile

import httpx

from quorate.begun import forget, keep, tag_of, taken
from quorate.connection import Connection
from quorate.errors import ApiError, BrokenOffError, NothingToExportError, UnreachableError
from quorate.replacing import Beside, replacing
from quorate.retries import RETRIED_STATUSES, RetryPolicy, describe

RowFormat = Literal["jsonl", "csv"]
ExportFormat = Literal["jsonl", "csv", "imagefolder", "parquet", "labelstudio", "coco", "yolo"]
EXTENSIONS: Mapping[str, ExportFormat] = {".csv": "csv", ".parquet": "parquet"}
"""Those of files that are of one format only."""
HEAD_BYTES = 1_000_000
"""More than what a JSON document has before its first image."""

PARTIAL = 206
PASSING = RETRIED_STATUSES | {401, 408}
FAILING = 500
"""Behind these refusals, and those from 500 on, the same export goes on later."""
SILENCE_S = 300.0
"""So long an export may send nothing: the platform looks through all images for those that are wanted."""


def unseen(size_bytes: int) -> None:
    """Nobody looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """One export. `path` and `query` ask the platform for it; with `bom`, it begins with a byte order mark.
    `told` hears how many bytes have come."""

    api: Connection
    retry: RetryPolicy
    path: str
    query: Mapping[str, str]
    file_format: ExportFormat
    bom: bool
    told: Callable[[int], None] = unseen

    def write(self, target: Path | BinaryIO) -> int:
        """Write it, and say how many bytes; as `Client.export`."""
        if not isinstance(target, Path):
            return self._copy(target)
        if target.exists() and not target.is_file():
            with target.open("wb") as file:
                return self._copy(file)
        beside, tag = taken(target) or (None, None)
        with replacing(target, beside) as beside:
            part = _Part(beside, target, tag)
            try:
                size_bytes = self._copy_whole(part)
            except BaseException as error:
                self._keep(part, error)
                raise
            if self._is_empty(part.file) and target.exists() and target.stat().st_size:
                raise NothingToExportError(f"there is nothing to export; {target} keeps what it holds")
        forget(target)
        return size_bytes

    def _copy_whole(self, part: "_Part") -> int:
        """Try until all of it came, as often as the policy says without a further byte of the same file."""
        tries, is_silent = 0, False
        while True:
            had, tries = part.size_bytes, tries + 1
            try:
                return self._go_on(part, whole=is_silent)
            except BrokenOffError as error:
                has_more = part.goes_on and part.size_bytes > had
                is_silent = not has_more and isinstance(error.__cause__, httpx.ReadTimeout)
                if has_more:
                    tries = 0
                elif tries >= self.retry.attempts:
                    raise
            self.retry.sleep(self.retry.pause_s(max(1, tries)))

    def _go_on(self, part: "_Part", *, whole: bool) -> int:
        """Ask for what is missing, with the last byte that came, so that there is something to answer with; all of it
        is written anew where it is another file now. `whole`: ask for all of it, as a part comes too late."""
        mark = BOM_UTF8 if self.bom else b""
        last = part.size_bytes - 1
        first = last - len(mark)
        asked: dict[str, str] = {}
        if not whole and part.tag is not None and first >= 0 and part.begins_with(BOM_UTF8) == self.bom:
            asked = {"Range": f"bytes={first}-", "If-Range": f'"{part.tag}"', "Accept-Encoding": "identity"}
        with self._answer(asked) as response:
            part.goes_on = response.status_code == PARTIAL and response.headers.get("Content-Range", "").startswith(
                f"bytes {first}-"
            )
            if part.goes_on:
                size_bytes = part.cut(last)
            else:
                part.begin_anew(tag_of(response.headers.get("ETag")))
                size_bytes = part.file.write(mark)
            return self._receive(response, part.file, size_bytes)

    def _keep(self, part: "_Part", error: BaseException) -> None:
        """Keep what came, for the next time, unless the platform has refused to go on."""
        is_refused = isinstance(error, ApiError) and error.status not in PASSING and error.status < FAILING
        size_bytes = part.size_bytes
        if is_refused or not size_bytes:
            part.beside.hide()
        elif part.is_kept() and isinstance(error, UnreachableError):
            raise BrokenOffError(
                f"{error}; {size_bytes} bytes are kept in {part.beside.path}: the same export goes on from there"
            ) from error

    def _copy(self, file: BinaryIO) -> int:
        with self._answer({}) as response:
            return self._receive(response, file, file.write(BOM_UTF8 if self.bom else b""))

    def _answer(self, headers: Mapping[str, str]) -> AbstractContextManager[httpx.Response]:
        return self.api.stream(self.path, params=self.query, accept="*/*", read_timeout_s=SILENCE_S, headers=headers)

    def _receive(self, response: httpx.Response, file: BinaryIO, size_bytes: int) -> int:
        try:
            for chunk in response.iter_bytes():
                file.write(chunk)
                size_bytes += len(chunk)
                self.told(size_bytes)
        except httpx.TransportError as error:
            raise BrokenOffError(f"the export broke off: {describe(error)}") from error
        return size_bytes

    def _is_empty(self, file: BinaryIO) -> bool:
        """Without a single image, as far as that can be seen: not that of parquet."""
        file.seek(0)
        first = file.read(2)
        file.seek(0)
        if first == b"PK":
            return _has_no_votes(file)
        if self.file_format in ("coco", "labelstudio"):
            head = file.read(HEAD_BYTES)
            return b'"images":[\n],' in head or head == b"[\n]\n"
        least = 2 if self.file_format == "csv" else 1
        return len(list(islice(file, least))) < least


@dataclass(slots=True)
class _Part:
    """What has come of a file. `tag`: of the whole one; None: nothing can go on from here. `goes_on`: the last answer
    was more of the same."""

    beside: Beside
    target: Path
    tag: str | None
    goes_on: bool = False

    @property
    def file(self) -> BinaryIO:
        return self.beside.file

    @property
    def size_bytes(self) -> int:
        return self.file.seek(0, SEEK_END)

    def begins_with(self, mark: bytes) -> bool:
        self.file.seek(0)
        return self.file.read(len(mark)) == mark

    def begin_anew(self, tag: str | None) -> None:
        """What comes now is of another file. It lies under the name of its tag from its first byte on."""
        self.beside.hide()
        self.cut(0)
        self.tag = tag
        self.is_kept()

    def is_kept(self) -> bool:
        """Whether the same export finds it again; it is seen to where that can be."""
        if self.tag is not None and not self.beside.stays:
            keep(self.beside, self.target, self.tag)
        return self.beside.stays

    def cut(self, size_bytes: int) -> int:
        """Keep so many bytes, behind which the rest is written."""
        self.file.seek(size_bytes)
        return self.file.truncate()


def _has_no_votes(file: BinaryIO) -> bool:
    """Whether an archive has votes on no image: every image has a line there."""
    try:
        with ZipFile(file) as archive:
            return archive.getinfo("votes.jsonl").file_size == 0
    except (BadZipFile, KeyError) as error:
        raise BrokenOffError(f"the export is no whole archive: {error}") from error
