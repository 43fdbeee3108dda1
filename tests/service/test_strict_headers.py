"""Under which headers answers leave: every route of the running platform, and every kind of answer."""

from pathlib import Path

import httpx
import pytest

from shared.http.strict import INERT
from tests.service import access_table
from tests.service.access_table import Asked
from tests.service.processes import Server
from tests.service.raw_http import HOST, raw, sent
from tests.service.running import Api, running

PAGE = {"Accept": "text/html"}
SAID = ("server", "x-powered-by", "via", "x-aspnet-version")
"""Headers that tell strangers what runs here."""
FOREVER = "public, max-age=31536000, immutable"


def assert_strict(answer: httpx.Response, *, cached: str = "no-store", policy: str = INERT) -> None:
    """No sniffing, no referrer, nobody else's page, no banner; what is no page is inert."""
    headers, what = answer.headers, (answer.request.method, str(answer.request.url), answer.status_code)
    assert headers.get_list("x-content-type-options") == ["nosniff"], what
    assert headers.get_list("referrer-policy") == ["no-referrer"], what
    assert headers.get_list("content-security-policy") == [policy], what
    assert headers["cross-origin-resource-policy"] in ("same-origin", "same-site"), what
    assert headers.get_list("cache-control") == [cached], what
    assert not [name for name in headers if name in SAID or name.startswith("access-control-")], what
    assert headers["x-request-id"], what


def url_of(asked: Asked) -> str:
    path = asked.path
    for part in (one for one in asked.path.split("/") if one.startswith("{")):
        path = path.replace(part, access_table.UNKNOWN)
    return path + access_table.QUERIES.get(asked.path, "")


async def test_every_route_is_strict_to_whoever_asks(tmp_path: Path):
    async with running(tmp_path, auth="on") as api:
        api.app.front._authenticator = access_table.Pretended()
        api.http.timeout = httpx.Timeout(60)
        found = sorted(access_table.routes(api), key=lambda one: (one.path, one.method))
        assert len(found) > 70
        for asked in found:
            method = "HEAD" if asked.path.endswith("/events") else asked.method  # a stream that is open does not end
            body = access_table.BODIES.get((asked.method, asked.path))
            for who in ({}, {"x-as": "admin@first"}, {"x-as": "client@first"}):
                assert_strict(await api.http.request(method, url_of(asked), json=body, headers=who))
            if asked.method == "GET":
                assert_strict(await api.http.head(url_of(asked)))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    with Server(tmp_path_factory.mktemp("strict")) as running_server:
        yield running_server


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/nothing", "/api", "/api/tasks"])
def test_what_is_no_page_is_inert(server: Server, path: str):
    assert_strict(httpx.get(server.url + path))


def test_pages_keep_their_own_policy(server: Server):
    for path in ("/", "/label", "/tasks/7f3a", "/link", "/device"):
        answer = httpx.get(server.url + path, headers=PAGE)
        policy = answer.headers["content-security-policy"]
        assert_strict(answer, cached="no-cache", policy=policy)
        for part in ("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
            assert part in policy
        assert "unsafe" not in policy
        assert "sandbox" not in policy
        again = httpx.get(server.url + path, headers=PAGE | {"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304
        assert_strict(again, cached="no-cache", policy=policy)


def test_files_of_the_page_are_inert_and_kept(server: Server):
    page = httpx.get(server.url, headers=PAGE).text
    assets = [part.partition('"')[0] for part in page.split('"/assets/')[1:]]
    assert assets
    for name in assets:
        assert_strict(httpx.get(f"{server.url}/assets/{name}"), cached=FOREVER)
    assert_strict(httpx.get(f"{server.url}/assets/none.js"))


async def test_pictures_are_inert_and_only_for_pages_of_the_same_site(api: Api):
    task_id, _ = await api.task_with(1)
    [result] = await api.results(task_id)
    for name in ("image_url", "thumbnail_url"):
        answer = await api.http.get(result[name])
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("image/")
        assert_strict(answer, cached=answer.headers["cache-control"])
        assert answer.headers["cache-control"].startswith("private, ")
    assert_strict(await api.http.get(f"/objects/{task_id}/none"))


async def test_exports_and_streams_are_inert(api: Api):
    task_id, _ = await api.task_with(1)
    for form in ("csv", "jsonl", "imagefolder", "labelstudio", "parquet"):
        answer = await api.http.get(f"/api/tasks/{task_id}/export?format={form}")
        assert answer.headers["content-disposition"].startswith("attachment")
        assert_strict(answer)
    assert_strict(await api.http.head(f"/api/tasks/{task_id}/events"))


async def test_refusals_are_inert(api: Api):
    task_id = await api.task()
    for status, sent_request in (
        (404, api.http.get(f"/api/tasks/{access_table.UNKNOWN}")),
        (405, api.http.put("/api/tasks")),
        (405, api.http.options("/api/tasks")),
        (413, api.http.post("/api/tasks", content=b" " * 5_000_000, headers={"Content-Type": "application/json"})),
        (415, api.http.post("/api/tasks", content=b"{}", headers={"Content-Type": "text/plain"})),
        (422, api.http.post("/api/tasks", json={})),
        (422, api.upload(task_id, ("a.png", b"no picture"))),
        (400, api.http.get("/api/tasks", headers={"Host": "evil.example"})),
        (403, api.http.post("/api/tasks", json={}, headers={"Origin": "https://evil.example"})),
    ):
        answer = await sent_request
        assert answer.status_code in (status, 415), answer.text
        assert_strict(answer)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (400, "GET / HTTP/1.1\n\n"),
        (400, "no http at all\n\n"),
        (414, f"GET /{'a' * 9_000} HTTP/1.1\n{HOST}\n\n"),
        (431, f"GET / HTTP/1.1\n{HOST}\n" + "A: b\n" * 120 + "\n"),
    ],
)
def test_what_is_refused_before_any_route_is_inert(server: Server, status: int, text: str):
    [answer] = sent(server, raw(text))
    assert answer.status_code == status
    assert_strict(answer)


ORIGIN = "https://tools.example"


async def test_nobody_elses_page_reads_anything_unless_it_is_listed(tmp_path: Path):
    preflight = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    async with running(tmp_path / "closed") as api:
        for answer in (
            await api.http.get("/api/tasks", headers={"Origin": ORIGIN}),
            await api.http.options("/api/tasks", headers=preflight),
        ):
            assert_strict(answer)
    async with running(tmp_path / "listed", allowed_origins=f"{ORIGIN}, https://other.example") as api:
        read = await api.http.get("/api/tasks", headers={"Origin": ORIGIN})
        assert (read.status_code, read.headers["access-control-allow-origin"]) == (200, ORIGIN)
        assert "origin" in read.headers["vary"].lower()
        asked = await api.http.options("/api/tasks", headers=preflight)
        assert (asked.status_code, asked.content) == (204, b"")
        assert "authorization" in asked.headers["access-control-allow-headers"]
        for answer in (read, asked):
            assert "access-control-allow-credentials" not in answer.headers
            assert answer.headers["content-security-policy"] == INERT
        for other in ("https://evil.example", "null", f"{ORIGIN}.evil.example", "http://tools.example"):
            assert_strict(await api.http.get("/api/tasks", headers={"Origin": other}))
            assert_strict(await api.http.options("/api/tasks", headers=preflight | {"Origin": other}))
