"""What can be understood in two ways, or comes from a page of another site, is refused; HEAD is answered as GET is."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.service.running import Api, assert_problem, running
from tests.service.staged_uploads import begin

pytestmark = pytest.mark.asyncio(loop_scope="module")
JSON = {"Content-Type": "application/json"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    async with running(tmp_path_factory.mktemp("strict"), allowed_origins="https://labels.example") as started:
        yield started


REPEATED = {
    "a task's name": ("/api/tasks", b'{"name": "a", "labels": ["x"], "name": "b"}'),
    "a task's name, escaped": ("/api/tasks", b'{"name": "a", "labels": ["x"], "n\\u0061me": "b"}'),
    "within a policy": ("/api/tasks", b'{"name": "a", "labels": ["x"], "quorum": {"lead": 1, "lead": 2}}'),
    "within a map": ("/api/tasks", b'{"name": "a", "labels": ["x"], "detector": {"label_map": {"k": "x", "k": "x"}}}'),
    "a count": ("/api/leases", b'{"count": 1, "count": 2}'),
    "a vote's label": ("/api/subtasks/x/vote", b'{"label": "cat", "token": "t", "label": "dog"}'),
    "a vote's token, equal": ("/api/subtasks/x/vote", b'{"label": "cat", "token": "t", "token": "t"}'),
    "within a list": ("/api/votes", b'{"votes": [{"subtask_id": "a", "label": "x", "token": "t", "label": "y"}]}'),
    "a list": ("/api/votes", b'{"votes": [], "votes": [{"subtask_id": "a", "label": "x", "token": "t"}]}'),
    "a picture": ("/api/tasks/{}/images", b'{"id": "a", "image": "aaaa", "id": "b"}'),
    "a picture to look at": ("/api/object_detection", b'{"id": "a", "image": "aaaa", "image": "bbbb"}'),
    "in JSON within JSON": ("/api/object_detection", b'"{\\"id\\": 1, \\"image\\": \\"aaaa\\", \\"id\\": 2}"'),
    "a staged upload": ("/api/tasks/{}/uploads", b'{"files": [{"filename": "a", "filename": "b"}]}'),
    "why a task is finished": ("/api/tasks/{}/finish", b'{"reason": "late", "reason": "done"}'),
    "why a subtask is finished": ("/api/subtasks/x/finish", b'{"reason": "late", "reason": "done"}'),
    "dead letters": ("/api/admin/dead/replay", b'{"ids": [], "ids": null}'),
}


@pytest.mark.parametrize(("path", "body"), REPEATED.values(), ids=REPEATED)
async def test_a_field_that_is_given_twice(api: Api, path, body):
    path = path.format(await api.task())
    before = await api.tasks()
    assert_problem(await api.http.post(path, content=body, headers=JSON), 400, saying="twice")
    assert await api.tasks() == before


async def test_a_field_that_is_given_twice_in_the_old_shapes(api: Api):
    for method, path, body in (
        ("GET", "/api/subtasks", b'{"userId": "a", "numberOfSubtasks": 1, "userId": "b"}'),
        ("PATCH", "/api/subtasks/x", b'{"userId": "a", "assignedLabel": "cat", "assignedLabel": "dog"}'),
    ):
        assert_problem(await api.http.request(method, path, content=body, headers=JSON), 400, saying="twice")


async def test_colons_in_values_are_no_fields(api: Api):
    answer = await api.http.post("/api/tasks", json={"name": "a: b: c", "labels": ["x:y", '"name":']})
    assert answer.status_code == 201
    answer = await api.http.post("/api/subtasks/x/vote", json={"label": "a:b", "token": '{"token":1}'})
    assert_problem(answer, 404)


QUERIES = [
    ("GET", "/api/tasks", "limit=1&limit=2"),
    ("GET", "/api/tasks", "limit=1&limit=1"),
    ("GET", "/api/tasks", "page=2"),
    ("GET", "/api/tasks", "Limit=2"),
    ("GET", "/api/tasks", "x"),
    ("GET", "/api/tasks", "limit=5.0"),
    ("GET", "/api/tasks", "limit=%2B5"),
    ("GET", "/api/tasks", "limit=1_0"),
    ("GET", "/api/tasks", "limit=05"),
    ("GET", "/api/tasks", "limit=%205"),
    ("GET", "/api/tasks", "limit=%D9%A5"),
    ("GET", "/api/tasks", "limit=1e1"),
    ("POST", "/api/tasks", "name=a"),
    ("POST", "/api/leases", "count=5"),
    ("POST", "/api/votes", "x=1"),
    ("POST", "/api/subtasks/x/vote", "label=cat"),
    ("DELETE", "/api/leases/x", "skip=yes"),
    ("DELETE", "/api/leases/x", "skip=1"),
    ("DELETE", "/api/leases/x", "skip=true&skip=false"),
    ("GET", "/api/disputes", "task=x"),
    ("GET", "/api/admin/dead", "limit=5.0"),
    ("GET", "/api/subtasks", "userId=a&numberOfSubtasks=5&userId=b"),
    ("GET", "/api/subtasks", "userId=a&numberOfSubtasks=5.0"),
    ("GET", "/api/subtasks", "userId=a&numberOfSubtasks=%2B5"),
    ("GET", "/api/subtasks", "userId=a&numberOfSubtasks=1_0"),
    ("GET", "/api/subtasks", "userId=a&numberOfSubtasks=%D9%A5"),
    ("GET", "/api/subtasks", "userId=a&numberOfSubtasks=5&more=1"),
    ("POST", "/api/object_detection", "confidence=0.5&confidence=0.6"),
    ("POST", "/api/object_detection", "confidence=1_0"),
    ("POST", "/api/object_detection", "confidence=%2B0.5"),
    ("POST", "/api/object_detection", "confidence=nan"),
    ("POST", "/api/object_detection", "threshold=0.5"),
    ("GET", "/healthz", "x=1"),
    ("GET", "/api/admin/status", "x=1"),
    ("GET", "/api/admin/series", "minutes=5.0"),
    ("GET", "/api/admin/series", "minutes=0"),
    ("GET", "/api/admin/series", "minutes=1441"),
    ("PATCH", "/api/tasks/x", "name=a"),
    ("POST", "/api/tasks/x/finish", "reason=late"),
    ("POST", "/api/tasks/x/reopen", "x"),
    ("POST", "/api/subtasks/x/finish", "force=true"),
    ("DELETE", "/api/tasks/x/images/y", "force=true"),
]


@pytest.mark.parametrize(("method", "path", "query"), QUERIES)
async def test_queries_that_are_none(api: Api, method, path, query):
    body = {"/api/leases": {}, "/api/votes": {"votes": [{"subtask_id": "a", "label": "x", "token": "t"}]}}
    sent = body.get(path, {"label": "cat", "token": "t"}) if method == "POST" else None
    assert_problem(await api.http.request(method, f"{path}?{query}", json=sent), 422)


async def test_queries_that_are_known(api: Api):
    task_id, _ = await api.task_with(1)
    for path in (
        "/api/tasks?limit=5&cursor=",
        f"/api/tasks/{task_id}/results?state=open&label=cat&limit=1",
        f"/api/tasks/{task_id}/export?format=csv",
        "/api/subtasks?userId=a&numberOfSubtasks=5",
    ):
        assert (await api.http.get(path)).status_code == 200, path


NAMES = ["a\0b", "\0", "a\nb", "\x1b[31m", " ", "\u00a0\t", "a\x7f"]


@pytest.mark.parametrize("name", NAMES)
async def test_names_that_are_none(api: Api, name):
    assert_problem(await api.http.post("/api/tasks", json={"name": name, "labels": ["x"]}), 422, pointer="/name")


@pytest.mark.parametrize("reason", ["", " ", "\n\t", "\u00a0", "\u3000 "])
async def test_reasons_that_are_none(api: Api, reason):
    answer = await api.http.post("/api/disputes/x", json={"label": "cat", "reason": reason})
    assert_problem(answer, 422, pointer="/reason")


CHANGES = [
    ("POST", "/api/tasks"),
    ("POST", "/api/tasks/x/images"),
    ("POST", "/api/tasks/x/seal"),
    ("DELETE", "/api/tasks/x"),
    ("POST", "/api/leases"),
    ("DELETE", "/api/leases/x"),
    ("POST", "/api/votes"),
    ("POST", "/api/subtasks/x/vote"),
    ("PATCH", "/api/subtasks/x"),
    ("PUT", "/api/tasks"),
    ("GET", "/api/subtasks?userId=thief&numberOfSubtasks=100"),
    ("HEAD", "/api/subtasks?userId=thief&numberOfSubtasks=100"),
]
FOREIGN = {
    "another site": {"Sec-Fetch-Site": "cross-site"},
    "a neighbour": {"Sec-Fetch-Site": "same-site"},
    "something new": {"Sec-Fetch-Site": "nearby"},
    "another site and its origin": {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    "only an origin": {"Origin": "https://evil.example"},
    "an origin that begins alike": {"Origin": "http://localhost.evil.example"},
    "another port": {"Origin": "http://localhost:8000"},
    "an origin that is hidden": {"Origin": "null"},
    "an origin that is allowed, but for its scheme": {"Origin": "http://labels.example"},
}


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize(("method", "path"), CHANGES)
async def test_pages_of_others_change_nothing(api: Api, method, path, headers):
    await api.task_with(1)
    answer = await api.http.request(method, path, headers=headers)
    assert answer.status_code == 403
    if method != "HEAD":
        assert_problem(answer, 403, saying="QUORATE_ALLOWED_ORIGINS")
    [lease] = await api.lease("someone else")
    assert lease["task_id"]


async def test_a_staged_file_of_another_page(api: Api):
    form = (await begin(api, await api.task(), "a.png"))["files"][0]
    sent = {"files": {"file": ("a.png", api.picture())}, "headers": {"Sec-Fetch-Site": "cross-site"}}
    assert_problem(await api.http.post(form["url"], **sent), 403)


OWN = {
    "a script": {},
    "our own page": {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
    "our own page behind a proxy": {"Origin": "https://localhost"},
    "somebody's typing": {"Sec-Fetch-Site": "none"},
    "one that is allowed": {"Sec-Fetch-Site": "cross-site", "Origin": "https://Labels.example"},
}


@pytest.mark.parametrize("headers", OWN.values(), ids=OWN)
async def test_pages_of_our_own_and_scripts(api: Api, headers):
    assert (await api.http.post("/api/leases", json={}, headers=headers)).status_code == 200
    path = "/api/subtasks?userId=a&numberOfSubtasks=1"
    assert (await api.http.get(path, headers=headers)).status_code == 200


async def test_pages_of_others_may_look(api: Api):
    """A link from elsewhere leads here; what a script of theirs reads of it is up to the browser, which shows it
    nothing."""
    assert (await api.http.get("/api/tasks", headers={"Sec-Fetch-Site": "cross-site"})).status_code == 200


async def test_head_is_get_without_a_body(api: Api):
    task_id, [image_id] = await api.task_with(1)
    for path in (
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/api/tasks",
        f"/api/tasks/{task_id}",
        f"/api/tasks/{task_id}/results",
        f"/api/tasks/{task_id}/export",
        f"/api/subtasks/{image_id}",
        "/api/disputes",
        "/api/models",
        "/api/admin/dead",
        "/api/admin/status",
        "/api/admin/series",
        "/nothing",
        "/api/tasks/x",
    ):
        got, head = await api.http.get(path), await api.http.head(path)
        assert (head.status_code, head.content) == (got.status_code, b""), path
        assert head.headers["content-type"] == got.headers["content-type"]


async def test_head_of_a_stream_without_an_end(api: Api):
    answer = await api.http.head(f"/api/tasks/{await api.task()}/events")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


async def test_head_where_there_is_no_get(api: Api):
    answer = await api.http.head("/api/leases")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("path", ["/nothing", "/docs", "/api", "/redoc", "/api/v1/tasks"])
async def test_who_is_lost_is_told_where_things_are(api: Api, path):
    problem = assert_problem(await api.http.get(path), 404, saying="/openapi.json")
    assert (problem["api"], problem["openapi"]) == ("/api", "/openapi.json")


async def test_who_names_another_host_is_told_the_setting(api: Api):
    answer = await api.http.get("/healthz", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert "QUORATE_ALLOWED_HOSTS" in answer.json()["detail"]
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
