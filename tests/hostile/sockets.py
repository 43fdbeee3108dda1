"""Connections that never end their headers, never send their body, read nothing, or speak something else."""

from random import Random

from tests.hostile.shots import CUT, HOST, Maker, Prey, Shot, head, one, request

PATIENT_S = 40.0
HEALTH = b"GET /healthz HTTP/1.1\r\n"
TASK = b'{"name": "hostile", "labels": ["a"]}'
POST = head("POST", "/api/tasks") + b"Content-Type: application/json\r\n"
HEADS = {
    "a header without an end": (HEALTH + HOST + b"X-A: " + b"a" * 1_500_000, (431, CUT)),
    "1,000 headers": (HEALTH + HOST + b"A: b\r\n" * 1_000 + b"\r\n", (431,)),
    "a long URI": (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", (414,)),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", (400,)),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400,)),
    "an unknown method": (b"BREW / HTTP/1.1\r\n" + HOST + b"\r\n", (400,)),
    "a tunnel": (b"CONNECT localhost:80 HTTP/1.1\r\n" + HOST + b"\r\n", (400,)),
    "another host": (HEALTH + b"Host: evil.example\r\n\r\n", (400,)),
    "no host": (HEALTH + b"\r\n", (400,)),
    "two hosts": (HEALTH + HOST + HOST + b"\r\n", (400,)),
    "a NUL in a header": (HEALTH + HOST + b"X: a\0b\r\n\r\n", (400,)),
    "HTTP/0.9": (b"GET /healthz\r\n\r\n", (400,)),
}
FRAMINGS = {
    "both a length and chunks": (b"Content-Length: 36\r\nTransfer-Encoding: chunked\r\n\r\n", b"0\r\n\r\n"),
    "two lengths": (b"Content-Length: 36\r\nContent-Length: 37\r\n\r\n", TASK),
    "a length below nothing": (b"Content-Length: -1\r\n\r\n", TASK),
    "another encoding": (b"Transfer-Encoding: gzip, chunked\r\n\r\n", b"0\r\n\r\n"),
    "a chunk size past all": (b"Transfer-Encoding: chunked\r\n\r\n", b"1" * 17 + b"\r\n" + TASK),
    "a chunk that lies": (b"Transfer-Encoding: chunked\r\n\r\n", b"2\r\n" + TASK + b"\r\n0\r\n\r\n"),
}
FOREIGN = (b"Sec-Fetch-Site: cross-site\r\n", b"Origin: https://evil.example\r\n", b"Origin: null\r\n")


def _heads(chance: Random, _: Prey) -> Shot:
    kind = chance.choice([*HEADS])
    data, right = HEADS[kind]
    return one(kind, data, *right)


def _framings(chance: Random, _: Prey) -> Shot:
    kind = chance.choice([*FRAMINGS])
    framing, body = FRAMINGS[kind]
    return one(kind, POST + framing + body, 400)


def _foreign(chance: Random, prey: Prey) -> Shot:
    """The GET leases."""
    leasing = "/api/subtasks?userId=thief&numberOfSubtasks=100"
    method, path = chance.choice(
        (("GET", leasing), ("POST", f"/api/tasks/{prey.task_id}/seal"), ("POST", "/api/tasks"))
    )
    return one("from another site", request(method, path, headers=chance.choice(FOREIGN)), 403)


def _trailers(chance: Random, _: Prey) -> Shot:
    """What follows the last chunk counts for nothing, a caller's name above all."""
    body = b"%x\r\n%b\r\n0\r\n" % (len(TASK), TASK)
    trailers = b"X-Quorate-User: eve\r\n" + b"A: b\r\n" * chance.choice((0, 5, 500))
    data = POST + b"Transfer-Encoding: chunked\r\n\r\n" + body + trailers + b"\r\n"
    return Shot(kind="trailers", pieces=(data,), right=frozenset({201, 431}), never=b'"eve"')


def _half_requests(chance: Random, _: Prey) -> Shot:
    return Shot(
        kind="half requests",
        pieces=(HEALTH + HOST + b"X: ",),
        right=frozenset({408, CUT}),
        connections=chance.randrange(20, 100),
    )


def _dripping_headers(_: Random, __: Prey) -> Shot:
    pieces = (HEALTH + HOST, *[b"X: y\r\n"] * 40)
    return Shot(kind="headers that drip", pieces=pieces, right=frozenset({408, CUT}), pause_s=0.5, connections=5)


def _stalled_uploads(chance: Random, prey: Prey) -> Shot:
    opening = head("POST", f"/api/tasks/{prey.task_id}/images")
    opening += b"Content-Type: multipart/form-data; boundary=B\r\nContent-Length: 9999\r\n\r\n--B\r\n"
    return Shot(
        kind="stalled uploads",
        pieces=(opening,),
        right=frozenset({400, 408, 409, CUT}),
        connections=chance.randrange(2, 7),
    )


def _dripping_body(_: Random, __: Prey) -> Shot:
    pieces = (POST + b"Content-Length: 5000\r\n\r\n", *[b" "] * 60)
    return Shot(kind="a body that drips", pieces=pieces, right=frozenset({408, CUT}), pause_s=0.5, connections=4)


def _bodies_before_the_gate(chance: Random, prey: Prey) -> Shot:
    opening = head("POST", f"/api/tasks/{prey.task_id}/images") + b"Content-Type: application/json\r\n"
    body = b'{"id": "x", "image": "' + b"A" * 12_000_000
    data = opening + b"Content-Length: 26600000\r\n\r\n" + body
    right = frozenset({400, 408, 413, CUT})
    return Shot(kind="large bodies held back", pieces=(data,), right=right, connections=chance.randrange(2, 11))


def _unread(chance: Random, prey: Prey) -> Shot:
    """Answers are asked for and not read."""
    path = chance.choice((f"/api/tasks/{prey.task_id}/export", "/api/tasks?limit=1000", "/openapi.json"))
    data = f"GET {path} HTTP/1.1\r\n".encode() + HOST + b"\r\n"
    return Shot(kind="unread answers", pieces=(data * 50,), is_left=True, left_s=chance.uniform(0, 5), connections=10)


def _unread_events(_: Random, prey: Prey) -> Shot:
    data = request("GET", f"/api/tasks/{prey.task_id}/events")
    return Shot(kind="unread events", pieces=(data,), is_left=True, left_s=3.0, connections=30)


def _ahead(chance: Random, _: Prey) -> Shot:
    return Shot(kind="sent far ahead", pieces=((HEALTH + HOST + b"\r\n") * 500,), right=frozenset({200}), is_left=True)


def _idle(chance: Random, _: Prey) -> Shot:
    return Shot(
        kind="idle", pieces=(b"",), is_left=True, left_s=chance.uniform(0, 4), connections=chance.randrange(10, 150)
    )


def _never_continued(_: Random, __: Prey) -> Shot:
    data = POST + b"Expect: 100-continue\r\nContent-Length: 100\r\n\r\n"
    return Shot(kind="never continued", pieces=(data,), right=frozenset({100, 408, CUT}), connections=4)


def _left_under_way(chance: Random, _: Prey) -> Shot:
    data = POST + b"Content-Length: 36\r\n\r\n" + TASK
    return Shot(kind="left under way", pieces=(data[: chance.randrange(len(data) - 1)],), is_left=True)


def _random(chance: Random, _: Prey) -> Shot:
    data = chance.randbytes(chance.randrange(1, 5_000)) + b"\r\n\r\n"
    return one("anything", data, 400, 408, CUT)


MAKERS: tuple[Maker, ...] = (
    _heads,
    _heads,
    _heads,
    _framings,
    _framings,
    _foreign,
    _trailers,
    _half_requests,
    _dripping_headers,
    _stalled_uploads,
    _dripping_body,
    _bodies_before_the_gate,
    _unread,
    _unread_events,
    _ahead,
    _idle,
    _never_continued,
    _left_under_way,
    _random,
)
