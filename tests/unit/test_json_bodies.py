"""JSON that is built to cost more than it brings."""

import json
import tracemalloc

import pytest

from shared.errors import Invalid, Malformed
from shared.http.requests import MAX_JSON_VALUES, read_json, refuse_repeated_fields

MANY = 5 * MAX_JSON_VALUES
BUILT_TO_COST = {
    "numbers": b"[" + b"0," * MANY + b"0]",
    "lists": b"[" + b"[]," * MANY + b"[]]",
    "objects": b"[" + b"{}," * MANY + b"{}]",
    "fields": b"{" + b",".join(b'"%d":0' % number for number in range(MANY)) + b"}",
    "deep lists": b"[" * MANY + b"]" * MANY,
}


@pytest.mark.parametrize("body", BUILT_TO_COST.values(), ids=BUILT_TO_COST)
@pytest.mark.parametrize("kind", [bytes, bytes.decode], ids=["bytes", "text"])
def test_too_many_values_are_refused_before_there_is_an_object_for_each(body, kind):
    text = kind(body)
    tracemalloc.start()
    try:
        with pytest.raises(Invalid, match="more than 20,000 values"):
            read_json(text)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 10_000


def test_as_many_values_as_there_may_be_are_read():
    lists = [[0] * 999] * (MAX_JSON_VALUES // 1_000)
    assert read_json(json.dumps(lists)) == lists


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        ([0] * 1_001, ""),
        ({"labels": ["a"] * 1_001}, "/labels"),
        ({str(number): 0 for number in range(1_001)}, ""),
        ({"votes": [{"subtask_id": "a"}, {"a/b~": dict.fromkeys(map(str, range(1_001)), 0)}]}, "/votes/1/a~1b~0"),
    ],
    ids=["a list", "labels", "fields", "far within"],
)
def test_a_list_or_an_object_holds_a_thousand_values_at_most(content, pointer):
    """Each wrong value has an error of its own: 15,000 labels that are numbers cost 20 MB."""
    with pytest.raises(Invalid, match="at most 1,000 values here, not 1,001") as refusal:
        read_json(json.dumps(content))
    assert refusal.value.pointer == pointer


def test_a_field_that_is_given_twice_is_found_in_one_pass(monkeypatch):
    """The fields before it were hashed again for each of them: 30,000 fields took a minute."""
    hashed = 0

    class Name(str):
        __slots__ = ()

        def __hash__(self) -> int:
            nonlocal hashed
            hashed += 1
            return super().__hash__()

    names = [Name(number) for number in range(200)]

    def parsed(_text: bytes | str, *, object_pairs_hook, **_rest: object) -> None:
        object_pairs_hook([(name, 0) for name in [*names, names[-1]]])

    monkeypatch.setattr("shared.http.requests.json.loads", parsed)
    with pytest.raises(Malformed, match="'199' twice"):
        refuse_repeated_fields(b":", 0)
    assert hashed <= 3 * len(names)
