"""Which pictures operations make of a picture: their sizes, and where they come from. Pure.

Sizes alone decide it, so it is known before anything runs. Workers cut by the same rules.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import ceil, prod

from shared.errors import Invalid
from shared.pipelines import MAX_DERIVED, MAX_DERIVED_PIXELS, SAME, Affine, Pipeline
from shared.pipelines.arguments import MAX_SIDE, Argument, Crop, Fit, Resize, Rotate, Split, Tile, argument_of

MAX_PIXELS = 25_000_000
"""Of each picture that an operation makes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A picture that an operation makes of another.

    width, height: in pixels. affine: from it to the other. left, top: where a part that is cut out begins, else 0.
    """

    width: int
    height: int
    affine: Affine = SAME
    left: int = 0
    top: int = 0


def pieces_of(argument: Argument, width: int, height: int) -> Sequence[Piece]:
    """What an operation makes of a picture of that size, in order. Raises Invalid where a crop lies outside, and where
    there would be more than `MAX_DERIVED` or one of more than `MAX_PIXELS`."""
    if _count(argument, width, height) > MAX_DERIVED:
        raise Invalid(f"it would make more than {MAX_DERIVED:,} pictures")
    pieces = list(_pieces(argument, width, height))
    if any(piece.width * piece.height > MAX_PIXELS for piece in pieces):
        raise Invalid(f"it would make a picture of more than {MAX_PIXELS // 1_000_000} megapixels")
    return pieces


def then(outer: Affine, inner: Affine) -> Affine:
    """From a picture to the original, by way of the one it was made of: first `inner`, then `outer`."""
    a, b, tx, c, d, ty = outer
    e, f, ux, g, h, uy = inner
    return (a * e + b * g, a * f + b * h, a * ux + b * uy + tx, c * e + d * g, c * f + d * h, c * ux + d * uy + ty)


def check_picture(pipeline: Pipeline, width: int, height: int) -> None:
    """Raises Invalid, saying which operation, where a pipeline would make too much of a picture of that size, or a crop
    lies outside of it."""
    sizes = Counter({(width, height): 1})
    for place, operation in enumerate(pipeline.operations):
        made = Counter[tuple[int, int]]()
        argument = argument_of(operation)
        try:
            for size, count in sizes.items():
                for piece in pieces_of(argument, *size):
                    made[piece.width, piece.height] += count
            _refuse_too_much(made)
        except Invalid as error:
            detail = f"operation {place + 1} of the pipeline ({operation.name}): {error.detail}"
            raise Invalid(detail) from error
        sizes = made


def _refuse_too_much(made: Counter[tuple[int, int]]) -> None:
    if made.total() > MAX_DERIVED:
        raise Invalid(f"it would make more than {MAX_DERIVED:,} pictures of the image")
    if sum(wide * high * count for (wide, high), count in made.items()) > MAX_DERIVED_PIXELS:
        raise Invalid(f"its pictures would have more than {MAX_DERIVED_PIXELS // 1_000_000} megapixels in all")


def most_derived(arguments: Sequence[Argument]) -> Iterator[int]:
    """How many pictures there can be at the most after each operation, whatever picture comes. Raises Invalid at an
    operation that makes too large ones of any."""
    width = height = MAX_SIDE
    count = 1
    for argument in arguments:
        if isinstance(argument, Resize) and argument.width * argument.height > MAX_PIXELS:
            raise Invalid(f"it would make a picture of more than {MAX_PIXELS // 1_000_000} megapixels")
        count *= _count(argument, width, height)
        width, height = _largest(argument, width, height)
        yield count


def _count(argument: Argument, width: int, height: int) -> int:
    match argument:
        case Split():
            return prod(2 if side > 1 else 1 for side in (width, height))
        case Tile():
            sides = ((width, argument.width), (height, argument.height))
            return prod(_places(length, min(tile, length), argument.overlap) for length, tile in sides)
        case _:
            return 1


def _largest(argument: Argument, width: int, height: int) -> tuple[int, int]:
    """The greatest sides that a picture can have which an operation makes of one up to that size."""
    match argument:
        case Resize():
            return argument.width, argument.height
        case Fit() | Tile():
            return min(width, argument.width), min(height, argument.height)
        case Crop():
            wide, high = (width, height) if argument.in_shares else (1, 1)
            return min(width, ceil(wide * argument.width) + 1), min(height, ceil(high * argument.height) + 1)
        case Split():
            return ceil(width / 2), ceil(height / 2)
        case Rotate(degrees=90 | 270):
            return height, width
        case _:
            return width, height


def _pieces(argument: Argument, width: int, height: int) -> Iterator[Piece]:
    match argument:
        case Resize():
            yield _scaled(width, height, argument.width, argument.height)
        case Fit():
            scale = min(1.0, argument.width / width, argument.height / height)
            yield _scaled(width, height, max(1, round(width * scale)), max(1, round(height * scale)))
        case Split():
            yield from _quarters(width, height)
        case Tile():
            yield from _tiles(argument, width, height)
        case Crop():
            yield _cropped(argument, width, height)
        case Rotate(degrees=90):
            yield Piece(width=height, height=width, affine=(0.0, 1.0, 0.0, -1.0, 0.0, float(height)))
        case Rotate(degrees=180):
            yield Piece(width=width, height=height, affine=(-1.0, 0.0, float(width), 0.0, -1.0, float(height)))
        case Rotate():
            yield Piece(width=height, height=width, affine=(0.0, -1.0, float(width), 1.0, 0.0, 0.0))
        case _:
            yield Piece(width=width, height=height)


def _scaled(width: int, height: int, new_width: int, new_height: int) -> Piece:
    affine = (width / new_width, 0.0, 0.0, 0.0, height / new_height, 0.0)
    return Piece(width=new_width, height=new_height, affine=affine)


def _part(left: int, top: int, width: int, height: int) -> Piece:
    affine = (1.0, 0.0, float(left), 0.0, 1.0, float(top))
    return Piece(width=width, height=height, affine=affine, left=left, top=top)


def _quarters(width: int, height: int) -> Iterator[Piece]:
    """Top left, top right, bottom left, bottom right; the middle pixel of an odd side goes right or down. A quarter
    without a pixel is left out."""
    middle, waist = width // 2, height // 2
    for top, high in ((0, waist), (waist, height - waist)):
        for left, wide in ((0, middle), (middle, width - middle)):
            if wide and high:
                yield _part(left, top, wide, high)


def _tiles(tile: Tile, width: int, height: int) -> Iterator[Piece]:
    """Row by row; the last of a row or column is moved in, so that all have one size."""
    wide, high = min(tile.width, width), min(tile.height, height)
    tops = range(_places(height, high, tile.overlap))
    lefts = range(_places(width, wide, tile.overlap))
    for row, column in product(tops, lefts):
        left = min(column * (wide - tile.overlap), width - wide)
        top = min(row * (high - tile.overlap), height - high)
        yield _part(left, top, wide, high)


def _places(length: int, tile: int, overlap: int) -> int:
    """How many tiles cover a side."""
    return 1 if length <= tile else ceil((length - tile) / (tile - overlap)) + 1


def _cropped(crop: Crop, width: int, height: int) -> Piece:
    """The part of a crop that lies in the picture."""
    wide, high = (width, height) if crop.in_shares else (1, 1)
    left, top = round(crop.left * wide), round(crop.top * high)
    right, bottom = round((crop.left + crop.width) * wide), round((crop.top + crop.height) * high)
    right, bottom = min(right, width), min(bottom, height)
    if left >= right or top >= bottom:
        raise Invalid(f"the crop has no pixel in a picture of {width} x {height}")
    return _part(left, top, right - left, bottom - top)
