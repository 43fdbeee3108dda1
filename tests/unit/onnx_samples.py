"""Tiny ONNX models whose answers are known: they give the same, whatever the picture shows."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def write_constant_model(path: Path, output, *, entering=(1, 3, 64, 64), metadata=None) -> Path:
    """A model that takes pictures of the shape `entering` and answers `output`."""
    output = np.asarray(output, np.float32)
    nodes = [
        helper.make_node("ReduceMin", ["picture"], ["least"], keepdims=0),
        helper.make_node("Mul", ["least", "zero"], ["nothing"]),
        helper.make_node("Add", ["answer", "nothing"], ["output"]),
    ]
    constants = [numpy_helper.from_array(output, "answer"), numpy_helper.from_array(np.float32(0), "zero")]
    return _write(path, nodes, constants, entering, output.shape, metadata or {})


def write_mean_model(path: Path, *, entering) -> Path:
    """A classifier whose three outputs are the means of the three channels that it was given."""
    axes = [2, 3] if entering[1] == 3 else [1, 2]
    nodes = [helper.make_node("ReduceMean", ["picture"], ["output"], axes=axes, keepdims=0)]
    return _write(path, nodes, [], entering, (1, 3), {})


def _write(path, nodes, constants, entering, leaving, metadata) -> Path:
    graph = helper.make_graph(
        nodes,
        path.stem,
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, entering)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, leaving)],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, metadata)
    onnx.save(model, path)
    return path


def yolox_heads(*cells, side: int = 64, classes: int = 2, empty: float = 0) -> np.ndarray:
    """Heads for an input of `side` pixels: (row, x, y, log width, log height, objectness, classes...) in some cells."""
    rows = sum((side // stride) ** 2 for stride in (8, 16, 32))
    heads = np.full((1, rows, 5 + classes), empty, np.float32)
    for row, *numbers in cells:
        heads[0, row] = numbers
    return heads
