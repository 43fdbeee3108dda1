"""Models as data: what a model is, where its files lie, and which public ones there are. Loads no inference library."""

from services.detector.models.coco import COCO_CLASSES
from services.detector.models.darknet import find_model
from services.detector.models.model import (
    FAMILY_PIXELS,
    FAMILY_RESIZE,
    NEEDS_SUPPRESSION,
    Family,
    Model,
    ModelFiles,
    ModelUnusable,
    Pixels,
    Resize,
)
from services.detector.models.resolving import resolve

__all__ = [
    "COCO_CLASSES",
    "FAMILY_PIXELS",
    "FAMILY_RESIZE",
    "NEEDS_SUPPRESSION",
    "Family",
    "Model",
    "ModelFiles",
    "ModelUnusable",
    "Pixels",
    "Resize",
    "find_model",
    "resolve",
]
