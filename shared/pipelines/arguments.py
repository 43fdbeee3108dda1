"""The arguments of operations, as their clients give them and as workers need them. Pure.

Each operation has one form, which both services read here: the task manager before it takes a pipeline, a worker before
it begins.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from shared.errors import Invalid
from shared.pipelines import Operation, OperationName

BlurKind = Literal["gaussian", "updownsampling", "bilateral", "median"]
Turn = Literal[90, 180, 270]
Cover = Literal["pixelate", "blur", "fill"]

MAX_SIDE = 10_000
MAX_CLASSES = 100
"""Classes that are hidden at the most."""
MAX_CLASS_LENGTH = 200
_SIZE = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resize:
    """To exactly this size, in pixels, whatever becomes of the aspect."""

    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """To the greatest size within this one, in pixels, that keeps the aspect; never enlarged."""

    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """In four quarters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """In tiles of this size, in pixels, of which neighbours have `overlap` pixels in common."""

    width: int
    height: int
    overlap: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop:
    """The part at this place: in whole pixels, or `in_shares` of the sides, 0 to 1."""

    left: float
    top: float
    width: float
    height: float
    in_shares: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotate:
    """Clockwise."""

    degrees: Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Grayscale:
    """Without colours, still in three channels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blur:
    kind: BlurKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Hide:
    """What the detector finds of these classes is covered. confidence: from which on, 0 to 1. grow: by what share of
    its sides each box is made larger at each edge, 0 to 1."""

    labels: tuple[str, ...]
    cover: Cover = "pixelate"
    confidence: float = 0.25
    grow: float = 0.1


Argument = Resize | Fit | Split | Tile | Crop | Rotate | Grayscale | Blur | Hide


def argument_of(operation: Operation) -> Argument:
    """What an operation is to do. Raises Invalid for what its client cannot ask for; the pointer is that of the value
    within the argument, empty for the whole of it."""
    return _READERS[operation.name](operation.argument)


def _resize(given: Any) -> Resize:
    width, height = _size(given, "")
    return Resize(width=width, height=height)


def _fit(given: Any) -> Fit:
    width, height = _size(given, "")
    return Fit(width=width, height=height)


def _split(given: Any) -> Split:
    _only_true(given)
    return Split()


def _tile(given: Any) -> Tile:
    if isinstance(given, str):
        width, height = _size(given, "")
        return Tile(width=width, height=height)
    fields = _object(given, required=("size",), optional=("overlap",), also='a text such as "640x480", or ')
    width, height = _size(fields["size"], "/size")
    overlap = fields.get("overlap", 0)
    if not _is_whole(overlap) or not 0 <= overlap < min(width, height) / 2:
        raise Invalid("overlap is a whole number of pixels, less than half of each side of a tile", pointer="/overlap")
    return Tile(width=width, height=height, overlap=overlap)


def _crop(given: Any) -> Crop:
    """Numbers are pixels where all are whole, else shares of the sides."""
    fields = _object(given, required=("left", "top", "width", "height"))
    for name, value in fields.items():
        if not _is_number(value):
            raise Invalid("it is a number: whole pixels, or a share of the side, 0 to 1", pointer=f"/{name}")
    in_shares = any(value != int(value) for value in fields.values())
    most = 1 if in_shares else MAX_SIDE
    for name, value in fields.items():
        least = 0 if name in ("left", "top") or in_shares else 1
        if not least <= value <= most or (in_shares and name in ("width", "height") and value == 0):
            unit = "shares of the sides, 0 to 1" if in_shares else f"whole pixels, up to {MAX_SIDE:,}"
            raise Invalid(f"it is outside of what a crop can be in {unit}", pointer=f"/{name}")
    numbers = fields if in_shares else {name: int(value) for name, value in fields.items()}
    return Crop(**numbers, in_shares=in_shares)


def _rotate(given: Any) -> Rotate:
    if not _is_whole(given) or given not in get_args(Turn):
        raise Invalid("it is 90, 180 or 270 degrees, clockwise", pointer="")
    return Rotate(degrees=given)


def _grayscale(given: Any) -> Grayscale:
    _only_true(given)
    return Grayscale()


def _blur(given: Any) -> Blur:
    return Blur(kind=_one_of(given, get_args(BlurKind), ""))


def _hide(given: Any) -> Hide:
    fields = _object(given, required=("labels",), optional=("with", "confidence", "grow"))
    given_labels = fields["labels"]
    labels = cast("Sequence[Any]", given_labels) if isinstance(given_labels, list | tuple) else ()
    if not 1 <= len(labels) <= MAX_CLASSES:
        raise Invalid(f"it is a list of 1 to {MAX_CLASSES} of the model's classes", pointer="/labels")
    for position, label in enumerate(labels):
        if not isinstance(label, str) or not 1 <= len(label) <= MAX_CLASS_LENGTH:
            pointer = f"/labels/{position}"
            raise Invalid(f"a class is a text of 1 to {MAX_CLASS_LENGTH} characters", pointer=pointer)
    shares = {name: fields.get(name, default) for name, default in (("confidence", 0.25), ("grow", 0.1))}
    for name, value in shares.items():
        if not _is_number(value) or not 0 <= value <= 1:
            raise Invalid("it is a number from 0 to 1", pointer=f"/{name}")
    cover = _one_of(fields.get("with", "pixelate"), get_args(Cover), "/with")
    return Hide(labels=tuple(labels), cover=cover, **{name: float(value) for name, value in shares.items()})


_READERS: Mapping[OperationName, Callable[[Any], Argument]] = {
    "resize": _resize,
    "fit": _fit,
    "split": _split,
    "tile": _tile,
    "crop": _crop,
    "rotate": _rotate,
    "grayscale": _grayscale,
    "blur": _blur,
    "hide": _hide,
}


def _size(given: Any, pointer: str) -> tuple[int, int]:
    found = _SIZE.fullmatch(given) if isinstance(given, str) else None
    sides = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= min(sides) <= max(sides) <= MAX_SIDE:
        detail = f'it is a width and a height of 1 to {MAX_SIDE:,} pixels, as a text such as "640x480"'
        raise Invalid(detail, pointer=pointer)
    return sides


def _object(
    given: Any, *, required: tuple[str, ...], optional: tuple[str, ...] = (), also: str = ""
) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        named = ", ".join(f"`{name}`" for name in required + optional)
        raise Invalid(f"it is {also}an object with {named}", pointer="")
    fields = cast("Mapping[str, Any]", given)
    for name in fields:
        if name not in required + optional:
            raise Invalid(f"there is no {str(name)[:MAX_CLASS_LENGTH]!r}", pointer="")
    for name in required:
        if name not in fields:
            raise Invalid(f"`{name}` is missing", pointer="")
    return fields


def _one_of(given: Any, known: tuple[Any, ...], pointer: str) -> Any:
    if not isinstance(given, str) or given not in known:
        raise Invalid(f"it is one of {', '.join(known)}", pointer=pointer)
    return given


def _only_true(given: Any) -> None:
    if given is not True:
        raise Invalid("it can only be true", pointer="")


def _is_whole(given: Any) -> bool:
    return isinstance(given, int) and not isinstance(given, bool)


def _is_number(given: Any) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool) and abs(given) <= MAX_SIDE
