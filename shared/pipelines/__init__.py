"""Pipelines: what is done to pictures before people label them, as data that services exchange.

A picture goes through its task's operations in order. Several neighbouring ones are done in one visit to a worker where
that worker does them all.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

OperationName = Literal["resize", "fit", "split", "tile", "crop", "rotate", "grayscale", "blur", "hide"]
Output = Literal["jpg", "png"]
Path = tuple[tuple[int, int], ...]
"""How a picture came out of its original: for each operation that made several pictures of one, its place in the
pipeline, from 0 on, and the picture's among those that it made, from 0 on."""
Affine = tuple[float, float, float, float, float, float]
"""(a, b, tx, c, d, ty): the point (x, y) of a picture is (a x + b y + tx, c x + d y + ty) of its original. Points lie
on the edges of pixels: the right edge of a picture is its width. The operations turn and scale, but never shear."""

SAME: Affine = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
MAX_OPERATIONS = 10
MAX_DERIVED = 1_024
"""Pictures that a pipeline may make of one image."""
MAX_DERIVED_PIXELS = 100_000_000
"""Pixels of all pictures that a pipeline makes of one image."""
RAW = "raw"
"""The extension of a picture between two visits: not encoded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One step of a pipeline. argument: what its client gave: a text, a whole number, True, or an object."""

    name: OperationName
    argument: Any = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """What is done to each image of a task. `output`: how derived images are encoded; `quality`: of JPEG, 1 to 100."""

    operations: tuple[Operation, ...]
    output: Output = "png"
    quality: int = 95


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a derived image comes from.

    image_id: the uploaded image that it was made of. width, height: of that, in pixels.
    path: how it came out of it. affine: from the derived image to the uploaded one.
    """

    image_id: str
    width: int
    height: int
    path: Path = ()
    affine: Affine = SAME


def derived_id(image_id: str, path: Path) -> str:
    """The id of an image that was made of an uploaded one: the same however often it is made, and by whom.

    It never depends on the derived bytes: four blank quarters are four images, and some operations differ in the last
    bit between processors.
    """
    places = "/".join(f"{step},{position}" for step, position in path)
    return hashlib.sha256(f"derived\n{image_id}\n{places}".encode()).hexdigest()[:32]
