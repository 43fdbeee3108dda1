"""The formats in which results are exported."""

import importlib.util
from functools import cache
from importlib.metadata import version
from typing import Literal, get_args

ExportFormat = Literal["jsonl", "csv", "imagefolder", "parquet", "labelstudio", "coco", "yolo"]


@cache
def here() -> tuple[ExportFormat, ...]:
    """Those that this installation can write: parquet takes a library that is an extra of its own."""
    has_parquet = importlib.util.find_spec("pyarrow") is not None
    formats: tuple[ExportFormat, ...] = get_args(ExportFormat)
    return tuple(form for form in formats if form != "parquet" or has_parquet)


@cache
def made_by(form: ExportFormat) -> str:
    """The library that a format's bytes depend on, with its version; empty: none."""
    return f"pyarrow {version('pyarrow')}" if form == "parquet" else ""
