"""What an export is asked for, and what no export can be. Pure."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from services.task_manager.domain import Image, ShownState, Task
from services.task_manager.order import Complete
from shared.errors import Invalid
from shared.export_formats import ExportFormat

EXPORT_VERSION = 1
ROWS: frozenset[ExportFormat] = frozenset({"jsonl", "csv"})
"""Formats with a line for each image, whatever its state."""
WITHOUT_IMAGES: frozenset[ExportFormat] = ROWS
ALWAYS_WITH_IMAGES: frozenset[ExportFormat] = frozenset({"imagefolder"})
SPLIT: frozenset[ExportFormat] = frozenset({"yolo", "imagefolder"})
COMPRESSED: frozenset[ExportFormat] = frozenset({"parquet"})
"""Formats that compress pictures: how many bytes they take is not known before all are read."""
OF_BOXES: frozenset[ExportFormat] = frozenset({"coco", "yolo"})
NO_BOXES = "this task has no boxes, for its detector is off: take imagefolder or parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An export.

    images: whether the pictures are in it; None: as the format usually has it.
    state: of which images; None: rows of all, else those that are completed.
    split: the share of the images that is to train with.
    """

    form: ExportFormat
    order: Complete = "id"
    images: bool | None = None
    state: ShownState | None = None
    split: float = 1.0

    @property
    def has_images(self) -> bool:
        if self.images is None:
            return self.form in ALWAYS_WITH_IMAGES
        return self.images

    @property
    def can_resume(self) -> bool:
        """Whether a part of the file can be made for less than the whole of it."""
        return not (self.form in COMPRESSED and self.has_images)

    def takes(self, image: Image) -> bool:
        """Whether an image is in it."""
        if self.form not in ROWS and not image.object_key:
            return False  # nothing came out of the pipeline
        if self.state is not None:
            return image.state == self.state
        return image.state == "completed" or (self.form in ROWS and image.state != "derived")

    def part_of(self, image: Image) -> str:
        """`train` or `val`: drawn by the image's id, the same in every export."""
        draw = int.from_bytes(hashlib.sha256(b"split:" + image.id.encode()).digest()[:8]) / 2**64
        return "train" if draw < self.split else "val"


def refuse_impossible(wanted: Wanted, task: Task, *, here: Sequence[ExportFormat]) -> None:
    """Raises Invalid, pointing at the parameter. here: the formats that this installation can write."""
    form = wanted.form
    if form not in here:
        raise Invalid("parquet needs a library that is not installed here: quorate[parquet]", pointer="format")
    if form not in ROWS and not task.terms.labels:
        raise Invalid("this task has no labels: take jsonl or csv", pointer="format")
    if form in OF_BOXES and task.terms.detector.mode == "off":
        raise Invalid(NO_BOXES, pointer="format")
    if form not in ROWS and wanted.order != "id":
        raise Invalid(f"{form} has its images in the order of their ids", pointer="order")
    if form in WITHOUT_IMAGES and wanted.images:
        raise Invalid(f"{form} holds no pictures", pointer="images")
    if form in ALWAYS_WITH_IMAGES and wanted.images is False:
        raise Invalid(f"{form} is made of pictures", pointer="images")
    if form == "imagefolder" and wanted.state not in (None, "completed"):
        raise Invalid("only images that are completed have a label, and so a folder", pointer="state")
    if form not in SPLIT and wanted.split < 1:
        raise Invalid(f"{form} has one part", pointer="split")
