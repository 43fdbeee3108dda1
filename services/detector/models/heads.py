"""Tells from a model's inputs, outputs and metadata which family it is of and how pictures are made ready for it.

Which shapes there are: ultralytics/ultralytics, nn/modules/head.py (`Detect`, `v10Detect`, `RTDETRDecoder`) and
engine/exporter.py (`NMSModel`); ultralytics/yolov5, models/yolo.py; lyuwenyu/RT-DETR, tools/export_onnx.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.detector.models.exported import Exported
from services.detector.models.model import FAMILY_PIXELS, FAMILY_RESIZE, Family, ModelUnusable, Pixels, Resize
from services.detector.models.onnx_header import FLOATS, OnnxHeader, Tensor

YOLOX_STRIDES = (8, 16, 32)
"""Pixels of the input to a cell, for each of YOLOX's grids in the order of its rows."""

_STRIDES = ((8, 16, 32), (16, 32), (4, 8, 16, 32), (8, 16, 32, 64))
"""Those of YOLO: as a rule, v3-tiny's, and with one grid more for small objects (P2) or large ones (P6)."""

_ANCHORS = 3
"""Boxes to a cell of YOLOv5, unless it was trained with anchors of one's own."""

_BOX = 4
_BOX_AND_OBJECTNESS = 5
_RANKED = 6
"""Numbers of a box that the graph has chosen: its edges, a score and a class."""

_MAX_CHOSEN = 3_000
"""Boxes that a graph chooses at most, `max_det` of the exporter: 300 unless somebody says otherwise."""

_MAX_SIDE = 4_096
_SIZE_INPUT = "orig_target_sizes"
_LABELLED = {"labels", "boxes", "scores"}

_IMAGENET = Pixels(order="rgb", offset=(123.675, 116.28, 103.53), divisor=(58.395, 57.12, 57.375))
"""Mean and deviation of ImageNet, with which YOLOv5 (utils/augmentations.py) and torchvision train classifiers."""

WANTED = (
    "a detector or classifier that Ultralytics exported (YOLOv5, v8 to v12, 26, RT-DETR), an RT-DETR of its authors, "
    "a YOLOX with raw heads, a classifier, or a Darknet model that `quorate models convert` wrote"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a model's outputs mean. classes: how many; None where its outputs do not say."""

    family: Family
    classes: int | None
    pixels: Pixels
    resize: Resize


DARKNET = Head(family="darknet", classes=None, pixels=FAMILY_PIXELS["darknet"], resize=FAMILY_RESIZE["darknet"])
"""What `quorate models convert` writes."""


def input_size(header: OnnxHeader, exported: Exported, path: Path) -> tuple[int, int]:
    """Height and width of the pictures that a model takes; where it takes any, those that it was exported for.

    Raises ModelUnusable for a model that is given something else than one picture.
    """
    picture, *others = header.inputs or (Tensor(name="nothing", kind="nothing", shape=()),)
    if picture.kind not in FLOATS or [one.name for one in others] not in ([], [_SIZE_INPUT]):
        raise ModelUnusable(f"{path} takes {_listed(header.inputs)} ({picture.kind}), not one picture of floats")
    match picture.shape:
        case (batch, _, _, _) if batch > 1:
            raise ModelUnusable(f"{path} takes {batch} pictures at a time: export it with batch=1")
        case (_, 3, height, width) | (_, height, width, 3):
            told_height, told_width = exported.size or (0, 0)
            size = height or told_height, width or told_width
        case _:
            size = 0, 0
    if min(size) < 1 or max(size) > _MAX_SIDE:
        raise ModelUnusable(
            f"{path} takes no pictures of one fixed size (it takes {picture}, up to {_MAX_SIDE:,} pixels a side): "
            "export it with one"
        )
    return size


def tell_head(outputs: Sequence[Tensor], exported: Exported, path: Path, *, width: int, height: int) -> Head:
    """The family of a model with these outputs. Raises ModelUnusable, with what was seen, where none is known."""
    family, classes = _family(outputs, exported, width=width, height=height)
    if family is None:
        raise ModelUnusable(f"{path} is of no family that is known here. {_seen(outputs, exported)} Name {WANTED}.")
    is_classifier = family == "classifier"
    pixels, resize = _fed_to_classifier(exported) if is_classifier else (FAMILY_PIXELS[family], FAMILY_RESIZE[family])
    if exported.names and classes not in {None, len(exported.names)}:
        raise ModelUnusable(f"{path} names {len(exported.names)} classes and has {classes}: export it again")
    return Head(family=family, classes=classes, pixels=pixels, resize=resize)


def _family(
    outputs: Sequence[Tensor], exported: Exported, *, width: int, height: int
) -> tuple[Family | None, int | None]:
    """The family and how many classes it has, as far as the outputs say that."""
    unknown = None, None
    match [output.shape for output in outputs]:
        case [(_, classes)] if classes > 0 and exported.task in {None, "classify"}:
            return "classifier", classes
        case _ if exported.task not in {None, "detect"}:
            return unknown
        case [_, _, _] if {output.name for output in outputs} == _LABELLED:
            return "rt-detr", len(exported.names) or None
        case [(_, rows, numbers), *others] if all(len(shape) == 5 for shape in others):  # noqa: PLR2004 - YOLOv5 once gave its raw maps behind its boxes
            return _detector(rows, numbers, exported, cells=_cells(width, height)) or unknown
        case _:
            return unknown


def _fed_to_classifier(exported: Exported) -> tuple[Pixels, Resize]:
    """Ultralytics feeds classifiers as detectors, YOLOv5 as ImageNet's; of others nothing is known."""
    if exported.task == "classify":
        return FAMILY_PIXELS["yolov8"], "crop"
    if exported.names:
        return _IMAGENET, "crop"
    return FAMILY_PIXELS["classifier"], FAMILY_RESIZE["classifier"]


def _detector(rows: int, numbers: int, exported: Exported, *, cells: Sequence[int]) -> tuple[Family, int | None] | None:
    names = len(exported.names)
    if exported.is_transformer:
        return "rt-detr", names or (None if numbers == _RANKED else numbers - _BOX)
    return _named_detector(rows, numbers, names, cells) if names else _nameless_detector(rows, numbers, cells)


def _named_detector(rows: int, numbers: int, names: int, cells: Sequence[int]) -> tuple[Family, int] | None:
    """The number of classes tells most heads apart; where it does not, the number of boxes does."""
    has_objectness = numbers == names + _BOX_AND_OBJECTNESS
    if rows == names + _BOX and (numbers in cells or numbers > _RANKED):
        return "yolov8", names
    if has_objectness and rows == cells[0]:
        return "yolox", names
    if has_objectness and _has_anchors(rows, numbers, cells):
        return "yolov5", names
    if numbers == _RANKED and rows <= _MAX_CHOSEN:
        return "end-to-end", names
    if numbers == names + _BOX and rows <= _MAX_CHOSEN:
        return "rt-detr", names
    return None


def _has_anchors(rows: int, numbers: int, cells: Sequence[int]) -> bool:
    """Whether there are equally many boxes for each cell; where they may as well be chosen ones, which have six
    numbers too, the usual anchors for each."""
    if numbers == _RANKED and rows <= _MAX_CHOSEN:
        return rows in {_ANCHORS * count for count in cells}
    return any(count and rows % count == 0 for count in cells)


def _nameless_detector(rows: int, numbers: int, cells: Sequence[int]) -> tuple[Family, int | None] | None:
    if rows == cells[0] and numbers > _BOX_AND_OBJECTNESS:
        return "yolox", numbers - _BOX_AND_OBJECTNESS
    if rows in {_ANCHORS * count for count in cells} and numbers > _BOX_AND_OBJECTNESS:
        return "yolov5", numbers - _BOX_AND_OBJECTNESS
    if numbers in cells and rows > _BOX:
        return "yolov8", rows - _BOX
    if numbers == _RANKED and rows <= _MAX_CHOSEN:
        return "end-to-end", None
    return None


def _cells(width: int, height: int) -> list[int]:
    """How many cells the grids of a YOLO have together, for each set of strides; YOLOX's is the first."""
    return [sum((width // stride) * (height // stride) for stride in strides) for strides in _STRIDES]


def _seen(outputs: Sequence[Tensor], exported: Exported) -> str:
    task = f" for the task {exported.task}" if exported.task else ""
    names = f" and names {len(exported.names)} classes" if exported.names else ""
    return f"It answers {_listed(outputs)}{task}{names}."


def _listed(tensors: Sequence[Tensor]) -> str:
    return ", ".join(map(str, tensors)) or "nothing"
