"""What a query costs on its index: how many documents a server reads by mongod's rules, and whether it sorts them.

nx-27017 explains no numbers, so they are worked out from the documents that are there. Fields that are looked for with
one value come first in an index, then those of the sort. Conditions on its other fields are held against its keys; any
other condition takes the document.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]
Key = Sequence[tuple[str, int]]
BY_ID: Key = (("_id", 1),)
_TESTS = {
    "$eq": lambda value, wanted: value == wanted,
    "$ne": lambda value, wanted: value != wanted,
    "$in": lambda value, wanted: value in wanted,
    "$gt": lambda value, wanted: value is not None and value > wanted,
    "$gte": lambda value, wanted: value is not None and value >= wanted,
    "$lt": lambda value, wanted: value is not None and value < wanted,
    "$lte": lambda value, wanted: value is not None and value <= wanted,
    "$exists": lambda value, wanted: (value is not None) == wanted,
    "$regex": lambda value, wanted: value is not None and re.search(wanted, value) is not None,
}


@dataclass(frozen=True, kw_only=True)
class Query:
    """What was looked for. `fields`: those that are answered, none: all; `is_count`: only how many."""

    collection: str
    where: Document
    sort: Key = ()
    limit: int = 0
    fields: tuple[str, ...] = ()
    is_count: bool = False

    def shape(self) -> tuple[Any, ...]:
        """What stays the same whatever the values are."""
        conditions = tuple((field, *condition) for field, condition in _conditions(self.where).items())
        return (self.collection, conditions, tuple(self.sort), bool(self.limit), self.fields, self.is_count)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Documents that are read and answered; whether what was found has to be sorted."""

    index: str
    documents: int
    answered: int
    is_sorted_by_hand: bool


def serving(query: Query, indexes: Mapping[str, Document]) -> list[str]:
    """The indexes by which no document is read but those that are answered, whatever there is, and nothing is sorted:
    those that have everything that is looked for, and give the order. What is named by its id is read, and no more."""
    conditions = _conditions(query.where)
    if not conditions and not query.sort:
        return ["none, for all is answered"]
    if "$eq" in conditions.get("_id", {}) or ("$in" in conditions.get("_id", {}) and not query.sort):
        return ["_id_"]
    return [
        name
        for name, index in _with_id(indexes).items()
        if _serves(query, index)
        and conditions.keys() <= index["key"].keys()
        and _gives_order(query.sort, [*index["key"].items()], conditions)
    ]


def cost(query: Query, documents: Sequence[Document], indexes: Mapping[str, Document]) -> Cost | None:
    """The least that any index makes of it, by name; None where all documents have to be read."""
    known = _with_id(indexes).items()
    found = [_on_index(query, documents, name, index) for name, index in known if _serves(query, index)]
    return min(found, key=lambda one: (one.is_sorted_by_hand, one.documents), default=None)


def _with_id(indexes: Mapping[str, Document]) -> dict[str, Document]:
    return {"_id_": {"key": dict(BY_ID)}, **indexes}


def _serves(query: Query, index: Document) -> bool:
    """Whether the index begins with something that is looked for or sorted by, and has all that may be found."""
    conditions = _conditions(query.where)
    first = next(iter(index["key"]))
    if first not in conditions and first not in dict(query.sort):
        return False
    has_all = not index.get("sparse") or not _is_null(conditions.get(first, {"$eq": None}))
    partial = index.get("partialFilterExpression", {})
    return has_all and all(field in conditions and not _is_null(conditions[field]) for field in partial)


def _on_index(query: Query, documents: Sequence[Document], name: str, index: Document) -> Cost:
    key = [*index["key"].items()]
    conditions = _conditions(query.where)
    in_index = {field: conditions[field] for field, _ in key if field in conditions}
    beside = [field for field in conditions if field not in in_index]
    is_given = _gives_order(query.sort, key, conditions)
    keys = [one for one in documents if all(_holds(one, field, test) for field, test in in_index.items())]
    if query.sort and is_given:
        for field, direction in reversed(query.sort):
            keys.sort(key=lambda one, at=field: next(_values(one, at)), reverse=direction < 0)
    is_covered = not beside and not _is_multikey(documents, in_index) and _is_in(query, key)
    read = answered = 0
    for one in keys:
        if query.limit and answered == query.limit and (is_given or not query.sort):
            break
        read += not is_covered
        answered += all(_holds(one, field, conditions[field]) for field in beside)
    answered = min(answered, query.limit or answered)
    return Cost(index=name, documents=read, answered=answered, is_sorted_by_hand=bool(query.sort) and not is_given)


def _is_in(query: Query, key: Key) -> bool:
    names = {field for field, _ in key}
    return query.is_count or (bool(query.fields) and names.issuperset(query.fields))


def _is_multikey(documents: Sequence[Document], fields: Mapping[str, Any]) -> bool:
    return any(isinstance(value, list) for one in documents for field in fields for value in [_field(one, field)])


def _gives_order(sort: Key, key: Key, conditions: Mapping[str, Document]) -> bool:
    """Whether the index has what it finds in this order, or in the opposite one; none is always given."""
    begin = 0
    while begin < len(key) and [field for field, _ in key[begin : begin + len(sort)]] != [field for field, _ in sort]:
        if not _is_one_value(conditions.get(key[begin][0], {})):
            return False
        begin += 1
    given = key[begin : begin + len(sort)]
    return len(given) == len(sort) and len({one * other for (_, one), (_, other) in zip(given, sort, strict=True)}) < 2


def _conditions(where: Document) -> dict[str, Document]:
    """By field: operators and values. What `$elemMatch` wants of one element is wanted of its fields."""
    found: dict[str, Document] = {}
    for field, wanted in where.items():
        if not (isinstance(wanted, dict) and next(iter(wanted), "").startswith("$")):
            found[field] = {"$eq": wanted}
        elif "$elemMatch" in wanted:
            found |= {f"{field}.{name}": test for name, test in _conditions(wanted["$elemMatch"]).items()}
        else:
            found[field] = wanted
    return found


def _is_one_value(condition: Document) -> bool:
    return "$eq" in condition or len(condition.get("$in", "..")) == 1


def _is_null(condition: Document) -> bool:
    return condition.get("$eq", "") is None or None in condition.get("$in", ()) or condition.get("$exists") is False


def _holds(one: Document, field: str, condition: Document) -> bool:
    return all(any(_TESTS[test](value, wanted) for value in _values(one, field)) for test, wanted in condition.items())


def _values(one: Document, field: str) -> Iterator[Any]:
    """The field's value, or those of an array's elements."""
    value = _field(one, field)
    yield from value if isinstance(value, list) and value else [value]


def _field(one: Any, path: str) -> Any:
    """A field by its path; of an array, the field of each element."""
    name, _, rest = path.partition(".")
    if isinstance(one, list):
        return [_field(element, path) for element in one]
    value = one.get(name) if isinstance(one, dict) else None
    return _field(value, rest) if rest else value
