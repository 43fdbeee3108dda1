"""Dataclasses whose fields lie flat among other fields, as terms and results do in events and answers."""

from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


def flattened(value: Any) -> dict[str, Any]:
    """The fields of a dataclass by name, their values unchanged."""
    return {name: getattr(value, name) for name in names_of(value.__class__)}


def unflattened(kind: type[T], holder: object) -> T:
    """A dataclass, from an object that has its fields among others."""
    return kind(**{name: getattr(holder, name) for name in names_of(kind)})


@cache
def names_of(kind: Any) -> tuple[str, ...]:
    """The names of a dataclass's fields."""
    return tuple(field.name for field in fields(kind))
