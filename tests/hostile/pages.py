"""Parameters and cursors that cannot be, and readers who hang up."""

import base64
import json
from random import Random
from urllib.parse import quote

from tests.hostile.shots import Maker, Prey, Shot, one, request

LIMITS = ("0", "-1", "1.5", "1e3", "1000000", "5.0", "+5", "1_0", "", "abc", "9" * 400, "%00", "NaN", "0x10", "%D9%A1")
QUERIES = (
    "limit=5&limit=6",
    "unknown=1",
    "limit=5&LIMIT=6",
    "state=everything",
    "a" * 3_000 + "=1",
    "$where=1",
    "cursor=a&cursor=b",
)


def _path(chance: Random, prey: Prey) -> str:
    return chance.choice(
        ("/api/tasks", f"/api/tasks/{prey.task_id}/results", f"/api/tasks/{prey.task_id}/images", "/api/disputes")
    )


def _limits(chance: Random, prey: Prey) -> Shot:
    return one("an odd limit", request("GET", f"{_path(chance, prey)}?limit={chance.choice(LIMITS)}"), 400, 422)


def _forged(chance: Random, prey: Prey) -> Shot:
    content = chance.choice(([1, 2], {"$gt": ""}, [9e99, "x" * 1_000], "a", None, ["2020", -1], [[], []]))
    cursor = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()
    if chance.random() < 0.3:
        cursor = quote(chance.randbytes(chance.randrange(1, 200)))
    return one("a forged cursor", request("GET", f"{_path(chance, prey)}?cursor={cursor}"), 400, 422)


def _queries(chance: Random, prey: Prey) -> Shot:
    return one("odd parameters", request("GET", f"{_path(chance, prey)}?{chance.choice(QUERIES)}"), 400, 422)


def _formats(chance: Random, prey: Prey) -> Shot:
    wanted = chance.choice(("exe", "../csv", "", "CSV", "jsonl%00"))
    return one("an odd format", request("GET", f"/api/tasks/{prey.task_id}/export?format={wanted}"), 400, 422)


def _left(chance: Random, prey: Prey) -> Shot:
    path = chance.choice(("export", "events", "results?limit=1000"))
    data = request("GET", f"/api/tasks/{prey.task_id}/{path}")
    return Shot(kind="left under way", pieces=(data,), is_left=True, left_s=chance.uniform(0, 0.2), connections=10)


def _old_shape(chance: Random, prey: Prey) -> Shot:
    count = chance.choice(("0", "-1", "1e9", "1000000", "x"))
    path = f"/api/subtasks?userId=thief&numberOfSubtasks={count}"
    return one("leases by the old shape", request("GET", path), 400, 422)


def _label(chance: Random, prey: Prey) -> Shot:
    label = chance.choice(("%00", "%ff", "x" * 5_000, "%F0%9F%98%80", "*", "cat%0a"))
    return one("an odd label", request("GET", f"/api/tasks/{prey.task_id}/results?label={label}"), 200, 400, 422)


MAKERS: tuple[Maker, ...] = (_limits, _forged, _queries, _formats, _left, _old_shape, _label)
