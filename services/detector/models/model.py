"""What a model is, and which files it is made of."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from shared.errors import QuorateError
from shared.results import DETECTOR

Family = Literal["darknet", "yolox", "yolov5", "yolov8", "end-to-end", "rt-detr", "classifier"]
"""What a model's outputs mean.

darknet: anchors of YOLO layers. yolox: anchor-free heads of YOLOX, not decoded yet.
yolov5: boxes with an objectness beside their classes (YOLOv5, v7). yolov8: boxes without one (v8, v9, 11, 12, v5u).
end-to-end: boxes that the graph itself has chosen (v10, 26, and exports with `nms=True`).
rt-detr: boxes of a transformer, relative to the picture, that need no suppression. classifier: one score per class.
"""

NEEDS_SUPPRESSION: frozenset[Family] = frozenset({"darknet", "yolox", "yolov5", "yolov8"})
"""Families that answer with many boxes of one object."""

Resize = Literal["stretch", "corner", "letterbox", "crop"]
"""How a picture is brought to a model's size.

stretch: without regard to its proportions. corner: proportions kept, at the top left, gray beside it.
letterbox: proportions kept, in the middle, gray around it. crop: its middle, as large as the size's proportions allow.
"""


class ModelUnusable(QuorateError):
    """A model that cannot be used as it is; the text names the file at fault and says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What a model is called and what it answers.

    sha256: of the file that holds the weights (`.weights` or `.onnx`), in hex; of an `.onnx` whose weights lie in
        other files, the hash of all their hashes.
    classes: the names that detections carry, in the order of the model's outputs.
    input_width, input_height: the size in pixels that pictures are brought to.
    """

    name: str
    sha256: str
    classes: tuple[str, ...]
    input_width: int
    input_height: int
    family: Family = "darknet"

    @property
    def voter(self) -> str:
        """The model's name among the voters."""
        return f"{DETECTOR}{self.name}@{self.sha256[:12]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pixels:
    """How a model expects a pixel: its channels in `order`, each as (byte - offset) / divisor.

    offset, divisor: of all channels, or one for each in that order.
    """

    order: Literal["bgr", "rgb"]
    offset: float | tuple[float, float, float]
    divisor: float | tuple[float, float, float]


_BYTES_TO_ONE = Pixels(order="rgb", offset=0, divisor=255)


FAMILY_PIXELS: dict[Family, Pixels] = {
    "darknet": _BYTES_TO_ONE,
    "yolox": Pixels(order="bgr", offset=0, divisor=1),
    "yolov5": _BYTES_TO_ONE,
    "yolov8": _BYTES_TO_ONE,
    "end-to-end": _BYTES_TO_ONE,
    "rt-detr": _BYTES_TO_ONE,
    "classifier": Pixels(order="rgb", offset=127.5, divisor=127.5),
}
"""How the models of a family expect pixels, unless the registry or the file says otherwise."""

FAMILY_RESIZE: dict[Family, Resize] = {
    "darknet": "stretch",
    "yolox": "corner",
    "yolov5": "letterbox",
    "yolov8": "letterbox",
    "end-to-end": "letterbox",
    "rt-detr": "stretch",
    "classifier": "stretch",
}
"""How the models of a family expect pictures, unless the registry or the file says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFiles:
    """A model and where its files lie, checked to belong together.

    weights: the `.weights` of a Darknet model, or an `.onnx`, which is all of a model.
    cfg: the `.cfg` that goes with `.weights`; None for an `.onnx`.
    pixels, resize: how pictures are made ready for it.
    """

    model: Model
    weights: Path
    cfg: Path | None = None
    pixels: Pixels = FAMILY_PIXELS["darknet"]
    resize: Resize = FAMILY_RESIZE["darknet"]
