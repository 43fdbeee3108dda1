"""What an `.onnx` file says about itself, as ONNX Runtime reads it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.detector.models.model import ModelUnusable


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxHeader:
    """The shapes of a model's inputs and outputs, 0 for a size that is left open, and its metadata."""

    inputs: tuple[tuple[int, ...], ...]
    outputs: tuple[tuple[int, ...], ...]
    metadata: dict[str, str]


def read_onnx_header(path: Path) -> OnnxHeader:
    """Raises ModelUnusable for a file that cannot be read or is no ONNX model."""
    import onnxruntime  # noqa: PLC0415 - only where there is such a model

    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise ModelUnusable(f"{path} cannot be read ({error.strerror}): name an .onnx file") from error
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL  # it is only looked at
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        metadata = session.get_modelmeta().custom_metadata_map
    except Exception as error:  # its errors have no family of their own
        raise ModelUnusable(f"{path} is no ONNX model ({error}): fetch it again") from error
    return OnnxHeader(
        inputs=tuple(map(_shape, session.get_inputs())),
        outputs=tuple(map(_shape, session.get_outputs())),
        metadata=dict(metadata),
    )


def _shape(tensor: Any) -> tuple[int, ...]:
    sizes: Sequence[Any] = tensor.shape
    return tuple(size if isinstance(size, int) and size > 0 else 0 for size in sizes)
