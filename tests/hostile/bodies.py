"""JSON that is deep, long, odd, of another type, or asks for what cannot be."""

import gzip
import json
from random import Random
from typing import Any

from tests.crew.operators import LABELS
from tests.hostile.shots import CUT, Maker, Prey, Shot, json_request, one, request

TASKS = "/api/tasks"
GOOD: dict[str, Any] = {"name": "hostile", "labels": list(LABELS), "detector": {"mode": "off"}}
MALFORMED = (b"{", b'{"name"', b"[" * 10_000, b'{"a":' * 10_000, b"\xff\xfe{", b"nul", b"{'a': 1}", b'{"name": "\xff"}')
NUMBERS = ("NaN", "Infinity", "-Infinity", "1e999", "9" * 400, "0x10", "1_0", "+5", "5.0", '"5"', "true", "-1", "1.5")
ODD: tuple[Any, ...] = (None, [], [[]], "text", 5, True, {}, {"$gt": ""}, {"name": {"$gt": ""}}, [None] * 1_000)
LABEL_SETS: tuple[Any, ...] = (
    [],
    ["a", "A"],
    ["cat", "cat "],
    ["cat", "cat\u200b"],
    ["\u200b"],
    ["a\nb", "c"],
    ["a\0", "c"],
    ["x" * 201],
    [str(number) for number in range(1_001)],
    [f"{number}" + "y" * 190 for number in range(500)],
    ["\ud800"],
    [1, 2],
    "ab",
    {"a": 1},
)
LABEL_MAPS: tuple[Any, ...] = (
    {f"{number}" + "z" * 900: "cat" for number in range(1_000)},
    {"z" * 201: "cat"},
    {"": "cat"},
    {"a": "not a label"},
    {f"{number}": "cat" for number in range(1_001)},
    {f"{number}" + "z" * 190: "cat" for number in range(999)},
)
MANY_LABELS = [f"{number:030}" for number in range(1_000)]
ALL_TERMS = GOOD | {
    "labels": MANY_LABELS,
    "label_names": {label: label[::-1] for label in MANY_LABELS},
    "instructions": "i" * 10_000,
}


def _malformed(chance: Random, _: Prey) -> Shot:
    return one("malformed", request("POST", TASKS, body=chance.choice(MALFORMED)), 400, 422)


def _odd(chance: Random, prey: Prey) -> Shot:
    path = chance.choice((TASKS, "/api/leases", "/api/votes", f"/api/subtasks/{prey.image_id}/vote"))
    content = chance.choice(ODD[:4] if path == "/api/leases" else ODD)
    return one("of another shape", json_request("POST", path, content), 422, *([200] if path == "/api/leases" else []))


def _numbers(chance: Random, _: Prey) -> Shot:
    body = json.dumps(GOOD | {"quorum": {"votes_required": "HERE"}}).replace('"HERE"', chance.choice(NUMBERS))
    return one("odd numbers", request("POST", TASKS, body=body.encode()), 400, 422)


def _too_much(chance: Random, _: Prey) -> Shot:
    count = chance.choice((0, -1, 10**9))
    path, content = chance.choice(
        (
            (TASKS, GOOD | {"quorum": {"votes_required": count}}),
            ("/api/leases", {"count": count}),
            (TASKS, GOOD | {"name": "n" * 201}),
            (TASKS, GOOD | {"instructions": "i" * 10_001}),
            ("/api/votes", {"votes": [{"subtask_id": "a", "label": "b", "token": "c"}] * 1_001}),
        )
    )
    return one("asks for too much", json_request("POST", path, content), 422)


def _unknown_fields(chance: Random, _: Prey) -> Shot:
    name = chance.choice(("_id", "state", "owner", "__proto__", "constructor", "a.b", "$set", "", "id"))
    return one("an unknown field", json_request("POST", TASKS, GOOD | {name: 1}), 422)


def _labels(chance: Random, _: Prey) -> Shot:
    return one("odd labels", json_request("POST", TASKS, GOOD | {"labels": chance.choice(LABEL_SETS)}), 400, 422)


def _label_maps(chance: Random, _: Prey) -> Shot:
    """1,000 keys of 900 characters were once copied into every image's events."""
    detector = {"mode": "suggest", "label_map": chance.choice(LABEL_MAPS)}
    return one("a large label_map", json_request("POST", TASKS, GOOD | {"detector": detector}), 413, 422)


def _twice(_: Random, __: Prey) -> Shot:
    body = json.dumps(GOOD).encode().replace(b"{", b'{"name": "a", ', 1)
    return one("a key twice", request("POST", TASKS, body=body), 400, 422)


def _many_values(chance: Random, prey: Prey) -> Shot:
    """30,000 fields of which one is there twice were looked through for a minute; wrong labels had an error each."""
    count = chance.choice((15_000, 100_000))
    fields = b"{" + b",".join(b'"%d":0' % number for number in (*range(count), count - 1)) + b"}"
    labels = b'{"name":"n","labels":[' + b",".join([chance.choice((b"0", b"[]", b"{}"))] * count) + b"]}"
    path = chance.choice((TASKS, f"{TASKS}/{prey.task_id}/images", "/api/object_detection", "/api/votes"))
    return one("very many values", request("POST", path, body=chance.choice((fields, labels))), 400, 413, 422)


def _all_terms(_: Random, __: Prey) -> Shot:
    """All that may be named in one task: lists of such tasks are large."""
    return one("all that a task may name", json_request("POST", TASKS, ALL_TERMS), 201)


def _large(chance: Random, _: Prey) -> Shot:
    body = json.dumps(GOOD | {"instructions": "i" * chance.randrange(1_100_000, 4_000_000)}).encode()
    return one("a large body", request("POST", TASKS, body=body), 413, CUT)


def _types(chance: Random, _: Prey) -> Shot:
    kind = chance.choice(
        ("text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data", "*/*")
    )
    return one("another media type", request("POST", TASKS, body=json.dumps(GOOD).encode(), kind=kind), 400, 415)


def _compressed(chance: Random, _: Prey) -> Shot:
    encoding = chance.choice((b"gzip", b"deflate", b"br", b"gzip, gzip"))
    body = gzip.compress(bytes(1_000_000), mtime=0)
    return one("compressed", request("POST", TASKS, body=body, headers=b"Content-Encoding: " + encoding + b"\r\n"), 415)


def _empty(_: Random, __: Prey) -> Shot:
    return one("empty", request("POST", TASKS, headers=b"Content-Type: application/json\r\nContent-Length: 0\r\n"), 422)


def _votes(chance: Random, prey: Prey) -> Shot:
    label = chance.choice(("not a label", "", "cat\0", "x" * 100_000, "\ud800"))
    content = {"label": label, "token": chance.randbytes(16).hex()}
    return one(
        "a vote without a lease",
        json_request("POST", f"/api/subtasks/{prey.image_id}/vote", content),
        400,
        404,
        409,
        422,
    )


def _mutated(chance: Random, _: Prey) -> Shot:
    body = bytearray(json.dumps(GOOD | {"name": "n" * 201}).encode())
    for _ in range(chance.randrange(1, 10)):
        body[chance.randrange(len(body))] = chance.randrange(256)
    return one("bytes changed", request("POST", TASKS, body=bytes(body)), 201, 400, 422)


MAKERS: tuple[Maker, ...] = (
    _malformed,
    _odd,
    _numbers,
    _too_much,
    _unknown_fields,
    _labels,
    _label_maps,
    _twice,
    _many_values,
    _all_terms,
    _large,
    _types,
    _compressed,
    _empty,
    _votes,
    _mutated,
)
