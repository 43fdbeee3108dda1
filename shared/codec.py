"""One codec for every stored value: frozen dataclasses as JSON (SQLite) or as native BSON (MongoDB).

A value is read by its type: a missing field gets its default, and an unknown field, which a newer replica may have
written, is ignored. So a new field takes two releases: the first reads it, the second writes it. A change that defaults
cannot express is an upgrade: a function from the old fields to the new ones. A SQLite file is upgraded when it is
opened. A document is upgraded when it is read, by the number in its field `schema`; its next change stores it upgraded.

A new field that an older replica must not lose, or a new state that it cannot read, is guarded by a further schema that
changes nothing (`unchanged`): `guards` says which values have such a thing, and only those are written in it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from shared.errors import Unavailable

T = TypeVar("T")
Fields = dict[str, Any]
Upgrade = Callable[[Fields], Fields]
"""From the fields of one schema to the fields of the next."""


class NewerSchema(Unavailable):
    """A newer version stored this, in a schema that this version does not know."""


class Codec(Generic[T]):
    """Writes and reads values of one dataclass. `upgrades` lead from schema 1 to the present one.

    guards: which values are written in the present schema; the others, in the one before it, older replicas read, too.
    """

    def __init__(
        self, kind: type[T], upgrades: Sequence[Upgrade] = (), *, guards: Callable[[T], bool] = lambda _: True
    ) -> None:
        self.schema = len(upgrades) + 1
        self._guards = guards
        self._kind = kind
        self._upgrades = upgrades
        self._mappings = tuple(_mappings(kind))
        self._encode = msgspec.json.Encoder().encode
        self._decode = msgspec.json.Decoder(kind).decode

    def text(self, value: T) -> bytes:
        """A value as JSON."""
        return self._encode(value)

    def read_text(self, text: bytes) -> T:
        """The value of a JSON text in the present schema."""
        return self._decode(text)

    def upgraded_text(self, text: bytes, *, schema: int) -> bytes:
        """A JSON text of an older schema in the present one."""
        return self.text(msgspec.convert(self._upgraded(msgspec.json.decode(text), schema), self._kind))

    def document(self, value: T) -> Fields:
        """A value as the fields `schema` and `body` of a document. A mapping in it becomes a list of pairs, because its
        keys are labels and classes, and a label is never the name of a field."""
        body: Fields = msgspec.to_builtins(value)
        for path in self._mappings:
            body = _changed(body, path, lambda mapping: list(mapping.items()))
        return {"schema": self.schema if self._guards(value) else self.schema - 1, "body": body}

    def read_document(self, document: Mapping[str, Any]) -> T:
        """The value of a document in any schema up to the present one. Raises NewerSchema."""
        body, schema = document["body"], document.get("schema", 1)
        if isinstance(body, str):  # schema 1 kept the fields as JSON text
            body = msgspec.json.decode(body)
        body = self._upgraded(body, schema)
        for path in self._mappings:
            body = _changed(body, path, dict)
        return msgspec.convert(body, self._kind)

    def _upgraded(self, body: Fields, schema: int) -> Fields:
        if schema > self.schema:
            raise NewerSchema("a newer version stored this: finish the upgrade of all replicas")
        for upgrade in self._upgrades[schema - 1 :]:
            body = upgrade(body)
        return body


def unchanged(stored: Fields) -> Fields:
    """The upgrade to a schema whose number alone keeps older replicas away."""
    return stored


def _changed(body: Fields, path: Sequence[str], change: Callable[[Any], Any]) -> Fields:
    """The fields with the value at the end of a path changed, if the path exists."""
    name, *rest = path
    inner = body.get(name)
    if inner is None:
        return body
    return {**body, name: _changed(inner, rest, change) if rest else change(inner)}


def _mappings(kind: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths to all mappings in a dataclass and in the dataclasses of its fields."""
    hints = get_type_hints(kind)
    for field in fields(kind):
        for hint in (hints[field.name], *get_args(hints[field.name])):
            if get_origin(hint) is dict:
                yield (*path, field.name)
            elif is_dataclass(hint) and get_origin(hints[field.name]) is not tuple:
                yield from _mappings(hint, (*path, field.name))
