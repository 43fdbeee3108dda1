"""Imports of labels: a file sent, and the report on its rows as it comes."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import httpx

from quorate import sse
from quorate.connection import Connection
from quorate.errors import BrokenOffError
from quorate.retries import describe
from quorate.shapes import ImportReport, RowReport

ImportFormat = Literal["csv", "jsonl", "coco", "yolo", "imagefolder"]
EXTENSIONS: Mapping[str, ImportFormat] = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".json": "coco"}
"""Those of files that are of one format only."""
SILENCE_S = 300.0
"""So long a report may not go on: the platform looks through a large document, or all names of a large task."""
BROKEN_OFF = "send the file again: what was applied stays, and the rest follows"


def unheard(row: RowReport) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelImport:
    """One import. `told` hears of every row."""

    api: Connection
    path: str
    file_format: ImportFormat
    told: Callable[[RowReport], None]

    def send(self, file: Path) -> ImportReport:
        """Send a file, and say how many of its rows had each status. Raises BrokenOffError where the report has no
        end."""
        query = {"format": self.file_format}
        with self.api.sent_file(self.path, file, params=query, read_timeout_s=SILENCE_S) as response:
            try:
                for line in _documents(response):
                    if "summary" in line:
                        return cast("ImportReport", cast("object", line))
                    self.told(cast("RowReport", cast("object", line)))
            except httpx.TransportError as error:
                raise BrokenOffError(f"the import broke off: {describe(error)}; {BROKEN_OFF}") from error
        raise BrokenOffError(f"the import broke off; {BROKEN_OFF}")


def _documents(response: httpx.Response) -> Iterator[dict[str, Any]]:
    """The whole lines of a report; what is cut off in the middle of a line is none."""
    for line in sse.lines(response.iter_bytes()):
        try:
            yield json.loads(line)
        except ValueError:
            raise BrokenOffError(f"the import's report is none; {BROKEN_OFF}") from None
