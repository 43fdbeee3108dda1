"""What a model is, and which files it is made of."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from shared.errors import QuorateError
from shared.results import DETECTOR

Family = Literal["darknet", "yolox", "classifier"]
"""What a model's outputs mean: anchors of YOLO layers, anchor-free heads of YOLOX, or one score per class."""


class ModelUnusable(QuorateError):
    """A model that cannot be used as it is; the text names the file at fault and says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What a model is called and what it answers.

    sha256: of the file that holds the weights (`.weights` or `.onnx`), in hex.
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
    """How a model expects a pixel: its channels in `order`, each as (byte - offset) / divisor."""

    order: Literal["bgr", "rgb"]
    offset: float
    divisor: float


FAMILY_PIXELS: dict[Family, Pixels] = {
    "darknet": Pixels(order="rgb", offset=0, divisor=255),
    "yolox": Pixels(order="bgr", offset=0, divisor=1),
    "classifier": Pixels(order="rgb", offset=127.5, divisor=127.5),
}
"""How the models of a family expect pixels, unless the registry says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFiles:
    """A model and where its files lie, checked to belong together.

    weights: the `.weights` of a Darknet model, or an `.onnx`, which is all of a model.
    cfg: the `.cfg` that goes with `.weights`; None for an `.onnx`.
    """

    model: Model
    weights: Path
    cfg: Path | None = None
    pixels: Pixels = FAMILY_PIXELS["darknet"]
