"""The formats in which files of labels are taken in."""

from typing import Literal

ImportFormat = Literal["csv", "jsonl", "coco", "yolo", "imagefolder"]
