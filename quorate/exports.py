"""Exports: the results of a task written to a file."""

from codecs import BOM_UTF8
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Literal

import httpx

from quorate.connection import Connection
from quorate.errors import BrokenOffError, NothingToExportError
from quorate.replacing import replacing
from quorate.retries import RetryPolicy, describe

ExportFormat = Literal["jsonl", "csv"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """One export. `path` and `query` ask the platform for it; with `bom`, it begins with a byte order mark."""

    api: Connection
    retry: RetryPolicy
    path: str
    query: Mapping[str, str]
    file_format: ExportFormat
    bom: bool

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
        with self.api.stream(self.path, params=self.query, accept="*/*") as response:
            size_bytes = file.write(BOM_UTF8 if self.bom else b"")
            try:
                for chunk in response.iter_bytes():
                    file.write(chunk)
                    size_bytes += len(chunk)
            except httpx.TransportError as error:
                raise BrokenOffError(f"the export broke off: {describe(error)}") from error
        return size_bytes

    def _is_empty(self, file: BinaryIO) -> bool:
        """Without a single image; CSV has its header even so."""
        file.seek(0)
        least = 2 if self.file_format == "csv" else 1
        return len(list(islice(file, least))) < least
