"""From a Darknet model to one ONNX model: the same layers, and what its YOLO layers mean as metadata."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from services.detector.models.cfg import Layer, Section, place_layers, read_sections
from services.detector.models.darknet import header_bytes
from services.detector.models.model import ModelFiles, ModelUnusable
from services.detector.models.onnx_model import METADATA_KEY

if TYPE_CHECKING:
    import onnx

_OPSET = 13
_IR_VERSION = 8
"""Old enough for every ONNX Runtime that can be installed here."""

_EPSILON = 1e-6
"""What OpenCV adds to a variance before it takes the root (Darknet itself adds as much to the root)."""

_DEFAULTS = {"dilation": "1", "antialiasing": "0", "scale": "1", "assisted_excitation": "0", "weights_type": "none"}
"""Options that change what a layer computes, and the only value of each that is converted."""


def convert(files: ModelFiles) -> bytes:
    """The ONNX model, as the bytes of its file. Needs the package `onnx`.

    Its outputs are what enters each YOLO layer. Batch normalization is folded into the convolutions.
    Raises ModelUnusable for layers or options that cannot be converted.
    """
    if files.cfg is None:
        raise ModelUnusable(f"{files.weights} is no Darknet model: name a .cfg that has its .weights beside it")
    try:
        import onnx  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise ModelUnusable("converting needs the package onnx: pip install 'quorate[convert]'") from error
    network, *sections = read_sections(files.cfg)
    try:
        graph = _Graph(_read_weights(files.weights))
        heads = [head for layer in place_layers(network, sections) if (head := graph.add(layer)) is not None]
    except (KeyError, ValueError) as error:
        raise ModelUnusable(f"{files.cfg} cannot be converted: {error}") from error
    size = [1, network.integer("channels", 3), files.model.input_height, files.model.input_width]
    model = onnx.helper.make_model(
        graph.finish(files.model.name, size),
        opset_imports=[onnx.helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="quorate",
    )
    onnx.helper.set_model_props(
        model, {METADATA_KEY: json.dumps({"classes": files.model.classes, "heads": heads}, ensure_ascii=False)}
    )
    onnx.checker.check_model(model)
    return model.SerializeToString()


def _read_weights(path: Path) -> NDArray[np.float32]:
    data = path.read_bytes()
    return np.frombuffer(data, "<f4", offset=header_bytes(data[:8]))


def _head(section: Section) -> dict[str, object]:
    """What a YOLO layer makes of its numbers: the anchors that it uses, in pixels of the input."""
    pairs = np.array(section.integers("anchors")).reshape(-1, 2).tolist()
    return {
        "anchors": [pairs[i] for i in (section.integers("mask") if "mask" in section.options else range(len(pairs)))],
        "scale_x_y": section.number("scale_x_y", 1),
        "new_coords": section.integer("new_coords", 0) != 0,
    }


class _Graph:
    """An ONNX graph that grows layer by layer, and the weights that are left for the layers to come."""

    def __init__(self, weights: NDArray[np.float32]) -> None:
        self._weights = weights
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: list[onnx.TensorProto] = []
        self._leaving: list[str] = []  # the tensor that leaves each layer
        self._outputs: list[str] = []

    def add(self, layer: Layer) -> dict[str, object] | None:
        """Add a layer. A YOLO layer adds nothing but an output, and says what that means."""
        section = layer.section
        for option, only in _DEFAULTS.items():
            if section.kind != "dropout" and section.options.get(option, only) not in {only, f"{only}."}:
                raise ValueError(f"[{section.kind}] has {option}={section.options[option]}")
        entering = [self._leaving[source] if source >= 0 else "picture" for source in layer.sources]
        match section.kind:
            case "convolutional":
                leaving = self._convolutional(layer, entering[0])
            case "maxpool":
                leaving = self._maxpool(section, entering[0])
            case "route":
                leaving = self._route(layer, entering)
            case "shortcut":
                leaving = self._shortcut(layer, entering)
            case "upsample":
                leaving = self._upsample(section, entering[0])
            case "dropout" | "yolo":
                leaving = entering[0]
            case kind:
                raise ValueError(f"[{kind}] layers are not converted")
        self._leaving.append(leaving)
        if section.kind != "yolo":
            return None
        self._outputs.append(leaving)
        return _head(section)

    def finish(self, name: str, size: Sequence[int]) -> "onnx.GraphProto":
        import onnx  # noqa: PLC0415

        number = onnx.TensorProto.FLOAT
        return onnx.helper.make_graph(
            self._nodes,
            name,
            [onnx.helper.make_tensor_value_info("picture", number, size)],
            [onnx.helper.make_tensor_value_info(output, number, [1, None, None, None]) for output in self._outputs],
            self._initializers,
        )

    def _convolutional(self, layer: Layer, entering: str) -> str:
        section = layer.section
        size, groups, stride = section.integer("size", 1), section.integer("groups", 1), section.integer("stride", 1)
        kernel, bias = self._folded(layer, (layer.channels, layer.channels_in[0] // groups, size, size))
        padding = size // 2 if section.integer("pad", 0) else section.integer("padding", 0)
        leaving = self._node(
            "Conv",
            [entering, self._constant(kernel), self._constant(bias)],
            kernel_shape=[size, size],
            strides=[stride, stride],
            pads=[padding] * 4,
            group=groups,
        )
        return self._activation(section.options.get("activation", "logistic"), leaving)

    def _folded(self, layer: Layer, shape: tuple[int, ...]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The kernel and the bias, in the order in which Darknet saves them (`save_convolutional_weights`)."""
        filters = layer.channels
        bias = self._take(filters)
        if not layer.section.integer("batch_normalize", 0):
            return self._take(*shape), bias
        scale, mean, variance = (self._take(filters).astype(np.float64) for _ in range(3))
        factor = scale / np.sqrt(variance + _EPSILON)
        kernel = self._take(*shape) * factor.reshape(-1, 1, 1, 1)
        return kernel.astype(np.float32), (bias - mean * factor).astype(np.float32)

    def _take(self, *shape: int) -> NDArray[np.float32]:
        count = int(np.prod(shape))
        taken, self._weights = self._weights[:count], self._weights[count:]
        return taken.reshape(shape)

    def _maxpool(self, section: Section, entering: str) -> str:
        """As Darknet pads: by `padding` in all, the smaller half before (`make_maxpool_layer`)."""
        stride = section.integer("stride", 1)
        size = section.integer("size", stride)
        padding = section.integer("padding", size - 1)
        before, after = padding // 2, padding - padding // 2
        return self._node(
            "MaxPool",
            [entering],
            kernel_shape=[size, size],
            strides=[stride, stride],
            pads=[before, before, after, after],
        )

    def _route(self, layer: Layer, entering: list[str]) -> str:
        groups, group = layer.section.integer("groups", 1), layer.section.integer("group_id", 0)
        if groups > 1:
            entering = [
                self._channels(source, channels // groups * group, channels // groups * (group + 1))
                for source, channels in zip(entering, layer.channels_in, strict=True)
            ]
        return self._node("Concat", entering, axis=1) if len(entering) > 1 else entering[0]

    def _channels(self, entering: str, start: int, end: int) -> str:
        bounds = [self._constant(np.array([number], np.int64)) for number in (start, end, 1)]
        return self._node("Slice", [entering, *bounds])

    def _shortcut(self, layer: Layer, entering: list[str]) -> str:
        if len(set(layer.channels_in)) > 1:
            raise ValueError("[shortcut] adds layers of different channels")
        total = entering[0]
        for other in entering[1:]:
            total = self._node("Add", [total, other])
        return self._activation(layer.section.options.get("activation", "linear"), total)

    def _upsample(self, section: Section, entering: str) -> str:
        stride = section.integer("stride", 2)
        scales = self._constant(np.array([1, 1, stride, stride], np.float32))
        return self._node(
            "Resize",
            [entering, "", scales],
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )

    def _activation(self, name: str, entering: str) -> str:
        match name:
            case "linear":
                return entering
            case "leaky":
                return self._node("LeakyRelu", [entering], alpha=0.1)
            case "relu":
                return self._node("Relu", [entering])
            case "logistic":
                return self._node("Sigmoid", [entering])
            case "swish":
                return self._node("Mul", [entering, self._node("Sigmoid", [entering])])
            case "mish":
                return self._node("Mul", [entering, self._node("Tanh", [self._node("Softplus", [entering])])])
            case _:
                raise ValueError(f"the activation {name} is not converted")

    def _node(self, operation: str, entering: list[str], **attributes: Any) -> str:
        import onnx  # noqa: PLC0415

        leaving = f"t{len(self._nodes)}"
        self._nodes.append(onnx.helper.make_node(operation, entering, [leaving], **attributes))
        return leaving

    def _constant(self, values: NDArray[np.generic]) -> str:
        import onnx  # noqa: PLC0415

        name = f"c{len(self._initializers)}"
        self._initializers.append(onnx.numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name
