"""Who is told how the platform does: by a port of its own, else this machine alone where callers have to be known."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from shared.http.operations_port import MAX_CONNECTIONS
from shared.http.serving import Deployable, _Server
from tests.service.processes import Server
from tests.service.running import Api, assert_problem, running
from tests.service.test_strict_headers import assert_strict

INSIDE = ("/metrics", "/readyz")
SAID = re.compile(r'Metrics and readiness are on ([^\s"]+)')


@pytest.fixture(scope="module", params=["off", "on"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("operations"), auth=request.param, operations_port="0") as running_server:
        yield running_server


def operations(server: Server) -> str:
    found = SAID.search(server._said.read_text())
    assert found
    return found[1]


def test_a_port_of_their_own_has_them_alone(server: Server):
    for path in INSIDE:
        assert_problem(httpx.get(server.url + path), 404, code="not-found")
        answer = httpx.get(operations(server) + path)
        assert answer.status_code == 200
        assert "date" in answer.headers
        assert_strict(answer)
    assert "quorate_http_request_seconds_bucket" in httpx.get(f"{operations(server)}/metrics").text
    for url in (server.url, operations(server)):
        assert httpx.get(f"{url}/healthz").json() == {"status": "ok"}


def test_nothing_else_is_on_that_port(server: Server):
    for path in ("/", "/api/tasks", "/api/session", "/objects/x/y", "/assets/x"):
        answer = httpx.get(operations(server) + path, headers={"Accept": "text/html"})
        assert_problem(answer, 404)
    assert httpx.get(f"{operations(server)}/metrics", headers={"Host": "evil.example"}).status_code == 400


def test_whoever_takes_all_connections_of_one_port_leaves_the_other(server: Server):
    url = httpx.URL(operations(server))
    taken = [httpx.Client() for _ in range(MAX_CONNECTIONS + 10)]
    try:
        for client in taken:
            assert client.get(url.join("/healthz")).status_code in (200, 503)
        assert httpx.get(f"{server.url}/healthz").status_code == 200
    finally:
        for client in taken:
            client.close()


async def test_the_first_answers_have_a_date_too():
    deployable = Deployable(app=FastAPI(), operations=FastAPI())
    with socket.socket() as main, socket.socket() as beside:
        server = _Server(deployable, main, beside)
        await server.on_tick(0)
        assert server._operations is not None
        assert b"date" in dict(server._operations._connections.default_headers)


def test_both_ports_end_with_the_process(tmp_path: Path):
    with Server(tmp_path, operations_port="0") as running_server:
        url = operations(running_server)
        with httpx.Client() as kept:
            kept.get(f"{url}/healthz")
            running_server.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/healthz")


async def test_without_one_only_this_machine_is_told_where_callers_have_to_be_known(tmp_path: Path):
    async with running(tmp_path, auth="on") as api:
        for path in INSIDE:
            assert (await api.http.get(path)).status_code == 200
            for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
                assert_problem(await api.http.get(path, headers={name: "127.0.0.1"}), 404)
            async with _from(api, "192.0.2.7") as stranger:
                assert_problem(await stranger.get(path), 404)
                assert (await stranger.get("/healthz")).status_code == 200
            async with _from(api, "::1") as local:
                assert (await local.get(path)).status_code == 200


def _from(api: Api, address: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=api.app, client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost")
