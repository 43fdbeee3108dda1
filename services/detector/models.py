"""Finding a model on disk and making sure that its files belong together, before anything is loaded."""

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path

from shared.errors import QuorateError

# fmt: off
COCO_CLASSES = (
    "person", "bicycle", "car", "motorbike", "aeroplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow", "elephant",
    "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard",
    "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange", "broccoli",
    "carrot", "hot dog", "pizza", "donut", "cake", "chair", "sofa", "pottedplant", "bed", "diningtable", "toilet",
    "tvmonitor", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven", "toaster", "sink",
    "refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
)
# fmt: on
"""COCO's 80 classes in Darknet's order and spelling."""

_WEIGHTLESS = {"shortcut", "maxpool", "avgpool", "upsample", "dropout", "sam", "softmax", "yolo", "region"}
"""Layers without weights of their own that keep the number of channels."""


class ModelUnusable(QuorateError):
    """A model that cannot be used as it lies there; the text names the file at fault and says how to mend it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What a model is called and what it answers.

    sha256: of the weights file, in hex.
    classes: the names that detections carry, in the order of the model's outputs.
    input_width, input_height: the size in pixels that pictures are stretched to.
    """

    name: str
    sha256: str
    classes: tuple[str, ...]
    input_width: int
    input_height: int

    @property
    def voter(self) -> str:
        """The model's name among the voters."""
        return f"detector:{self.name}@{self.sha256[:12]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFiles:
    """A model and where its files lie, checked to belong together."""

    model: Model
    cfg: Path
    weights: Path


def find_model(cfg: Path) -> ModelFiles:
    """Find the Darknet model whose layers `cfg` describes: its `.weights` lies beside it under the same stem.

    Class names come from a `.names` file beside it, one per line; without one, a model of 80 classes gets COCO's names.
    Raises ModelUnusable for a file that is missing, unreadable, cut short, or of another model.
    """
    if cfg.suffix != ".cfg":
        raise ModelUnusable(
            f"{cfg} is not a .cfg file: name the .cfg of a Darknet model that has its .weights beside it"
        )
    network, *layers = _sections(cfg)
    weights = cfg.with_suffix(".weights")
    try:
        model = Model(
            name=cfg.stem,
            sha256=_checked_sha256(weights, cfg=cfg, values=_count_weights(network, layers)),
            classes=_classes(cfg.with_suffix(".names"), cfg=cfg, count=_count_classes(layers)),
            input_width=network.integer("width"),
            input_height=network.integer("height"),
        )
    except (KeyError, ValueError, IndexError, ZeroDivisionError) as error:
        raise ModelUnusable(f"{cfg} is no Darknet model that can be read ({error}): fetch it again") from error
    return ModelFiles(model=model, cfg=cfg, weights=weights)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    """One `[kind]` of a cfg file and its `option=value` lines."""

    kind: str
    options: dict[str, str]

    def integer(self, option: str, default: int | None = None) -> int:
        if option not in self.options and default is None:
            raise ValueError(f"[{self.kind}] has no {option}")
        return int(self.options.get(option, default or 0))

    def integers(self, option: str) -> list[int]:
        if option not in self.options:
            raise ValueError(f"[{self.kind}] has no {option}")
        return [int(number) for number in self.options[option].split(",")]


def _sections(cfg: Path) -> list[_Section]:
    sections: list[_Section] = []
    for line in _lines(cfg, fix="name the .cfg of a Darknet model"):
        content = line.split("#")[0].split(";")[0].strip()
        if content.startswith("["):
            sections.append(_Section(kind=content.strip("[]").strip().lower(), options={}))
        elif "=" in content and sections:
            option, value = content.split("=", 1)
            sections[-1].options[option.strip()] = value.strip()
    if not sections or sections[0].kind not in {"net", "network"}:
        raise ModelUnusable(f"{cfg} is no Darknet cfg, which begins with [net]: fetch it again")
    return sections


def _count_weights(network: _Section, layers: list[_Section]) -> int:
    """How many numbers Darknet saves for these layers (`save_weights` in its parser.c), all in convolutions."""
    channels = [network.integer("channels", 3)]  # before the first layer and after each
    total = 0
    for index, layer in enumerate(layers):
        after, values = _layer(layer, channels, index)
        channels.append(after)
        total += values
    return total


def _layer(layer: _Section, channels: list[int], index: int) -> tuple[int, int]:
    """The channels that leave a layer and the numbers saved for it; `channels[i + 1]` are those that leave layer i."""

    def source(number: int) -> int:
        absolute = number + index if number < 0 else number
        if not 0 <= absolute < index:
            raise ValueError(f"[{layer.kind}] points at layer {number}, which does not come before it")
        return channels[absolute + 1]

    match layer.kind:
        case "convolutional":
            filters, size = layer.integer("filters", 1), layer.integer("size", 1)
            per_filter = 4 if layer.integer("batch_normalize", 0) else 1
            return filters, filters * (per_filter + channels[-1] // layer.integer("groups", 1) * size * size)
        case "route":
            return sum(map(source, layer.integers("layers"))) // layer.integer("groups", 1), 0
        case "scale_channels":
            return source(layer.integer("from")), 0
        case "reorg":
            return channels[-1] * layer.integer("stride", 1) ** 2, 0
        case kind if kind in _WEIGHTLESS:
            return channels[-1], 0
        case kind:
            raise ValueError(f"it has a [{kind}] layer, which is not supported")


def _count_classes(layers: list[_Section]) -> int:
    counts = {layer.integer("classes") for layer in layers if layer.kind in {"yolo", "region"}}
    if len(counts) != 1:
        raise ValueError("a detector has [yolo] or [region] layers, all with the same classes")
    return counts.pop()


def _checked_sha256(weights: Path, *, cfg: Path, values: int) -> str:
    """The hash of a weights file that is exactly as long as `cfg` asks for: OpenCV loads a shorter one as garbage."""
    try:
        with weights.open("rb") as file:
            actual = weights.stat().st_size
            expected = _header_bytes(file.read(8)) + 4 * values
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelUnusable(
            f"{weights} cannot be read ({error.strerror}): put the model's weights beside {cfg.name}"
        ) from error
    if actual != expected:
        raise ModelUnusable(
            f"{weights} has {actual} bytes where {cfg.name} asks for {expected}: "
            "it was cut short or belongs to another cfg, fetch both again"
        )
    return digest


def _header_bytes(start: bytes) -> int:
    """Three 32-bit integers (major, minor, revision) and the count of images seen: 64 bits wide from version 0.2 on."""
    if len(start) < struct.calcsize("<2i"):
        return 20
    return 20 if struct.unpack("<2i", start) >= (0, 2) else 16


def _classes(names: Path, *, cfg: Path, count: int) -> tuple[str, ...]:
    fix = f"write the {count} class names of {cfg.name} into it, one per line"
    if not names.exists() and count == len(COCO_CLASSES):
        return COCO_CLASSES
    classes = tuple(line.strip() for line in _lines(names, fix=fix) if line.strip())
    if len(classes) != count:
        raise ModelUnusable(f"{names} has {len(classes)} class names where {cfg.name} has {count} classes: {fix}")
    return classes


def _lines(path: Path, *, fix: str) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ModelUnusable(f"{path} is not UTF-8 text: {fix}") from error
    except OSError as error:
        raise ModelUnusable(f"{path} cannot be read ({error.strerror}): {fix}") from error
