"""What an `.onnx` file says about itself, read without any library that could run it.

Walks the protocol buffers that `onnx.proto` calls ModelProto.graph, GraphProto.input and .output, and
ModelProto.metadata_props. Everything else, the weights above all, is skipped.
"""

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from services.detector.models.model import ModelUnusable

_GRAPH, _METADATA = 7, 14  # fields of ModelProto
_INPUT, _OUTPUT = 11, 12  # fields of GraphProto
_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5  # wire types
_MORE = 0x80  # the bit of a byte that says that its integer goes on


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxHeader:
    """The shapes of a model's inputs and outputs, 0 for a size that is left open, and its metadata."""

    inputs: tuple[tuple[int, ...], ...]
    outputs: tuple[tuple[int, ...], ...]
    metadata: dict[str, str]


def read_onnx_header(path: Path) -> OnnxHeader:
    """Raises ModelUnusable for a file that cannot be read or is no ONNX model."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _header(_Message(data=data, start=0, end=len(data)))
    except OSError as error:
        raise ModelUnusable(f"{path} cannot be read ({error.strerror}): name an .onnx file") from error
    except (ValueError, IndexError) as error:
        raise ModelUnusable(f"{path} is no ONNX model ({error}): fetch it again") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    """The bytes of one message, from `start` up to `end`, left where they are."""

    data: mmap.mmap
    start: int
    end: int

    def fields(self) -> Iterator[tuple[int, "int | _Message"]]:
        """The number of each field, and an integer or what it holds. Fields of fixed width are skipped."""
        position = self.start
        while position < self.end:
            key, position = self._varint(position)
            field, wire = key >> 3, key & 7
            if wire == _VARINT:
                value, position = self._varint(position)
                yield field, value
            elif wire == _LENGTH:
                length, position = self._varint(position)
                if position + length > self.end:
                    raise ValueError("it was cut short")
                yield field, _Message(data=self.data, start=position, end=position + length)
                position += length
            elif wire in {_EIGHT_BYTES, _FOUR_BYTES}:
                position += 8 if wire == _EIGHT_BYTES else 4
            else:
                raise ValueError("its fields make no sense")

    def messages(self, field: int) -> "Iterator[_Message]":
        return (value for number, value in self.fields() if number == field and isinstance(value, _Message))

    def integer(self, field: int) -> int:
        """0 where the field is absent."""
        return next((value for number, value in self.fields() if number == field and isinstance(value, int)), 0)

    def text(self) -> str:
        return self.data[self.start : self.end].decode()

    def _varint(self, position: int) -> tuple[int, int]:
        value = 0
        for shift in range(0, 70, 7):
            byte = self.data[position]
            position += 1
            value |= (byte & ~_MORE) << shift
            if not byte & _MORE:
                return value, position
        raise ValueError("its fields make no sense")


def _header(model: _Message) -> OnnxHeader:
    inputs: list[tuple[int, ...]] = []
    outputs: list[tuple[int, ...]] = []
    for graph in model.messages(_GRAPH):
        inputs += map(_shape, graph.messages(_INPUT))
        outputs += map(_shape, graph.messages(_OUTPUT))
    if not inputs or not outputs:
        raise ValueError("it has no inputs or no outputs")
    return OnnxHeader(inputs=tuple(inputs), outputs=tuple(outputs), metadata=dict(_metadata(model)))


def _shape(value_info: _Message) -> tuple[int, ...]:
    """ValueInfoProto.type (2) . tensor_type (1) . shape (2) . dim (1) . dim_value (1)."""
    return tuple(
        dimension.integer(1)
        for type_ in value_info.messages(2)
        for tensor in type_.messages(1)
        for shape in tensor.messages(2)
        for dimension in shape.messages(1)
    )


def _metadata(model: _Message) -> Iterator[tuple[str, str]]:
    """StringStringEntryProto: key (1) and value (2)."""
    for entry in model.messages(_METADATA):
        for key in entry.messages(1):
            yield key.text(), next((value.text() for value in entry.messages(2)), "")
