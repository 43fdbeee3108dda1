"""How fast callers may ask, over HTTP."""

import httpx

from tests.service.access_table import Pretended
from tests.service.processes import Server
from tests.service.running import assert_problem, running

ANN, BEN = {"x-as": "operator@first"}, {"x-as": "client@first"}


async def test_nobody_is_slowed_down_where_everyone_may_do_everything(api):
    answers = [await api.http.get("/api/me") for _ in range(50)]
    assert {answer.status_code for answer in answers} == {200}
    assert api.app.front._rates is None


async def test_whoever_asks_too_fast_is_told_when_to_come_back_and_others_are_not_kept(tmp_path):
    async with running(tmp_path, auth="on", rate_person=1, rate_key=0) as api:
        api.app.front._authenticator = Pretended()
        assert {(await api.http.get("/api/me", headers=ANN)).status_code for _ in range(10)} == {200}
        refused = await api.http.get("/api/me", headers=ANN)
        assert_problem(refused, 429, code="too-many-requests")
        assert refused.headers["retry-after"] == "1"
        assert (await api.http.get("/api/me", headers=BEN)).status_code == 200
        assert (await api.http.get("/healthz", headers=ANN)).status_code == 200


async def test_strangers_count_for_their_address_and_keep_nobody_out_who_is_known(tmp_path):
    async with running(tmp_path, auth="on", rate_address=1) as api:
        api.app.front._authenticator = Pretended()
        assert {(await api.http.get("/api/me")).status_code for _ in range(10)} == {401}
        assert_problem(await api.http.get("/api/session"), 429)
        assert (await api.http.get("/api/me", headers=ANN)).status_code == 200


def test_behind_a_proxy_the_forwarded_address_counts(tmp_path):
    with (
        Server(tmp_path, auth="on", rate_address=1, trusted_proxies=1, log_level="error") as server,
        httpx.Client(base_url=server.url) as http,
    ):
        for number in range(10):
            forwarded = {"X-Forwarded-For": f"203.0.113.{number}, 192.0.2.1"}
            assert http.get("/api/session", headers=forwarded).status_code == 200
        assert http.get("/api/session", headers={"X-Forwarded-For": "192.0.2.1"}).status_code == 429
        assert http.get("/api/session", headers={"X-Forwarded-For": "192.0.2.2"}).status_code == 200


def test_wrong_passwords_behind_a_proxy_count_for_the_address_that_it_saw(tmp_path):
    """The throttle of passwords goes by the same address."""
    with (
        Server(tmp_path, auth="on", trusted_proxies=1, log_level="error") as server,
        httpx.Client(base_url=server.url, headers={"X-Quorate-Request": "1"}, timeout=60) as http,
    ):

        def tried(number: int, address: str) -> int:
            body = {"name": f"nobody {number}", "password": "no such password"}
            return http.post("/api/sessions", json=body, headers={"X-Forwarded-For": address}).status_code

        assert {tried(number, f"203.0.113.{number}, 192.0.2.1") for number in range(50)} == {401}
        assert tried(50, "203.0.113.99, 192.0.2.1") == 429
        assert tried(51, "192.0.2.2") == 401
