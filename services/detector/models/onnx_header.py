"""What an `.onnx` file says about itself, as ONNX Runtime reads it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.detector.models.model import ModelUnusable

if TYPE_CHECKING:
    import numpy as np
    import onnxruntime

FLOATS = {"tensor(float)": "float32", "tensor(float16)": "float16"}
"""The numbers that a picture may be given in, as numpy calls them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """An input or output: `kind` as ONNX Runtime spells it, and its sizes, 0 for one that is left open."""

    name: str
    kind: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        """Such as `output0 1x84x8400`."""
        return f"{self.name} {'x'.join(str(size or '?') for size in self.shape) or 'scalar'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxHeader:
    """A model's inputs, outputs and metadata."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    metadata: dict[str, str]


def read_onnx_header(path: Path) -> OnnxHeader:
    """Raises ModelUnusable for a file that is no ONNX model."""
    session = _open(path)
    return OnnxHeader(
        inputs=tuple(map(_tensor, session.get_inputs())),
        outputs=tuple(map(_tensor, session.get_outputs())),
        metadata=dict(session.get_modelmeta().custom_metadata_map),
    )


def seen_outputs(path: Path, *, width: int, height: int) -> tuple[Tensor, ...]:
    """The outputs with the sizes that they have for one black picture: exports may leave open even those that never
    change. Raises ModelUnusable where the model cannot be run."""
    import numpy as np  # noqa: PLC0415 - as for ONNX Runtime

    session = _open(path)
    picture, *others = session.get_inputs()
    is_channels_last = picture.shape[-1] == 3  # noqa: PLR2004 - red, green, blue
    shape = (1, height, width, 3) if is_channels_last else (1, 3, height, width)
    fed: dict[str, Any] = {picture.name: np.zeros(shape, FLOATS.get(picture.type, "float32"))}
    fed |= {one.name: size_given(one.type, width=width, height=height, count=1) for one in others}
    try:
        answers: Sequence[Any] = session.run(None, fed)
    except Exception as error:  # its errors have no family of their own
        raise ModelUnusable(f"ONNX Runtime cannot run {path}: {error}") from error
    return tuple(
        Tensor(name=output.name, kind=output.type, shape=np.shape(answer))
        for output, answer in zip(session.get_outputs(), answers, strict=True)
    )


def size_given(kind: str, *, width: int, height: int, count: int) -> "np.ndarray":
    """The size of the pictures, for graphs that scale their boxes themselves: `count` x 2, width first."""
    import numpy as np  # noqa: PLC0415 - as for ONNX Runtime

    return np.tile(np.array([[width, height]], np.int64 if kind == "tensor(int64)" else np.float32), (count, 1))


def _open(path: Path) -> "onnxruntime.InferenceSession":
    import onnxruntime  # noqa: PLC0415 - only where there is such a model

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL  # it is only looked at
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no family of their own
        raise ModelUnusable(f"{path} is no ONNX model ({error}): fetch it again") from error


def _tensor(tensor: Any) -> Tensor:
    sizes: Sequence[Any] = tensor.shape
    return Tensor(
        name=tensor.name,
        kind=tensor.type,
        shape=tuple(size if isinstance(size, int) and size > 0 else 0 for size in sizes),
    )
