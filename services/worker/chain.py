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
    of all pictures on the way only those that led to the present one are held.

    Raises Invalid where an operation cannot be done on a picture, or as soon as more comes out than a pipeline may make
    of one image.
    """
    size = 0
    for count, one in enumerate(_derived(start, operations, step), 1):
        size += one.pixels.shape[0] * one.pixels.shape[1]
        if count > MAX_DERIVED or size > MAX_DERIVED_PIXELS:
            raise Invalid(
                f"a pipeline may make {MAX_DERIVED:,} pictures of one image, with {MAX_DERIVED_PIXELS:,} pixels in all"
            )
        yield one


def _derived(start: Derived, operations: Sequence[Operation], step: int) -> Iterator[Derived]:
    if not operations:
        yield start
        return
    for one in _next(start, operations[0], step):
        yield from _derived(one, operations[1:], step + 1)


def _next(start: Derived, operation: Operation, step: int) -> Iterator[Derived]:
    """What one operation makes."""
    origin = start.origin
    pictures = _made(operation, start.pixels)
    for position, one in enumerate(pictures):
        path = (*origin.path, (step, position)) if len(pictures) > 1 else origin.path
        affine = then(origin.affine, one.affine)
        yield Derived(pixels=one.pixels, origin=replace(origin, path=path, affine=affine))


def _made(operation: Operation, pixels: Pixels) -> list[Made]:
    """What OpenCV cannot do now it could not do another time; nor would memory suffice then."""
    size = f"{pixels.shape[1]} x {pixels.shape[0]} pixels"
    try:
        return made(argument_of(operation), pixels)
    except cv2.error as error:
        raise Invalid(f"{operation.name} cannot be done on {size}") from error
    except MemoryError as error:
        raise Invalid(f"{operation.name} takes more memory on {size} than a worker has") from error
