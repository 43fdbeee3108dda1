"""Finds the files beside an `.onnx` that hold its weights, without loading it.

ONNX keeps tensors that are too large for Protocol Buffers in files whose names a stranger wrote (onnx/onnx.proto,
`TensorProto.external_data`). The messages are walked as they are encoded (protobuf.dev/programming-guides/encoding):
a field is a number and a kind, then its value; whatever leads to no tensor is skipped unread.
"""

import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from services.detector.models.model import ModelUnusable

_LEADS_TO: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
"""By message and field: which message that field holds."""

MAX_MODEL_BYTES = 2**31 - 1
"""Protocol Buffers hold no more in one file."""

_MAX_DEPTH = 100
"""Protocol Buffers read no deeper."""

_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
_MAX_VARINT_BYTES = 10


def files_of(path: Path) -> list[Path]:
    """All files of the model in an `.onnx`: itself, then those that hold weights of it, in the order of their names.

    Raises ModelUnusable for a file that is missing or no sequence of messages, and for weights elsewhere than in the
    model's folder, through a link too.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            return [path, *_weights(path, file, size)]
    except OSError as error:
        raise ModelUnusable(f"{path} cannot be read ({error.strerror}): name an .onnx file") from error


def _weights(path: Path, file: IO[bytes], size: int) -> list[Path]:
    if size == 0:
        raise ModelUnusable(f"{path} is no ONNX model (it is empty): fetch it again")
    if size > MAX_MODEL_BYTES:
        raise ModelUnusable(f"{path} is no ONNX model (its {size:,} bytes are too many): fetch it again")
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            locations = set(_locations(data, 0, len(data), "model", 0))
        except (IndexError, ValueError) as error:
            raise ModelUnusable(f"{path} is no ONNX model (it is cut short or damaged): fetch it again") from error
    return [_beside(path, location) for location in sorted(locations)]


def _beside(path: Path, location: str) -> Path:
    folder = path.parent.resolve()
    found = folder / location.replace("\0", "?")
    said = f"{path} keeps weights in {location[:200]!r}"
    if Path(location).is_absolute() or not found.resolve().is_relative_to(folder):
        raise ModelUnusable(f"{said}, outside its own folder: refused; export it as one file, or with them beside it")
    if not found.is_file():
        raise ModelUnusable(f"{said}, which is not there: put it beside the model")
    return found


def _locations(data: mmap.mmap, at: int, end: int, message: str, depth: int) -> Iterator[str]:
    """What the entries `location` below a message say."""
    if depth > _MAX_DEPTH:
        raise ValueError("too deep")
    if message == "entry":
        yield from _location(data, at, end)
        return
    for field, start, stop in _fields(data, at, end):
        if inner := _LEADS_TO[message].get(field):
            yield from _locations(data, start, stop, inner, depth + 1)


def _location(data: mmap.mmap, at: int, end: int) -> Iterator[str]:
    entry = {field: data[start:stop] for field, start, stop in _fields(data, at, end)}
    if entry.get(1) == b"location":
        yield entry.get(2, b"").decode()


def _fields(data: mmap.mmap, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The fields of a message that have a length: their number, start and end. Raises IndexError and ValueError."""
    while at < end:
        key, at = _varint(data, at, end)
        kind, length = key & 7, 0
        if kind == _VARINT:
            _, at = _varint(data, at, end)
        elif kind == _BYTES:
            length, at = _varint(data, at, end)
        elif kind in {_EIGHT_BYTES, _FOUR_BYTES}:
            length = 8 if kind == _EIGHT_BYTES else 4
        else:
            raise ValueError(f"a field of kind {kind}")
        if length > end - at:
            raise ValueError("a field that ends behind its message")
        if kind == _BYTES:
            yield key >> 3, at, at + length
        at += length


def _varint(data: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    value = 0
    for place in range(_MAX_VARINT_BYTES):
        if at + place >= end:
            break
        byte = data[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:  # noqa: PLR2004 - the last byte
            return value, at + place + 1
    raise ValueError("a number without end")
