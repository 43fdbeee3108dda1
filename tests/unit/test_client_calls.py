"""What the client sends, and what it makes of the answers."""

import json
import re
from io import BytesIO
from pathlib import Path

import httpx
import pytest

from quorate.client import Client
from quorate.connection import is_loopback
from quorate.errors import ApiError, QuorateError
from quorate.uploads import Part
from tests.unit.api_clients import client, task

BALLOT = {"subtask_id": "s", "label": "a", "token": "k"}
LEASE_URL, ITEMS = "/base/api/leases", {"items": [], "next_cursor": None}
API = json.loads((Path(__file__).parents[2] / "docs/api/openapi.json").read_text(encoding="utf-8"))
KEY = "qk_0123456789ab_" + "a" * 38
CALLS = [
    (lambda c: c.task("a/../b?c"), "GET", "/base/api/tasks/a%2F..%2Fb%3Fc", None, {}),
    (lambda c: c.seal("t"), "POST", "/base/api/tasks/t/seal", None, {}),
    (lambda c: c.cancel("t"), "DELETE", "/base/api/tasks/t", None, None),
    (lambda c: list(c.tasks()), "GET", "/base/api/tasks?limit=200", None, ITEMS),
    (
        lambda c: list(c.results("t", label="a&b")),
        "GET",
        "/base/api/tasks/t/results?limit=200&label=a%26b",
        None,
        ITEMS,
    ),
    (
        lambda c: c.known("t", ["ab"]),
        "POST",
        "/base/api/tasks/t/images/known",
        {"sha256": ["ab"]},
        {"known": []},
    ),
    (lambda c: c.me(), "GET", "/base/api/me", None, {}),
    (lambda c: c.activity(), "GET", "/base/api/me/activity", None, {}),
    (
        lambda c: c.activity(since="2026-11-28T00:00:00+01:00", limit=5),
        "GET",
        "/base/api/me/activity?since=2026-11-28T00%3A00%3A00%2B01%3A00&limit=5",
        None,
        {},
    ),
    (lambda c: c.work(), "GET", "/base/api/work", None, {"items": []}),
    (lambda c: c.lease(3), "POST", LEASE_URL, {"count": 3, "task_id": None}, {}),
    (
        lambda c: c.renew([BALLOT]),
        "POST",
        f"{LEASE_URL}/renew",
        {"leases": [{"subtask_id": "s", "token": "k"}]},
        {"outcomes": []},
    ),
    (lambda c: c.give_back("s"), "DELETE", f"{LEASE_URL}/s", None, None),
    (lambda c: c.give_back("s", "k"), "DELETE", f"{LEASE_URL}/s?token=k", None, None),
    (lambda c: c.skip("s"), "DELETE", f"{LEASE_URL}/s?skip=true", None, None),
    (lambda c: c.vote("s", "a", "k"), "POST", "/base/api/subtasks/s/vote", {"label": "a", "token": "k"}, {}),
    (lambda c: c.votes([BALLOT]), "POST", "/base/api/votes", {"votes": [BALLOT]}, {"outcomes": []}),
    (lambda c: c.undo("s"), "DELETE", "/base/api/subtasks/s/vote", None, {}),
    (lambda c: c.subtask("s"), "GET", "/base/api/subtasks/s", None, {}),
    (lambda c: list(c.disputes("t")), "GET", "/base/api/disputes?limit=200&task_id=t", None, ITEMS),
    (lambda c: c.adjudicate("s", "a", "why"), "POST", "/base/api/disputes/s", {"label": "a", "reason": "why"}, {}),
    (lambda c: c.detect(b"\xff", "i"), "POST", "/base/api/object_detection", {"id": "i", "image": "/w=="}, {}),
    (
        lambda c: c.consensus.ask("t", ["ds"]),
        "POST",
        "/base/api/consensus",
        {"task_id": "t", "methods": ["ds"]},
        {},
    ),
    (lambda c: c.consensus.runs("t"), "GET", "/base/api/consensus?task_id=t", None, {"items": []}),
    (lambda c: c.consensus.wait("r"), "GET", "/base/api/consensus/r", None, {"state": "finished"}),
    (
        lambda c: list(c.consensus.results("r", differs="ds")),
        "GET",
        "/base/api/consensus/r/results?limit=200&differs=ds",
        None,
        ITEMS,
    ),
    (lambda c: list(c.consensus.voters("r")), "GET", "/base/api/consensus/r/voters?limit=200", None, ITEMS),
    (lambda c: c.consensus.dispute("r", "ds"), "POST", "/base/api/consensus/r/dispute", {"method": "ds"}, {}),
    (lambda c: c.consensus.operators(), "GET", "/base/api/admin/operators?limit=1000", None, ITEMS),
    (lambda c: c.dead(5), "GET", "/base/api/admin/dead?limit=5", None, {"items": []}),
    (lambda c: c.replay(), "POST", "/base/api/admin/dead/replay", {"ids": []}, {"replayed": 0}),
]


@pytest.mark.parametrize(("call", "method", "target", "body", "answer"), CALLS)
def test_a_call_is_the_request_of_the_contract(call, method, target, body, answer):
    seen = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(204) if answer is None else httpx.Response(200, json=answer)

    with client(handler, user="ada") as api:
        call(api)
    [request] = seen
    assert (request.method, request.url.raw_path.decode()) == (method, target)
    assert (json.loads(request.content) if request.content else None) == body
    assert request.headers["X-Quorate-User"] == "ada"


@pytest.mark.parametrize(("method", "target", "body"), [(c[1], c[2], c[3]) for c in CALLS])
def test_a_call_is_in_the_committed_api(method, target, body):
    path = target.partition("?")[0].removeprefix("/base")
    [operation] = [
        operations[method.lower()]
        for template, operations in API["paths"].items()
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and method.lower() in operations
    ]
    asked = httpx.QueryParams(target.partition("?")[2])
    assert set(asked) <= {p["name"] for p in operation.get("parameters", []) if p["in"] == "query"}
    if body is not None:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        properties = API["components"]["schemas"].get(schema.get("$ref", "").rpartition("/")[2], schema)["properties"]
        assert set(body) <= set(properties)


def test_creating_a_task_leaves_out_what_was_not_said():
    bodies = []
    said = {"instructions": "look", "allow_unsure": False, "quorum": {"lead": 2}, "detector": {"mode": "off"}}

    def handler(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        return httpx.Response(201, json=task())

    with client(handler) as api:
        api.create_task("n", ["a"])
        api.create_task("n", ["a"], **said)
    assert bodies == [{"name": "n", "labels": ["a"]}, {"name": "n", "labels": ["a"]} | said]


def test_preferences_go_with_their_etag():
    seen = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append((request.method, request.url.path, request.headers.get("If-Match"), request.content))
        if request.method == "GET":
            return httpx.Response(200, json={"theme": "dark"}, headers={"ETag": '"1"'})
        return httpx.Response(204, headers={"ETag": '"2"'})

    with client(handler) as api:
        settings, etag = api.preferences()
        assert api.set_preferences({**settings, "strip": False}, etag) == '"2"'
    path = "/base/api/me/preferences"
    assert seen == [("GET", path, None, b""), ("PUT", path, '"1"', b'{"theme":"dark","strip":false}')]


def test_pages_are_followed_lazily():
    seen = []

    def handler(request: httpx.Request) -> httpx.Response:
        cursor = request.url.params.get("cursor")
        seen.append(cursor)
        return httpx.Response(
            200, json={"items": [cursor], "next_cursor": {None: "b", "b": "c&=", "c&=": None}[cursor]}
        )

    with client(handler) as api:
        results = api.results("t")
        assert next(results) is None
        assert seen == [None]
        assert list(results) == ["b", "c&="]


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("/objects/x?sig=a%2Fb", "quorate.test", "/base/objects/x?sig=a%2Fb"),
        ("https://s3.test/x?sig=1", "s3.test", "/x?sig=1"),
    ],
)
def test_an_image_is_read_without_saying_who(url, host, path):
    def handler(request: httpx.Request) -> httpx.Response:
        assert (request.url.host, request.url.raw_path.decode()) == (host, path)
        assert "X-Quorate-User" not in request.headers
        return httpx.Response(200, content=b"bytes")

    with client(handler, user="ada") as api:
        assert api.image_bytes(url) == b"bytes"


def test_a_key_says_who_calls_and_nothing_else_does():
    def handler(request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        assert "X-Quorate-User" not in request.headers
        return httpx.Response(200, json={})

    with client(handler, user="ada", key=KEY) as api:
        api.me()


@pytest.mark.parametrize("key", ["", "qk_", "Bearer qk_0123456789ab", f"{KEY}\n", KEY.replace("a", "ä")])
def test_what_cannot_be_a_key_is_not_sent(key):
    with pytest.raises(ValueError, match="qk_"):
        client(lambda _: httpx.Response(200), key=key)


PROBLEM = {
    "title": "Unprocessable",
    "status": 422,
    "detail": "two faults",
    "request_id": "r-1",
    "errors": [{"pointer": "/labels/0", "detail": "empty"}, {"pointer": None, "detail": "late"}, "noise"],
}


@pytest.mark.parametrize(
    ("response", "text"),
    [
        (httpx.Response(422, json=PROBLEM), "422 Unprocessable: two faults; /labels/0: empty; late (request r-1)"),
        (
            httpx.Response(422, json=PROBLEM | {"detail": "empty", "errors": PROBLEM["errors"][:1]}),
            "422 Unprocessable: /labels/0: empty (request r-1)",
        ),
        (httpx.Response(404, json={}), "404 Not Found"),
        (
            httpx.Response(500, text="<h1>", headers={"X-Request-Id": "r-2"}),
            "500 Internal Server Error: <h1> (request r-2)",
        ),
        (httpx.Response(500, json=[1]), "500 Internal Server Error: [1]"),
        (httpx.Response(400, content=b"\xff" * 1000), "400 Bad Request: " + "\ufffd" * 300),
    ],
)
def test_a_refusal_reads_well(response, text):
    with client(lambda _: response) as api, pytest.raises(ApiError) as raised:
        api.task("t")
    assert str(raised.value) == text


def test_an_answer_that_is_not_json_is_said_to_be():
    with client(lambda _: httpx.Response(200, text="<html>")) as api, pytest.raises(QuorateError, match="not JSON"):
        api.task("t")


@pytest.mark.parametrize("base", ["http://q/api", "http://q/api/", "http://q/", "http://q"])
def test_the_address_of_the_api_is_that_of_the_platform(base):
    def handler(request: httpx.Request) -> httpx.Response:
        assert str(request.url) == "http://q/api/tasks/t"
        return httpx.Response(200, json=task())

    with Client(base, transport=httpx.MockTransport(handler)) as api:
        api.task("t")


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://x", "http://", "http://[", "http://a:port"])
def test_a_url_must_be_one(url):
    with pytest.raises(ValueError, match="URL"):
        Client(url)


@pytest.mark.parametrize("user", ["", " a", "a\nb", "\x1b[2J", "Zoë"])
def test_a_user_must_fit_a_header(user):
    with pytest.raises(ValueError, match="ASCII"):
        Client(user=user)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://[::1]:80", True),
        ("http://localhost", True),
        ("http://a.localhost", True),
        ("http://10.0.0.1", False),
        ("http://localhost.example", False),
    ],
)
def test_loopback(url, expected):
    assert is_loopback(url) is expected


# Uploads


def part(name: str) -> Part:
    return Part(name, 1, lambda: BytesIO(b"x"))


def test_files_refused_for_themselves_are_in_the_report():
    image = {"filename": "a", "status": "rejected", "image_id": None, "sha256": None, "reason": "bad"} | {"notes": []}
    body = PROBLEM | {"images": [image], "accepted": 0, "duplicates": 0, "rejected": 1, "skipped": 0}
    with client(lambda _: httpx.Response(422, json=body)) as api:
        assert api.upload("t", [part("a")])["images"] == [image]


def test_a_request_refused_as_a_whole_is_sent_file_by_file():
    def handler(request: httpx.Request) -> httpx.Response:
        if b'"bad"' in request.content:
            return httpx.Response(413, json={"title": "Too large", "detail": "over the limit"})
        return httpx.Response(200, json={"images": [{}], "accepted": 1, "duplicates": 0, "rejected": 0})

    with client(handler) as api:
        report = api.upload("t", [part("a"), part("bad"), part("c")])
    assert (report["accepted"], report["rejected"]) == (2, 1)
    assert report["images"][1]["reason"] == "over the limit"


@pytest.mark.parametrize("status", [404, 409, 507])
def test_a_task_that_takes_no_images_is_an_error(status):
    with client(lambda _: httpx.Response(status, json={})) as api, pytest.raises(ApiError):
        api.upload("t", [part("a"), part("b")])
