"""Several operations in a row: what comes out of them, and where it came from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from services.worker.operations import Made, made
from shared.errors import Invalid
from shared.pipelines import MAX_DERIVED, MAX_DERIVED_PIXELS, Operation, Origin
from shared.pipelines.arguments import argument_of
from shared.pipelines.expansion import then

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Derived:
    """A picture that came out of operations, and where it comes from."""

    pixels: Pixels
    origin: Origin


def derived(start: Derived, operations: Sequence[Operation], *, step: int) -> Iterator[Derived]:
    """What comes out of a picture by these operations in order, of which the first is number `step` of its pipeline:
    of all pictures on the way only those are held of which something is still to come.

    Raises Invalid where an operation cannot be done on a picture, or as soon as more comes out than a pipeline may make
    of one image.
    """
    coming = _derived(start, operations, step)
    del start
    count, size = 0, 0
    for one in coming:  # not by `enumerate`, which holds the last one while the next is made
        count, size = count + 1, size + one.pixels.shape[0] * one.pixels.shape[1]
        if count > MAX_DERIVED or size > MAX_DERIVED_PIXELS:
            raise Invalid(
                f"a pipeline may make {MAX_DERIVED:,} pictures of one image, with {MAX_DERIVED_PIXELS:,} pixels in all"
            )
        yield one
        del one


def _derived(start: Derived, operations: Sequence[Operation], step: int) -> Iterator[Derived]:
    while operations:
        pieces = _next(start, operations[0], step)
        operations, step = operations[1:], step + 1
        if len(pieces) != 1:
            break
        start = pieces.pop()
    else:
        yield start
        return
    del start
    while pieces:
        yield from _derived(pieces.pop(0), operations, step)


def _next(start: Derived, operation: Operation, step: int) -> list[Derived]:
    """What one operation makes."""
    origin = start.origin
    pictures = _made(operation, start.pixels)
    paths = [
        (*origin.path, (step, position)) if len(pictures) > 1 else origin.path for position in range(len(pictures))
    ]
    return [
        Derived(pixels=one.pixels, origin=replace(origin, path=path, affine=then(origin.affine, one.affine)))
        for path, one in zip(paths, pictures, strict=True)
    ]


def _made(operation: Operation, pixels: Pixels) -> list[Made]:
    """What OpenCV cannot do now it could not do another time. Raises MemoryError, and Invalid."""
    try:
        return made(argument_of(operation), pixels)
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise MemoryError from error
        raise Invalid(f"{operation.name} cannot be done on {pixels.shape[1]} x {pixels.shape[0]} pixels") from error
