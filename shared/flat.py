"""Values whose fields lie flat among others, as terms and results do in events and in answers."""

from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


def flattened(value: Any) -> dict[str, Any]:
    """The fields of a dataclass by their names; what is in them stays as it is."""
    return {name: getattr(value, name) for name in names_of(value.__class__)}


def unflattened(kind: type[T], holder: object) -> T:
    """A dataclass out of what holds its fields among others."""
    return kind(**{name: getattr(holder, name) for name in names_of(kind)})


@cache
def names_of(kind: Any) -> tuple[str, ...]:
    """The names of a dataclass's fields."""
    return tuple(field.name for field in fields(kind))
