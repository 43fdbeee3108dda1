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


def write_mean_model(path: Path, *, entering, metadata=None) -> Path:
    """A classifier whose three outputs are the means of the three channels that it was given."""
    axes = [2, 3] if entering[1] == 3 else [1, 2]
    nodes = [helper.make_node("ReduceMean", ["picture"], ["output"], axes=axes, keepdims=0)]
    return _write(path, nodes, [], entering, (1, 3), metadata or {})


def write_weights_beside(path: Path, location: str) -> Path:
    """A classifier of three classes whose answer is kept in the file `location`."""
    write_constant_model(path, [[0.2, 0.3, 0.5]], entering=(1, 3, 8, 8))
    model = onnx.load(path)
    [answer] = [one for one in model.graph.initializer if one.name == "answer"]
    answer.CopyFrom(TensorProto(name="answer", data_type=TensorProto.FLOAT, dims=[1, 3]))
    answer.data_location = TensorProto.EXTERNAL
    answer.external_data.add(key="location", value=location)
    path.write_bytes(model.SerializeToString())
    return path


def write_labelled_model(path: Path, *, labels, boxes, scores, side: int = 64) -> Path:
    """An RT-DETR as its authors export it: it is told the size of pictures, and scales its relative boxes to that."""
    answers = {"labels": np.int64([labels]), "relative": np.float32([boxes]), "scores": np.float32([scores])}
    nodes = [
        helper.make_node("Identity", ["labels_"], ["labels"]),
        helper.make_node("Identity", ["scores_"], ["scores"]),
        helper.make_node("Cast", ["orig_target_sizes"], ["size"], to=TensorProto.FLOAT),
        helper.make_node("Concat", ["size", "size"], ["sizes"], axis=1),
        helper.make_node("Mul", ["relative_", "sizes"], ["boxes"]),
    ]
    graph = helper.make_graph(
        nodes,
        path.stem,
        [
            helper.make_tensor_value_info("images", TensorProto.FLOAT, ("N", 3, side, side)),
            helper.make_tensor_value_info("orig_target_sizes", TensorProto.INT64, ("N", 2)),
        ],
        [
            helper.make_tensor_value_info("labels", TensorProto.INT64, None),
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, None),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, None),
        ],
        [numpy_helper.from_array(answer, f"{name}_") for name, answer in answers.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def write_random_head(path: Path, head, *, side: int = 64, metadata=None, is_open: bool = False) -> Path:
    """A model whose outputs depend on all of the picture: it is averaged in 8 x 8 places, and each output is the
    logistic of a random sum of these.

    head: makes of (boxes, scores), as 1 x boxes x 4 and 1 x boxes x classes between 0 and 1, the nodes that lead to
    `output`, with its constants.
    is_open: leave open how many pictures there are and how large they are, as `dynamic=True` does.
    """
    dice = np.random.default_rng(sum(path.name.encode()))
    boxes, classes, nodes, constants, leaving = head
    places = 3 * 8 * 8
    weights = {
        "box_weights": dice.normal(0, 0.4, (places, boxes * 4)),
        "score_weights": dice.normal(0, 0.6, (places, boxes * classes)),
        "score_bias": np.float32(-2),
        "half": np.float32(0.5),
        "box_shape": np.int64([-1, boxes, 4]),
        "score_shape": np.int64([-1, boxes, classes]),
    }
    shared = [
        helper.make_node("AveragePool", ["images"], ["pooled"], kernel_shape=[side // 8] * 2, strides=[side // 8] * 2),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Sub", ["flat", "half"], ["centred"]),
        helper.make_node("MatMul", ["centred", "box_weights"], ["box_sums"]),
        helper.make_node("Sigmoid", ["box_sums"], ["box_parts"]),
        helper.make_node("Reshape", ["box_parts", "box_shape"], ["boxes"]),
        helper.make_node("MatMul", ["centred", "score_weights"], ["score_sums"]),
        helper.make_node("Add", ["score_sums", "score_bias"], ["biased"]),
        helper.make_node("Sigmoid", ["biased"], ["score_parts"]),
        helper.make_node("Reshape", ["score_parts", "score_shape"], ["scores"]),
    ]
    graph = helper.make_graph(
        [*shared, *nodes],
        path.stem,
        [
            helper.make_tensor_value_info(
                "images", TensorProto.FLOAT, ["batch", 3, *(["height", "width"] if is_open else [side, side])]
            )
        ],
        [
            helper.make_tensor_value_info(
                "output0", TensorProto.FLOAT, ["batch", "boxes", "numbers"] if is_open else leaving
            )
        ],
        [
            numpy_helper.from_array(np.asarray(value, np.int64 if np.ndim(value) == 1 else np.float32), name)
            for name, value in (weights | constants).items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, {key: str(value) for key, value in (metadata or {}).items()})
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


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
