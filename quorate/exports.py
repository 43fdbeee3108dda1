"""Exports: the results of a task written to a file."""

from codecs import BOM_UTF8
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Literal
from zipfile import BadZipFile, ZipFile

import httpx

from quorate.connection import Connection
from quorate.errors import BrokenOffError, NothingToExportError
from quorate.replacing import replacing
from quorate.retries import RetryPolicy, describe

RowFormat = Literal["jsonl", "csv"]
ExportFormat = Literal["jsonl", "csv", "imagefolder", "parquet", "labelstudio", "coco", "yolo"]
EXTENSIONS: Mapping[str, ExportFormat] = {".csv": "csv", ".parquet": "parquet"}
"""Those of files that are of one format only."""
HEAD_BYTES = 1_000_000
"""More than what a JSON document has before its first image."""

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
        with replacing(target) as file:
            size_bytes = self._copy_whole(file)
            if self._is_empty(file) and target.exists() and target.stat().st_size:
                raise NothingToExportError(f"there is nothing to export; {target} keeps what it holds")
        return size_bytes

    def _copy_whole(self, file: BinaryIO) -> int:
        tries = 0
        while True:
            tries += 1
            try:
                return self._copy(file)
            except BrokenOffError:
                if tries >= self.retry.attempts:
                    raise
            self.retry.sleep(self.retry.pause_s(tries))
            file.seek(0)
            file.truncate()

    def _copy(self, file: BinaryIO) -> int:
        with self.api.stream(self.path, params=self.query, accept="*/*", read_timeout_s=SILENCE_S) as response:
            size_bytes = file.write(BOM_UTF8 if self.bom else b"")
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


def _has_no_votes(file: BinaryIO) -> bool:
    """Whether an archive has votes on no image: every image has a line there."""
    try:
        with ZipFile(file) as archive:
            return archive.getinfo("votes.jsonl").file_size == 0
    except (BadZipFile, KeyError) as error:
        raise BrokenOffError(f"the export is no whole archive: {error}") from error
