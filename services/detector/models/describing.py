"""What a model is, in words for the person who brings it."""

from services.detector.models.model import NEEDS_SUPPRESSION, Family, ModelFiles, Pixels, Resize

_FAMILIES: dict[Family, str] = {
    "darknet": "YOLO layers of Darknet",
    "yolox": "YOLOX with raw heads",
    "yolov5": "YOLOv5 or v7, boxes with objectness",
    "yolov8": "YOLOv8, v9, 11 or 12, boxes without objectness",
    "end-to-end": "YOLOv10, 26 or an export with nms=True, boxes that the graph has chosen",
    "rt-detr": "RT-DETR, boxes that need no suppression",
    "classifier": "classifier, one score per class",
}

_RESIZES: dict[Resize, str] = {
    "stretch": "the picture is stretched to that",
    "corner": "the picture keeps its proportions, at the top left, with gray beside it",
    "letterbox": "the picture keeps its proportions, in the middle, with gray around it",
    "crop": "the middle of the picture, the rest is cut off",
}

_SHOWN_CLASSES = 10


def described(files: ModelFiles) -> dict[str, str]:
    """What a model is, how it is fed and what it answers, a line each."""
    model = files.model
    return {
        "model": f"{model.name}, {model.voter} among the voters",
        "family": f"{model.family}: {_FAMILIES[model.family]}",
        "input": f"{model.input_width} x {model.input_height}: {_RESIZES[files.resize]}",
        "pixels": _pixels(files.pixels),
        "classes": _classes(model.classes),
        "answers": _answers(model.family),
    }


def _pixels(pixels: Pixels) -> str:
    return f"{pixels.order.upper()}, (byte - {_number(pixels.offset)}) / {_number(pixels.divisor)}"


def _number(value: float | tuple[float, float, float]) -> str:
    return f"({', '.join(f'{one:g}' for one in value)})" if isinstance(value, tuple) else f"{value:g}"


def _classes(classes: tuple[str, ...]) -> str:
    shown = "; ".join(name if name.isprintable() else ascii(name) for name in classes[:_SHOWN_CLASSES])
    return f"{len(classes):,}: {shown}{'; ...' if len(classes) > _SHOWN_CLASSES else ''}"


def _answers(family: Family) -> str:
    if family == "classifier":
        return "the best five classes, each with its confidence and a rectangle around the whole picture"
    suppressed = "overlapping ones suppressed here by `nms`" if family in NEEDS_SUPPRESSION else "`nms` changes nothing"
    return f"a class, a confidence and a rectangle for each object, {suppressed}"
