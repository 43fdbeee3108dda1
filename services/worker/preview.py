"""What a pipeline makes of a sample, step by step, before anybody sends a task's images."""

import base64
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from services.worker.operations import made
from services.worker.threads import PictureThreads
from shared.errors import Invalid, Unavailable
from shared.pictures import DecodingBudget, PictureLimits, decode_bgr
from shared.pipelines import MAX_DERIVED, Operation
from shared.pipelines.arguments import Argument, Hide, argument_of
from shared.pipelines.expansion import pieces_of
from shared.shares import Holder, Shares

SHOWN = 16
"""Pictures of a step that are shown, and on which the next step is done; the others are only counted."""
SHOWN_SIDE = 320
SHOWN_QUALITY = 85
MAX_WORKED_PIXELS = 60_000_000
"""Pixels that all steps of a preview work on: a few seconds of the slowest operation."""
MAX_WAITING = 16
NOT_HIDDEN = "a preview hides nothing: a detector does, once images come"
TOO_MUCH = "this takes too long for a preview: try a smaller sample; images that are sent are worked on all the same"

Pixels = NDArray[np.uint8]
Sizes = Counter[tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A picture that a step made: its size in pixels, and a small copy of it as JPEG in base64."""

    width: int
    height: int
    data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a step made: how many pictures, the first of them, and why it cannot be done or shown."""

    count: int
    images: tuple[Shown, ...] = ()
    error: str | None = None


class Previews:
    """Makes previews in a thread of their own, one at a time; of the places to wait each caller has a share."""

    def __init__(self, threads: PictureThreads, limits: PictureLimits, budget: DecodingBudget) -> None:
        self._threads = threads
        self._limits = limits
        self._budget = budget
        self._places = Shares(MAX_WAITING)

    @property
    def is_busy(self) -> bool:
        """Whether one is made, or waits."""
        return self._places.held > 0

    async def preview(self, data: bytes, operations: Sequence[Operation], holder: Holder) -> list[Step]:
        """The steps of a picture up to the first that cannot be done. Raises Unavailable where as many wait as may, and
        what `decode_bgr` raises."""
        refusal = Unavailable("too many previews are being made", retry_after_s=2)
        with self._places.place(holder, refusal):
            return await self._threads.run(partial(preview, data, operations, self._limits, self._budget))


def preview(data: bytes, operations: Sequence[Operation], limits: PictureLimits, budget: DecodingBudget) -> list[Step]:
    """The steps of a picture up to the first that cannot be done. Raises what `decode_bgr` raises."""
    pixels = decode_bgr(data, limits, budget)
    trial = _Trial([pixels])
    del pixels
    return list(trial.steps(operations))


class _Trial:
    """The first pictures of the step at hand, and the sizes of all of them."""

    def __init__(self, pictures: list[Pixels]) -> None:
        self._pictures = pictures
        self._sizes: Sizes = Counter(map(_size, pictures))
        self._worked = 0

    def steps(self, operations: Sequence[Operation]) -> Iterator[Step]:
        for operation in operations:
            argument = argument_of(operation)
            try:
                self._sizes = _made_sizes(argument, self._sizes)
                if not isinstance(argument, Hide):
                    self._pictures = list(islice(self._made(argument), SHOWN))
            except (Invalid, cv2.error, MemoryError) as error:
                why = error.detail if isinstance(error, Invalid) else f"{operation.name} cannot be done on the picture"
                yield Step(count=0, error=why)
                return
            error = NOT_HIDDEN if isinstance(argument, Hide) else None
            yield Step(count=self._sizes.total(), images=tuple(map(_shown, self._pictures)), error=error)

    def _made(self, argument: Argument) -> Iterator[Pixels]:
        for pixels in self._pictures:
            pieces = [one.pixels for one in made(argument, pixels)[:SHOWN]]
            self._worked += max(pixels.size, sum(one.size for one in pieces)) // 3
            if self._worked > MAX_WORKED_PIXELS:
                raise Invalid(TOO_MUCH)
            yield from pieces


def _made_sizes(argument: Argument, sizes: Sizes) -> Sizes:
    """How many pictures of which size an operation makes of all these. Raises Invalid for too many."""
    found: Sizes = Counter()
    for size, count in sizes.items():
        for piece in pieces_of(argument, *size):
            found[piece.width, piece.height] += count
    if found.total() > MAX_DERIVED:
        raise Invalid(f"it would make more than {MAX_DERIVED:,} pictures of the image")
    return found


def _size(pixels: Pixels) -> tuple[int, int]:
    return pixels.shape[1], pixels.shape[0]


def _shown(pixels: Pixels) -> Shown:
    width, height = _size(pixels)
    scale = min(1.0, SHOWN_SIDE / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, SHOWN_QUALITY])
    return Shown(width=width, height=height, data=base64.b64encode(cast("NDArray[Any]", data).tobytes()).decode())
