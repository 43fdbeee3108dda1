"""Requests and answers of the worker."""

from collections.abc import Sequence
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict

from shared.errors import Invalid
from shared.http.forms import parts
from shared.http.requests import read_json
from shared.pipelines import MAX_OPERATIONS, Operation, OperationName
from shared.pipelines.arguments import MAX_CLASSES, MAX_SIDE, BlurKind, Cover, Hide, Turn, argument_of

PICTURE_FIELDS = ("image", "images", "file")
"""The fields of a form in which clients send the sample."""
MAX_OPERATIONS_BYTES = 32_000
_MAX_PARTS = 8
_PAIR = 2


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class ArgumentForm(_Answer):
    """An argument of an operation. `kind`: `size` is a width and a height such as `640x480`; `number` is whole pixels
    or a share; `labels` are classes of the detector's model. `default` null: it has to be given."""

    name: str
    kind: Literal["size", "integer", "number", "choice", "labels"]
    choices: tuple[str | int, ...] | None = None
    min: float | None = None
    max: float | None = None
    default: str | float | None = None


class OperationForm(_Answer):
    """An operation, and the form of its argument: `true` alone; the one `value` of its arguments; or an `object` of
    them by name. `makes_several`: whether it may make several pictures of one."""

    name: OperationName
    form: Literal["true", "value", "object"]
    arguments: tuple[ArgumentForm, ...] = ()
    makes_several: bool = False


class Operations(_Answer):
    """The operations that a pipeline may have, `max_operations` of them at the most."""

    operations: tuple[OperationForm, ...]
    max_operations: int = MAX_OPERATIONS


class ShownImage(_Answer):
    """A picture that a step made: its size in pixels, and a copy of at most 320 pixels a side, JPEG in base64."""

    width: int
    height: int
    data: str


class PreviewStep(_Answer):
    """What a step made: `count` pictures, of which the first are shown; `error` says why it cannot be done or shown."""

    count: int
    images: tuple[ShownImage, ...]
    error: str | None


class Preview(_Answer):
    """The steps, up to the first that cannot be done."""

    steps: tuple[PreviewStep, ...]


def _number(name: str, least: float, most: float, default: float | None = None) -> ArgumentForm:
    return ArgumentForm(name=name, kind="number", min=least, max=most, default=default)


def _choice(name: str, choices: Sequence[str | int], default: str | None = None) -> ArgumentForm:
    return ArgumentForm(name=name, kind="choice", choices=tuple(choices), default=default)


_SIZE = ArgumentForm(name="size", kind="size", min=1, max=MAX_SIDE)
_OVERLAP = ArgumentForm(name="overlap", kind="integer", min=0, max=MAX_SIDE / 2, default=0)
_PLACE = tuple(_number(name, 0, MAX_SIDE) for name in ("left", "top", "width", "height"))
_LABELS = ArgumentForm(name="labels", kind="labels", min=1, max=MAX_CLASSES)
_HIDING = (
    _LABELS,
    _choice("with", get_args(Cover), Hide.__dataclass_fields__["cover"].default),
    _number("confidence", 0, 1, Hide.__dataclass_fields__["confidence"].default),
    _number("grow", 0, 1, Hide.__dataclass_fields__["grow"].default),
)
OPERATIONS = Operations(
    operations=(
        OperationForm(name="resize", form="value", arguments=(_SIZE,)),
        OperationForm(name="fit", form="value", arguments=(_SIZE,)),
        OperationForm(name="split", form="true", makes_several=True),
        OperationForm(name="tile", form="object", arguments=(_SIZE, _OVERLAP), makes_several=True),
        OperationForm(name="crop", form="object", arguments=_PLACE),
        OperationForm(name="rotate", form="value", arguments=(_choice("degrees", get_args(Turn)),)),
        OperationForm(name="grayscale", form="true"),
        OperationForm(name="blur", form="value", arguments=(_choice("kind", get_args(BlurKind)),)),
        OperationForm(name="hide", form="object", arguments=_HIDING),
    )
)


def read_preview(body: bytes, boundary: bytes) -> tuple[list[Operation], bytes]:
    """The operations and the sample of a form. Raises Malformed for a form or a text that is broken, and Invalid for
    what a pipeline cannot have."""
    fields = list(parts(body, boundary, at_most=_MAX_PARTS))
    texts = [content for name, content in fields if name == "operations"]
    pictures = [content for name, content in fields if name in PICTURE_FIELDS]
    if len(texts) != 1 or len(pictures) != 1:
        raise Invalid(
            "the form has to have one field operations, and one picture in the field " + " or ".join(PICTURE_FIELDS)
        )
    if len(texts[0]) > MAX_OPERATIONS_BYTES:
        raise Invalid(f"the operations take more than {MAX_OPERATIONS_BYTES:,} bytes", pointer="/operations")
    return read_operations(read_json(texts[0], where="the field operations")), pictures[0]


def read_operations(content: Any) -> list[Operation]:
    """The operations of a list of `[name, argument]`. Raises Invalid with the place of what is wrong."""
    if not isinstance(content, list) or not 1 <= len(content) <= MAX_OPERATIONS:
        raise Invalid(f"it is a list of 1 to {MAX_OPERATIONS} operations", pointer="/operations")
    return [_operation(one, f"/operations/{place}") for place, one in enumerate(content)]


def _operation(content: Any, pointer: str) -> Operation:
    if not isinstance(content, list) or len(content) != _PAIR:
        raise Invalid("an operation is a list of its name and its argument", pointer=pointer)
    name, argument = content
    if name not in get_args(OperationName):
        raise Invalid(f"the operations are {', '.join(get_args(OperationName))}", pointer=f"{pointer}/0")
    operation = Operation(name=name, argument=argument)
    try:
        argument_of(operation)
    except Invalid as error:
        raise Invalid(error.detail, pointer=f"{pointer}/1{error.pointer}") from error
    return operation
