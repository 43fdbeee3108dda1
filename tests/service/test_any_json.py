"""Requests changed at random places: refused or done, never a fault of ours, and nothing is harmed."""

import json
import random

import pytest

from tests.service.running import Api, assert_problem

VALUES = [
    None,
    True,
    False,
    0,
    1,
    -1,
    1.5,
    10**9,
    10**400,
    1e308,
    "",
    " ",
    "a",
    "\0",
    "\N{CAT FACE}",
    "$ne",
    "__proto__",
]
VALUES += ["x" * 300, "0" * 32, [], {}, [[]], {"$gt": ""}, ["a"], ["a", "b"], {"a": "b"}, "\u202e", "vote", "accept"]
FIELDS = ["name", "labels", "votes", "label", "token", "count", "task_id", "quorum", "detector", "mode", "id", "image"]
USERS = ["ada", b"\xff\xfe", "\u00e9".encode(), "a" * 200, "%00"]
TRACES = ["x", b"\xff", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "00-" + "A" * 32 + "-" + "b" * 16 + "-zz", ""]
KEYS = ["k", b"\xff", "a" * 200]


def changed(value: object, chance: random.Random) -> object:
    """The value with another somewhere inside."""
    if isinstance(value, dict) and value and chance.random() < 0.85:
        name = chance.choice(list(value))
        return {**value, name: changed(value[name], chance)}
    if isinstance(value, list) and value and chance.random() < 0.7:
        at = chance.randrange(len(value))
        return [*value[:at], changed(value[at], chance), *value[at + 1 :]]
    if chance.random() < 0.1:
        return {chance.choice(FIELDS): chance.choice(VALUES) for _ in range(3)}
    return chance.choice(VALUES)


def honest(task_id: str, image_id: str) -> dict[str, dict]:
    quorum = {"votes_required": 3, "stop": "exact", "lead": 2, "min_agreement": 0.5, "max_votes": 5}
    detector = {"mode": "vote", "min_confidence": 0.1, "label_map": {"x": "a"}, "audit_share": 0.1}
    vote = {"label": "cat", "token": "t"}
    return {
        "/api/tasks": {"name": "n", "labels": ["a", "b"], "quorum": quorum, "detector": detector, "allow_unsure": True},
        "/api/leases": {"count": 1, "task_id": task_id},
        "/api/leases/renew": {"leases": [{"subtask_id": image_id, "token": "t"}]},
        "/api/votes": {"votes": [{"subtask_id": image_id, **vote}]},
        f"/api/subtasks/{image_id}/vote": vote,
        f"/api/disputes/{image_id}": {"label": "cat", "reason": "seen"},
        "/api/admin/dead/replay": {"ids": ["1"]},
        f"/api/tasks/{task_id}/images": {"id": "a", "image": "aaaa"},
    }


@pytest.mark.parametrize("seed", range(3))
async def test_bodies_and_headers(api: Api, seed):
    task_id, (image_id,) = await api.task_with(1)
    requests, chance = honest(task_id, image_id), random.Random(seed)
    for _ in range(300):
        path = chance.choice(list(requests))
        headers = {"Content-Type": "application/json", "X-Quorate-User": chance.choice(USERS)}
        headers |= {"traceparent": chance.choice(TRACES), "Idempotency-Key": chance.choice(KEYS)}
        content = json.dumps(changed(requests[path], chance)).encode()
        answer = await api.http.post(path, content=content, headers=headers)
        if answer.status_code >= 400:
            assert answer.status_code < 500, (path, content)
            assert_problem(answer, answer.status_code)
    await api.unharmed()


@pytest.mark.parametrize("seed", range(3))
async def test_queries(api: Api, seed):
    task_id, (image_id,) = await api.task_with(1)
    chance = random.Random(seed)
    paths = ["/api/tasks", "/api/disputes", "/api/subtasks", "/api/admin/dead", f"/objects/{task_id}/{image_id}.png"]
    paths += [f"/api/tasks/{task_id}/results", f"/api/tasks/{task_id}/export"]
    names = ["limit", "cursor", "state", "label", "format", "task_id", "expires", "signature", "userId"]
    for _ in range(200):
        query = {name: str(chance.choice(VALUES)) for name in chance.sample([*names, "numberOfSubtasks"], 3)}
        answer = await api.http.get(chance.choice(paths), params=query)
        if answer.status_code >= 400:
            assert answer.status_code < 500, answer.request.url
            assert_problem(answer, answer.status_code)
    await api.unharmed()
