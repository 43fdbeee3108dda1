"""Finds an ONNX model on disk and tells its family, before anything is loaded."""

import json
from dataclasses import dataclass
from pathlib import Path

from services.detector.models.digest import sha256_of
from services.detector.models.model import FAMILY_PIXELS, Family, Model, ModelFiles, ModelUnusable
from services.detector.models.names import read_classes
from services.detector.models.onnx_header import OnnxHeader, read_onnx_header

METADATA_KEY = "quorate.darknet"
"""Under this key a converted Darknet model carries its class names and the anchors of its YOLO layers, as JSON."""

YOLOX_STRIDES = (8, 16, 32)
"""Pixels of the input to a cell, for each of YOLOX's grids in the order of its rows."""

_BOX_AND_OBJECTNESS = 5  # numbers of a YOLOX row that come before its classes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    family: Family
    width: int
    height: int
    classes: int


def find_onnx_model(path: Path) -> ModelFiles:
    """Find the model in an `.onnx` file.

    It is a Darknet model that `quorate models convert` wrote, a YOLOX with raw heads, or a classifier. Class names come
    from the file itself, else from a `.names` file beside it; without one, a model of 80 classes gets COCO's names.
    Raises ModelUnusable for a file that is missing, unreadable, or of none of these families.
    """
    header = read_onnx_header(path)
    shape = _tell(header, path)
    stored = _stored_classes(header, path)
    return ModelFiles(
        model=Model(
            name=path.stem,
            sha256=sha256_of(path),
            classes=stored or read_classes(path.with_suffix(".names"), model=path, count=shape.classes),
            input_width=shape.width,
            input_height=shape.height,
            family=shape.family,
        ),
        weights=path,
        pixels=FAMILY_PIXELS[shape.family],
    )


def _tell(header: OnnxHeader, path: Path) -> _Shape:
    height, width = _input_size(header, path)
    if METADATA_KEY in header.metadata:
        return _Shape(family="darknet", width=width, height=height, classes=0)
    match header.outputs:
        case ((1, rows, numbers),) if rows == _yolox_rows(width, height) and numbers > _BOX_AND_OBJECTNESS:
            return _Shape(family="yolox", width=width, height=height, classes=numbers - _BOX_AND_OBJECTNESS)
        case ((_, classes),) if classes > 0:
            return _Shape(family="classifier", width=width, height=height, classes=classes)
        case _:
            raise ModelUnusable(
                f"{path} is of no family that is known here: name a YOLOX exported with raw heads, a classifier, "
                "or a Darknet model that `quorate models convert` wrote"
            )


def _input_size(header: OnnxHeader, path: Path) -> tuple[int, int]:
    match header.inputs:
        case ((_, 3, height, width), *_) | ((_, height, width, 3), *_) if height > 0 and width > 0:
            return height, width
        case _:
            raise ModelUnusable(f"{path} takes no pictures of one fixed size: export it with one")


def _yolox_rows(width: int, height: int) -> int:
    return sum((width // stride) * (height // stride) for stride in YOLOX_STRIDES)


def _stored_classes(header: OnnxHeader, path: Path) -> tuple[str, ...] | None:
    if METADATA_KEY not in header.metadata:
        return None
    try:
        return tuple(str(name) for name in json.loads(header.metadata[METADATA_KEY])["classes"])
    except (ValueError, KeyError, TypeError) as error:
        raise ModelUnusable(f"{path} was converted by another version: convert it again") from error
