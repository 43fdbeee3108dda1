"""Finds an ONNX model on disk and tells its family, before anything is loaded."""

import json
from pathlib import Path

from services.detector.models.digest import sha256_of_all
from services.detector.models.exported import read_exported
from services.detector.models.external_data import files_of
from services.detector.models.heads import DARKNET, input_size, tell_head
from services.detector.models.model import Model, ModelFiles, ModelUnusable
from services.detector.models.names import read_classes
from services.detector.models.onnx_header import OnnxHeader, Tensor, read_onnx_header, seen_outputs

METADATA_KEY = "quorate.darknet"
"""Under this key a converted Darknet model carries its class names and the anchors of its YOLO layers, as JSON."""


def find_onnx_model(path: Path) -> ModelFiles:
    """Find the model in an `.onnx` file: its family, size and classes, and how pictures are made ready for it.

    All of it comes from the file's shapes and metadata, but for class names that it lacks: these come from a `.names`
    file beside it; without one, a model of 80 classes gets COCO's names.
    Raises ModelUnusable for a file that is missing, unreadable, or of no known family (`heads.WANTED`).
    """
    files = files_of(path)
    header = read_onnx_header(path)
    exported = read_exported(header.metadata, path)
    height, width = input_size(header, exported, path)
    if METADATA_KEY in header.metadata:
        head, classes = DARKNET, _stored_classes(header, path)
    else:
        outputs = _outputs(header, path, width=width, height=height)
        head = tell_head(outputs, exported, path, width=width, height=height)
        classes = exported.names or read_classes(path.with_suffix(".names"), model=path, count=head.classes)
    return ModelFiles(
        model=Model(
            name=path.stem,
            sha256=sha256_of_all(files),
            classes=classes,
            input_width=width,
            input_height=height,
            family=head.family,
        ),
        weights=path,
        pixels=head.pixels,
        resize=head.resize,
    )


def _outputs(header: OnnxHeader, path: Path, *, width: int, height: int) -> tuple[Tensor, ...]:
    """The outputs with their sizes: as the file gives them, or else as they come out for one picture."""
    is_open = any(0 in output.shape[1:] or not output.shape for output in header.outputs)
    return seen_outputs(path, width=width, height=height) if is_open else header.outputs


def _stored_classes(header: OnnxHeader, path: Path) -> tuple[str, ...]:
    try:
        return tuple(str(name) for name in json.loads(header.metadata[METADATA_KEY])["classes"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelUnusable(f"{path} was converted by another version: convert it again") from error
