"""Converts a Darknet model to ONNX, and keeps the result only if both see the same."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from services.detector.engine.agreement import Agreement, compare, sample_pictures
from services.detector.models import ModelFiles, ModelUnusable
from services.detector.models.conversion import convert


def convert_checked(files: ModelFiles, output: Path, *, pictures: Path | None = None) -> Agreement:
    """Write a Darknet model to `output` as ONNX, and say how far the two differ.

    pictures: a folder whose pictures both are compared on; without one, on noise.
    Raises ModelUnusable, and leaves `output` as it was, where they do not agree or the model cannot be converted.
    """
    if output.suffix != ".onnx":
        raise ModelUnusable(f"{output} is not the name of an .onnx file")
    converted = convert(files)
    shown = _read_pictures(pictures) if pictures else sample_pictures(files.model.input_width, files.model.input_height)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".converting-") as folder:
        part = Path(folder) / output.name
        part.write_bytes(converted)
        agreement = compare(files, part, shown)
        if not agreement.holds:
            raise ModelUnusable(
                f"{output} was not written: the converted model sees something else than {files.cfg} "
                f"(confidences differ by up to {agreement.score:.2g}, edges by up to {agreement.pixels:.2g} pixels, "
                f"{agreement.boxes} boxes compared)"
            )
        part.replace(output)
    return agreement


def _read_pictures(folder: Path) -> Iterable[NDArray[np.uint8]]:
    for path in sorted(folder.iterdir()):
        bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if bgr is None:
            raise ModelUnusable(f"{path} is not a picture that can be read")
        yield bgr  # pyright: ignore[reportReturnType]  (the stubs say any kind of number)
