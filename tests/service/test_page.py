"""The web page is served from memory, under a strict policy, and never in place of what another route answers."""

import gzip
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from shared import page
from tests.service.running import Api, assert_problem, running

pytestmark = pytest.mark.asyncio(loop_scope="module")
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' blob:;"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'"
)
SCRIPT = b"export const answer = 42;\n" * 20
INDEX = b"<!doctype html><title>Built</title>"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    async with running(tmp_path_factory.mktemp("page")) as started:
        yield started


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """What a build leaves."""
    (tmp_path / "assets").mkdir()
    (tmp_path / ".stamp").touch()
    (tmp_path / "index.html").write_bytes(INDEX)
    (tmp_path / "assets/main-x1.js").write_bytes(SCRIPT)
    (tmp_path / "assets/main-x1.js.gz").write_bytes(gzip.compress(SCRIPT))
    (tmp_path / "assets/main-x1.js.br").write_bytes(b"as brotli")
    return tmp_path


def built(dist: Path, **options: str) -> httpx.AsyncClient:
    app = FastAPI()
    app.include_router(page.router(dist, **options))
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost", headers={"Accept-Encoding": "identity"})


async def test_a_browser_that_opens_an_address_gets_the_page_under_its_policy(api: Api):
    for path in ("/", "/label", "/tasks/7f3a/images/9b", "/link", "/link/token", "/device"):
        answer = await api.http.get(path, headers=HTML)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["permissions-policy"] == "camera=(), microphone=(), geolocation=()"
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert (await api.http.head("/", headers=HTML)).content == b""


async def test_every_file_that_the_page_names_is_there(api: Api):
    text = (await api.http.get("/")).text
    named = re.findall(r'(?:src|href)="(/assets/[^"]+)"', text)
    assert named
    for path in named:
        answer = await api.http.get(path)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "<style" not in text
    assert "<script>" not in text


async def test_the_page_is_never_in_place_of_another_route(api: Api):
    described = (await api.http.get("/openapi.json")).json()["paths"]
    paths = [re.sub(r"\{\w+\}", "none", path) for path in described]
    paths += [f"/{first}/invented" for first in page.NOT_PAGES]
    assert len(paths) > 30
    for path in paths:
        answer = await api.http.get(path, headers=HTML)
        assert not answer.headers.get("content-type", "").startswith("text/html"), path


@pytest.mark.parametrize(
    ("method", "path", "accept"),
    [
        ("GET", "/label", "application/json"),
        ("GET", "/label", "*/*"),
        ("GET", "/robots.txt", "text/html"),
        ("GET", "/tasks/main.js.map", "text/html"),
        ("POST", "/label", "text/html"),
    ],
)
async def test_what_is_no_navigation_is_not_answered_with_the_page(api: Api, method: str, path: str, accept: str):
    assert_problem(await api.http.request(method, path, headers={"Accept": accept}), 404)


@pytest.mark.parametrize("path", ["/assets/main-gone.js", "/assets/", "/assets/../index.html", "/assets/%2e%2e/x"])
async def test_a_missing_file_is_not_the_page_and_not_kept(api: Api, path: str):
    answer = await api.http.get(path, headers=HTML)
    assert_problem(answer, 404)
    if path == "/assets/main-gone.js":
        assert answer.headers["cache-control"] == "no-store"


async def test_each_file_comes_in_the_best_encoding_that_is_accepted(dist: Path):
    async with built(dist) as http:

        async def sent(accepted: str) -> httpx.Response:
            return await http.get("/assets/main-x1.js", headers={"Accept-Encoding": accepted})

        plain, zipped = await sent("identity"), await sent("gzip, br;q=0")
        assert (plain.content, plain.headers.get("content-encoding")) == (SCRIPT, None)
        assert (zipped.content, zipped.headers["content-encoding"]) == (SCRIPT, "gzip")
        assert plain.headers["vary"] == zipped.headers["vary"] == "Accept-Encoding"
        assert plain.headers["etag"] != zipped.headers["etag"]
        async with http.stream("GET", "/assets/main-x1.js", headers={"Accept-Encoding": "gzip, deflate, br"}) as best:
            assert best.headers["content-encoding"] == "br"
            assert b"".join([chunk async for chunk in best.aiter_raw()]) == b"as brotli"
        for hidden in ("main-x1.js.br", "main-x1.js.gz"):
            assert (await http.get(f"/assets/{hidden}")).status_code == 404


async def test_what_the_browser_has_is_not_sent_again(dist: Path):
    async with built(dist) as http:
        first = await http.get("/")
        assert first.content == INDEX
        again = await http.get("/", headers={"If-None-Match": f'W/{first.headers["etag"]}, "other"'})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["content-security-policy"] == first.headers["content-security-policy"]
        assert (await http.get("/", headers={"If-None-Match": '"other"'})).content == INDEX


async def test_the_policy_names_the_object_storage_where_images_come_from_there(dist: Path):
    async with built(dist, storage="https://pictures.example.org:9000/bucket") as http:
        policy = (await http.get("/")).headers["content-security-policy"]
    assert "img-src 'self' blob: https://pictures.example.org:9000;" in policy
    assert "connect-src 'self' https://pictures.example.org:9000;" in policy


async def test_the_files_are_read_once(dist: Path):
    async with built(dist) as http:
        (dist / "index.html").write_bytes(b"changed")
        assert (await http.get("/")).content == INDEX
