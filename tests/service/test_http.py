"""What the edge refuses before anything is asked: paths, methods, hosts, types, and JSON that is none."""

import gzip
import json
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from tests.service.running import Api, as_user, assert_problem, running

pytestmark = pytest.mark.asyncio(loop_scope="module")
UNKNOWN = "0" * 32


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """One platform for the whole table: nothing here may leave a trace in it."""
    async with running(tmp_path_factory.mktemp("http")) as started:
        yield started


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/api",
        "/api/tasks/",
        "/api/tasks/..%2f..%2fetc%2fpasswd",
        "/api/%2e%2e/secret",
        "/objects/..%2fsecret/x",
        "/objects/%2e%2e/secret.png?expires=9999999999&signature=x",
        "/api/tasks/%00",
        "/api/tasks/%ff%fe",
        "/api/tasks/" + "a" * 5_000,
    ],
)
async def test_there_is_nothing_at_unknown_paths(api: Api, path):
    assert_problem(await api.http.get(path), 404)
    await api.unharmed()


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/tasks", "GET, HEAD, POST"),
        ("POST", "/api/tasks/x", "DELETE, GET, HEAD, PATCH"),
        ("GET", "/api/leases", "POST"),
        ("DELETE", "/api/tasks", "GET, HEAD, POST"),
        ("PATCH", "/api/tasks/x/images", "GET, HEAD, POST"),
        ("GET", "/api/tasks/x/upload", "POST"),
        ("POST", "/api/tasks/x/results", "GET, HEAD"),
        ("POST", "/api/subtasks", "GET, HEAD"),
        ("PUT", "/api/subtasks/x", "GET, HEAD, PATCH"),
        ("GET", "/api/subtasks/x/vote", "DELETE, POST"),
        ("PUT", "/api/disputes/x", "POST"),
        ("GET", "/api/object_detection", "POST"),
        ("POST", "/healthz", "GET, HEAD"),
        ("DELETE", "/objects/x/y", "GET, HEAD"),
    ],
)
async def test_wrong_methods_are_told_the_right_ones(api: Api, method, path, allowed):
    answer = await api.http.request(method, path)
    assert_problem(answer, 405)
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8080", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:8080", 200),
        ("[::1]", 200),
        ("evil.example", 400),
        ("localhost.evil.example", 400),
        ("user@localhost", 400),
        ("localhost:abc", 400),
        ("localhost:80:80", 400),
        ("[", 400),
        ("[::1", 400),
        ("]", 400),
        ("", 400),
        (" ", 400),
        ("a/b", 400),
    ],
)
async def test_requests_for_other_hosts_are_refused(api: Api, host, status):
    answer = await api.http.get("/healthz", headers={"Host": host})
    assert answer.status_code == status
    if status == 400:
        problem = answer.json()
        assert (problem["status"], problem["instance"]) == (400, "/healthz")
        assert answer.headers["content-type"] == "application/problem+json"


async def test_hosts_that_the_settings_name_are_served(tmp_path):
    async with running(tmp_path, allowed_hosts="labels.example, other.example") as api:
        for host, status in {"labels.example:443": 200, "localhost": 200, "third.example": 400}.items():
            assert (await api.http.get("/healthz", headers={"Host": host})).status_code == status


@pytest.mark.parametrize(
    ("sent", "is_kept"),
    [("abc-1.2_3", True), ("a" * 64, True), ("a" * 65, False), ("two words", False), ("<script>", False), ("", False)],
)
async def test_a_request_id_comes_back(api: Api, sent, is_kept):
    for path, status in (("/healthz", 200), ("/nothing", 404)):
        answer = await api.http.get(path, headers={"X-Request-ID": sent})
        assert answer.status_code == status
        assert (answer.headers["x-request-id"] == sent) is is_kept
        assert answer.headers["x-request-id"]


async def test_request_ids_differ(api: Api):
    assert len({(await api.http.get("/healthz")).headers["x-request-id"] for _ in range(5)}) == 5


JSON = {"Content-Type": "application/json"}
TASK = {"name": "n", "labels": ["a", "b"]}
DEEP = b"[" * 10_000 + b"]" * 10_000


def task_body(**changes: object) -> bytes:
    return json.dumps(TASK | changes).encode()


BODIES = {
    "empty": (b"", 422),
    "truncated": (b'{"name": "n", "labels": ["a"', 400),
    "not JSON": (b"name=n", 400),
    "two documents": (b"{}{}", 400),
    "not UTF-8": (b'{"name": "\xff", "labels": ["a"]}', 400),
    "a lone surrogate": (b'{"name": "\\ud800", "labels": ["a"]}', 400),
    "null": (b"null", 422),
    "array": (b"[]", 422),
    "string": (b'"task"', 422),
    "number": (b"5", 422),
    "deep": (DEEP, 400),
    "deep field": (b'{"name": "n", "labels": ["a"], "quorum": ' + DEEP + b"}", 400),
    "NaN": (b'{"name": "n", "labels": ["a"], "quorum": {"min_agreement": NaN}}', 400),
    "Infinity": (b'{"name": "n", "labels": ["a"], "quorum": {"min_agreement": Infinity}}', 400),
    "-Infinity": (b'{"name": "n", "labels": ["a"], "quorum": {"min_agreement": -Infinity}}', 400),
    "a float past all floats": (b'{"name": "n", "labels": ["a"], "quorum": {"min_agreement": 1e999}}', 422),
    "400 digits": (b'{"name": "n", "labels": ["a"], "quorum": {"votes_required": ' + b"9" * 400 + b"}}", 422),
    "400 digits for a float": (
        b'{"name": "n", "labels": ["a"], "quorum": {"min_agreement": ' + b"9" * 400 + b"}}",
        422,
    ),
    "10,000 digits": (b'{"name": "n", "labels": ["a"], "quorum": {"votes_required": ' + b"9" * 10_000 + b"}}", 400),
    "unknown field _id": (task_body(_id="x"), 422),
    "unknown field state": (task_body(state="completed"), 422),
    "unknown field owner": (task_body(owner="me"), 422),
    "a field of later": (task_body(webhook="http://x"), 422),
    "another field of later": (task_body(pipeline=[]), 422),
    "unknown field inside": (task_body(quorum={"overlap": 3}), 422),
    "string for a number": (task_body(quorum={"votes_required": "5"}), 422),
    "true for a number": (task_body(quorum={"votes_required": True}), 422),
    "true for a float": (task_body(quorum={"min_agreement": True}), 422),
    "float for a number": (task_body(quorum={"votes_required": 1.5}), 422),
    "string for a bool": (task_body(allow_unsure="yes"), 422),
    "object for a string": (task_body(name={"$gt": ""}), 422),
    "null for a string": (task_body(name=None), 422),
    "number for a string": (task_body(name=5), 422),
    "object for labels": (task_body(labels={"0": "a"}), 422),
    "string for labels": (task_body(labels="ab"), 422),
    "object for a label": (task_body(labels=[{"$gt": ""}]), 422),
    "null for a policy": (task_body(quorum=None), 422),
    "no name": (task_body(name=""), 422),
    "long name": (task_body(name="n" * 201), 422),
    "long instructions": (task_body(instructions="i" * 10_001), 422),
    "no votes": (task_body(quorum={"votes_required": 0}), 422),
    "101 votes": (task_body(quorum={"votes_required": 101}), 422),
    "fewer at most than required": (task_body(quorum={"votes_required": 5, "max_votes": 4}), 422),
    "an agreement over 1": (task_body(quorum={"min_agreement": 1.01}), 422),
    "an unknown stop": (task_body(quorum={"stop": "never"}), 422),
    "a lead that cannot be": (task_body(quorum={"stop": "lead", "lead": 9, "max_votes": 5}), 422),
    "an unknown mode": (task_body(detector={"mode": "always"}), 422),
    "a map to a label that is not there": (task_body(detector={"label_map": {"x": "zebra"}}), 422),
    "a map to a number": (task_body(detector={"label_map": {"x": 1}}), 422),
    "a share over 1": (task_body(detector={"audit_share": 2}), 422),
    "too large": (task_body(name="n" * 1_000_001), 413),
}


@pytest.mark.parametrize(("body", "status"), BODIES.values(), ids=BODIES)
async def test_bodies_that_are_no_task(api: Api, body, status):
    before = await api.tasks()
    assert_problem(await api.http.post("/api/tasks", content=body, headers=JSON), status)
    assert await api.tasks() == before
    await api.unharmed()


async def test_errors_point_at_the_fields(api: Api):
    body = {"name": 5, "labels": ["a", 7], "quorum": {"votes_required": 101}, "detector": {"x/y~z": 1}}
    problem = assert_problem(await api.http.post("/api/tasks", json=body), 422)
    pointers = {error["pointer"] for error in problem["errors"]}
    assert pointers == {"/name", "/labels/1", "/quorum/votes_required", "/detector/x~1y~0z"}


async def test_a_body_with_a_hundred_thousand_mistakes_gets_a_short_answer(api: Api):
    answer = await api.http.post("/api/tasks", json={"name": "n", "labels": [0] * 100_000})
    assert_problem(answer, 422)
    assert len(answer.content) < 100_000


async def test_a_field_with_a_long_name_gets_a_short_answer(api: Api):
    answer = await api.http.post("/api/tasks", json=TASK | {"x" * 500_000: 1})
    assert_problem(answer, 422)
    assert len(answer.content) < 10_000


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None]
)
@pytest.mark.parametrize("path", ["/api/tasks", "/api/leases", "/api/votes", "/api/subtasks/x/vote", "/api/disputes/x"])
async def test_json_has_to_be_called_json(api: Api, path, content_type):
    headers = {} if content_type is None else {"Content-Type": content_type}
    assert_problem(await api.http.post(path, content=b"{}", headers=headers), 415)


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON", "application/ld+json"])
async def test_json_by_other_names_is_taken(api: Api, content_type):
    answer = await api.http.post("/api/tasks", content=task_body(), headers={"Content-Type": content_type})
    assert answer.status_code == 201


@pytest.mark.parametrize("path", ["/api/tasks", "/api/tasks/{}/images", "/api/object_detection", "/api/votes"])
async def test_compressed_bodies_are_refused(api: Api, path):
    headers = JSON | {"Content-Encoding": "gzip"}
    assert_problem(
        await api.http.post(path.format(await api.task()), content=gzip.compress(task_body()), headers=headers), 415
    )
    await api.unharmed()


MALFORMED_IDS = [UNKNOWN, "x", "..", "$ne", "%00", "a" * 300, "'; DROP TABLE tasks", "0" * 31, "\u202eid", "{}"]
BY_ID = [
    ("GET", "/api/tasks/{}", None),
    ("POST", "/api/tasks/{}/seal", None),
    ("DELETE", "/api/tasks/{}", None),
    ("GET", "/api/tasks/{}/results", None),
    ("GET", "/api/tasks/{}/images", None),
    ("GET", "/api/tasks/{}/export", None),
    ("GET", "/api/tasks/{}/events", None),
    ("POST", "/api/tasks/{}/images", {"id": "a", "image": "aaaa"}),
    ("GET", "/api/subtasks/{}", None),
    ("POST", "/api/subtasks/{}/vote", {"label": "cat", "token": "t"}),
    ("DELETE", "/api/subtasks/{}/vote", None),
    ("DELETE", "/api/leases/{}", None),
    ("POST", "/api/disputes/{}", {"label": "cat", "reason": "seen"}),
    ("PATCH", "/api/subtasks/{}", {"userId": "u", "assignedLabel": "cat"}),
]


@pytest.mark.parametrize(("method", "path", "body"), BY_ID, ids=[f"{method} {path}" for method, path, _ in BY_ID])
async def test_ids_that_are_none_are_like_unknown_ones(api: Api, method, path, body):
    await api.task_with(1)
    for one in MALFORMED_IDS:
        url = httpx.URL(path.format(one if "%" in one else one.replace("..", "%2e%2e")))
        answer = await api.http.request(method, url, json=body)
        assert answer.status_code == 404, (one, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    await api.unharmed()


async def test_unknown_ids_in_bodies(api: Api):
    for one in MALFORMED_IDS:
        answer = await api.http.post("/api/leases", json={"task_id": one})
        if len(one) > 64:
            assert_problem(answer, 422, pointer="/task_id")
        else:  # as for a task whose first image has not come yet
            assert answer.json() == {
                "leases": [],
                "more": False,
                "waiting_for_others": 0,
                "opening": 0,
                "next_cursor": None,
            }
    votes = [{"subtask_id": one[:64], "label": "cat", "token": "t"} for one in MALFORMED_IDS]
    outcomes = (await api.http.post("/api/votes", json={"votes": votes})).json()["outcomes"]
    assert [(one["status"], one["subtask_state"]) for one in outcomes] == [(404, None)] * len(votes)


@pytest.mark.parametrize("user", ["", " ", "detector:tiny@1", "a\tb", "u" * 201, "a\x7f"])
async def test_nobody_is_called_that(api: Api, user):
    for path in ("/api/tasks", "/api/disputes"):
        assert_problem(await api.http.get(path, headers=as_user(user)), 422)


NUMBERS = [0, -1, 1.5, 10**9, "5", True, None]


@pytest.mark.parametrize("count", NUMBERS)
async def test_lease_counts(api: Api, count):
    await api.task_with(1)
    assert_problem(await api.http.post("/api/leases", json={"count": count}), 422, pointer="/count")
    assert_problem(await api.http.post("/api/leases", json={"count": 101}), 422, pointer="/count")
    await api.unharmed()


@pytest.mark.parametrize(
    "path", ["/api/tasks", "/api/tasks/{task}/results", "/api/tasks/{task}/images", "/api/disputes"]
)
async def test_pages(api: Api, path):
    task_id, _ = await api.task_with(2)
    url = path.format(task=task_id)
    for limit in ("0", "-1", "1.5", "1000000", "x", "", "9" * 400):
        assert_problem(await api.http.get(url, params={"limit": limit}), 422, pointer="limit")
    for cursor in ("x", "AAAA", "é", "a" * 200, "a" * 5_000, "MTIz", "JG5l", "%00", "==="):
        assert_problem(await api.http.get(url, params={"cursor": cursor}), 400)
    assert (await api.http.get(url, params={"cursor": ""})).json() == (await api.http.get(url)).json()
    last = {"/api/tasks": "OTk5OTk5OTk5OTk5OTk5OWZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZm"}.get(
        path, "ZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY"
    )
    answer = await api.http.get(url, params={"cursor": last})
    assert answer.json() == {"items": [], "next_cursor": None}, answer.text


async def test_filters_that_are_none(api: Api):
    task_id, _ = await api.task_with(1)
    url = f"/api/tasks/{task_id}"
    assert_problem(await api.http.get(f"{url}/results", params={"state": "cancelled"}), 422, pointer="state")
    assert_problem(await api.http.get(f"{url}/results", params={"label": "l" * 201}), 422, pointer="label")
    assert_problem(await api.http.get(f"{url}/export", params={"format": "voc"}), 422, pointer="format")
    assert (await api.http.get(f"{url}/results", params={"label": "' OR 1=1"})).json()["items"] == []


async def test_images_have_no_address_without_a_signature(api: Api):
    for query in ("", "?expires=1", "?expires=x&signature=y", "?expires=1&signature=" + "s" * 65, "?signature=y"):
        answer = await api.http.get(f"/objects/{UNKNOWN}/{UNKNOWN}-0.png{query}")
        assert answer.status_code in {404, 422}
        assert answer.headers["content-type"] == "application/problem+json"
    assert_problem(await api.http.get(f"/objects/{UNKNOWN}/{UNKNOWN}-0.png?expires=9&signature=y"), 404)


async def test_bodies_of_other_commands(api: Api):
    refused = {
        "/api/votes": [
            {},
            {"votes": []},
            {"votes": None},
            {"votes": [{}]},
            {"votes": [{"subtask_id": "s", "label": "l"}]},
        ],
        "/api/leases": [{"task_id": 5}, {"task_id": ""}, {"user": "x"}, {"task_id": {"$gt": ""}}],
        "/api/leases/renew": [{}, {"leases": []}, {"leases": [{"subtask_id": "s"}]}],
        "/api/subtasks/x/vote": [
            {},
            {"label": "cat"},
            {"label": "", "token": "t"},
            {"label": "c", "token": "t", "userId": "u"},
        ],
        "/api/disputes/x": [
            {},
            {"label": "cat"},
            {"label": "cat", "reason": ""},
            {"label": "cat", "reason": "r" * 2_001},
        ],
        "/api/admin/dead/replay": [{"ids": "all"}, {"ids": [1]}, {"ids": ["1"] * 1_001}],
    }
    for path, bodies in refused.items():
        for body in bodies:
            assert_problem(await api.http.post(path, json=body), 422)
    too_many = [{"subtask_id": "s", "label": "l", "token": "t"}] * 1_001
    assert_problem(await api.http.post("/api/votes", json={"votes": too_many}), 422, pointer="/votes")
