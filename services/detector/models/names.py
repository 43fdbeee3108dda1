"""The names of a model's classes, from the file beside it."""

from pathlib import Path

from services.detector.models.coco import COCO_CLASSES
from services.detector.models.model import ModelUnusable


def read_classes(names: Path, *, model: Path, count: int | None) -> tuple[str, ...]:
    """The names in a file, one per line. count: how many classes the model has; None where it does not say.

    Raises ModelUnusable where the file is missing, empty, or has another number of names.
    """
    fix = f"write the {'' if count is None else f'{count} '}class names of {model.name} into it, one per line"
    if not names.exists() and count == len(COCO_CLASSES):
        return COCO_CLASSES
    classes = tuple(line.strip() for line in read_lines(names, fix=fix) if line.strip())
    if not classes or len(classes) != (count or len(classes)):
        has = "some" if count is None else f"{count} classes"
        raise ModelUnusable(f"{names} has {len(classes)} class names where {model.name} has {has}: {fix}")
    return classes


def read_lines(path: Path, *, fix: str) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ModelUnusable(f"{path} is not UTF-8 text: {fix}") from error
    except OSError as error:
        raise ModelUnusable(f"{path} cannot be read ({error.strerror}): {fix}") from error
