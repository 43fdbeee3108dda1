"""What Ultralytics' exporters write of a model into its `.onnx`.

Every value is Python's `str()` of it. ultralytics/ultralytics (engine/exporter.py, version 8 and later) writes `task`,
`imgsz`, `names`, `description` and, since 2026, `head` and `end2end`; ultralytics/yolov5 (export.py) `stride` and
`names` alone, and so do the forks of both.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.detector.models.model import ModelUnusable

_MAX_CHARACTERS = 1_000_000
"""ImageNet's 21,841 classes take half of that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What a file says of itself; what it leaves out is None, without names it has none.

    task: detect, classify, segment, pose, obb and others; None from YOLOv5's own exporter.
    names: in the order of the model's outputs.
    size: height and width.
    is_transformer: whether it is an RT-DETR, which shares the shapes of its outputs with others.
    """

    task: str | None
    names: tuple[str, ...]
    size: tuple[int, int] | None
    is_transformer: bool


def read_exported(metadata: Mapping[str, str], path: Path) -> Exported:
    """Raises ModelUnusable for metadata that no exporter writes."""
    told = f"{metadata.get('head', '')} {metadata.get('description', '')}".lower().replace("-", "")
    return Exported(
        task=metadata.get("task"),
        names=_names(_value(metadata, "names", path), path),
        size=_size(_value(metadata, "imgsz", path), path),
        is_transformer="rtdetr" in told,
    )


def _value(metadata: Mapping[str, str], key: str, path: Path) -> Any:
    text = metadata.get(key)
    if text is None:
        return None
    if len(text) > _MAX_CHARACTERS:
        raise _odd(path, key)
    try:
        return ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
        raise _odd(path, key) from error


def _names(value: Any, path: Path) -> tuple[str, ...]:
    """Names from `{0: 'person', 1: 'bicycle'}`, or in old files from a list."""
    if value is None:
        return ()
    names = list(value.values()) if isinstance(value, dict) else value
    is_numbered = not isinstance(value, dict) or list(value) == list(range(len(value)))
    if not isinstance(names, list) or not is_numbered or not all(isinstance(name, str) and name for name in names):
        raise _odd(path, "names")
    return tuple(names)


def _size(value: Any, path: Path) -> tuple[int, int] | None:
    match value:
        case None:
            return None
        case int(side) if side > 0:
            return side, side
        case [int(height), int(width)] if height > 0 and width > 0:
            return height, width
        case _:
            raise _odd(path, "imgsz")


def _odd(path: Path, key: str) -> ModelUnusable:
    return ModelUnusable(f"{path} has a `{key}` in its metadata that no exporter writes: export it again")
