"""Paths, ids and methods that are not there."""

from random import Random
from urllib.parse import quote

from tests.hostile.shots import HOST, Maker, Prey, Shot, one, request

IDS = (
    "x",
    "0",
    "-1",
    "null",
    "%00",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..%2f..%2fsecret",
    "%ff%fe",
    "a" * 5_000,
    quote("größer"),
    quote("'; DROP TABLE tasks; --"),
    quote('{"$gt":""}'),
    "00000000-0000-0000-0000-000000000000",
    "%0d%0aX-Evil:%201",
    "__proto__",
)
PATHS = (
    ("GET", "/api/tasks/{}"),
    ("DELETE", "/api/tasks/{}"),
    ("GET", "/api/tasks/{}/results"),
    ("GET", "/api/tasks/{}/images"),
    ("GET", "/api/tasks/{}/export"),
    ("GET", "/api/tasks/{}/events"),
    ("POST", "/api/tasks/{}/seal"),
    ("POST", "/api/tasks/{}/reopen"),
    ("GET", "/api/subtasks/{}"),
    ("DELETE", "/api/subtasks/{}/vote"),
    ("GET", "/objects/{}"),
    ("GET", "/{}"),
)
WRONG = (
    ("PUT", "/api/tasks"),
    ("DELETE", "/api/tasks"),
    ("PATCH", "/api/leases"),
    ("GET", "/api/votes"),
    ("POST", "/healthz"),
    ("TRACE", "/healthz"),
    ("OPTIONS", "/api/tasks"),
)


def _ids(chance: Random, _: Prey) -> Shot:
    method, path = chance.choice(PATHS)
    return one("an id that is none", request(method, path.format(chance.choice(IDS))), 400, 403, 404)


def _of_the_task(chance: Random, prey: Prey) -> Shot:
    path = f"/api/tasks/{prey.task_id}/images/{chance.choice(IDS)}"
    return one("an image that is none", request("DELETE", path), 400, 404)


def _methods(chance: Random, _: Prey) -> Shot:
    return one("a wrong method", request(*chance.choice(WRONG)), 400, 405)


def _traversal(chance: Random, _: Prey) -> Shot:
    up = chance.choice(("../", "%2e%2e/", "..%2f", "..\\", "%252e%252e%252f", "....//")) * chance.randrange(1, 20)
    path = chance.choice(("/", "/api/", "/objects/")) + up + "etc/passwd"
    return Shot(kind="a way up", pieces=(request("GET", path),), right=frozenset({400, 403, 404}), never=b"root:")


def _head_requests(chance: Random, prey: Prey) -> Shot:
    path = chance.choice(("/api/tasks", f"/api/tasks/{prey.task_id}", "/healthz", f"/api/tasks/{prey.task_id}/events"))
    return Shot(kind="HEAD", pieces=(request("HEAD", path),), right=frozenset({200}), is_head=True)


def _absolute(chance: Random, _: Prey) -> Shot:
    target = chance.choice((b"http://evil.example/api/tasks", b"*", b"//evil.example/", b"/?", b"?a", b"a"))
    return one(
        "an odd target", b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n", 200, 400, 404, 422
    )


def _user_names(chance: Random, _: Prey) -> Shot:
    name = chance.choice((b"", b" ", b"\xff", b"a" * 10_000, b"a\tb", b"'; --", b"detector:x@0"))
    headers = b"X-Quorate-User: " + name + b"\r\nX-Forwarded-For: 1.2.3.4\r\n"
    return one("an odd caller", request("POST", "/api/leases", headers=headers, body=b'{"count": 0}'), 400, 422)


MAKERS: tuple[Maker, ...] = (_ids, _ids, _of_the_task, _methods, _traversal, _head_requests, _absolute, _user_names)
