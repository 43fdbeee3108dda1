"""People who sign in with a real OpenID provider, beside those with a password: over HTTP."""

import time
from collections.abc import Iterator

import httpx
import pytest

from tests.service.accounts_world import PASSWORD, Browser, Program, World, assert_refused, begun
from tests.service.oidc_world import (
    SECRET,
    OpenIdProvider,
    come_back,
    leave,
    open_id_provider,
    said,
    server_with,
    sign_in,
)
from tests.service.processes import Server
from tests.service.running import assert_problem


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenIdProvider]:
    with open_id_provider(tmp_path_factory.mktemp("provider")) as started:
        yield started


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, provider: OpenIdProvider) -> Iterator[World]:
    with server_with(tmp_path_factory.mktemp("platform"), provider) as server:
        yield begun(server)


def members(world: World) -> dict[str, dict]:
    return {one["name"]: one for one in world.ann.get("/api/users")["items"]}


def ended(browser: Browser) -> bool:
    """Whether the browser's session ends within a second."""
    until = time.monotonic() + 1.0
    while browser.ask("GET", "/api/me").status_code == 200 and time.monotonic() < until:
        time.sleep(0.05)
    return browser.ask("GET", "/api/me").status_code == 401


def test_the_page_is_told_whom_people_can_sign_in_with(world: World):
    assert Browser(world.server.url).get("/api/session")["provider"] == "Example"
    assert world.ann.get("/api/session")["has_password"] is True


def test_somebody_new_comes_with_the_roles_of_their_claims(world: World, provider: OpenIdProvider):
    provider.knows("bea@id", name="Bea", groups=["labelers", "leads", "others"])
    browser, answer = sign_in(world.server, provider, "bea@id")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    session = answer.json()
    assert session["user"] | {"id": ""} == {"id": "", "name": "Bea", "roles": ["client", "operator", "adjudicator"]}
    assert session["has_password"] is False
    assert browser.get("/api/me")["user"]["name"] == "Bea"
    assert members(world)["Bea"]["roles"] == ["client", "operator", "adjudicator"]
    again, answer = sign_in(world.server, provider, "bea@id")
    assert answer.json()["user"]["id"] == session["user"]["id"]
    assert browser.ask("GET", "/api/me").status_code == 200, "the same roles: the first session goes on"
    done = [one["action"] for one in world.ann.get("/api/admin/audit")["items"] if one["actor"] == browser.id]
    assert done == ["session.begin", "session.begin", "person.join"]
    assert again.id == browser.id


def test_the_cookie_of_a_sign_in_is_of_this_host_alone_and_short_lived(world: World, provider: OpenIdProvider):
    provider.knows("cookie@id", name="Cookie", groups=["labelers"])
    browser = Browser(world.server.url)
    address = leave(browser)
    [cookie] = browser.set_cookies
    name, _, rest = cookie.partition("=")
    assert name == "__Host-quorate-oidc"
    attributes = {part.strip() for part in rest.split(";")[1:]}
    assert attributes == {"HttpOnly", "Secure", "SameSite=strict", "Path=/", "Max-Age=600"}
    assert come_back(browser, provider.signs_in("cookie@id", address)).status_code == 200
    assert "__Host-quorate-oidc" not in browser.cookies


def test_cve_2025_54573_nobody_is_known_by_a_name_or_an_address(world: World, provider: OpenIdProvider):
    provider.knows("stranger", name="Ann", email="ann@example.com", preferred_username="ann", groups=["labelers"])
    _, answer = sign_in(world.server, provider, "stranger")
    user = answer.json()["user"]
    assert (user["name"], user["roles"]) == ("Ann 2", ["operator"])
    assert user["id"] != world.ann.id
    provider.knows("stranger", name="Bea", groups=["labelers"])
    assert sign_in(world.server, provider, "stranger")[1].json()["user"]["id"] == user["id"]


def test_whoever_has_no_role_is_told_so_and_no_account_is_made(world: World, provider: OpenIdProvider):
    for subject, groups in (("nobody", []), ("guest", ["guests"]), ("ghost", ["ghosts"])):
        provider.knows(subject, name=subject, groups=groups)
        browser, answer = sign_in(world.server, provider, subject)
        detail = assert_problem(answer, 403, code="forbidden")["detail"]
        assert detail == "Example knows you, but you have no role here: ask an admin of your team for one"
        assert "__Host-quorate-session" not in browser.cookies
        assert subject not in members(world)
    assert "which there is not" in said(world.server)


def test_roles_that_are_gone_end_the_sessions_and_the_keys(world: World, provider: OpenIdProvider):
    provider.knows("cal@id", name="Cal", groups=["leads", "labelers"])
    first, _ = sign_in(world.server, provider, "cal@id")
    _, program = world.key(first)
    assert program.ask("GET", "/api/me").status_code == 200
    provider.knows("cal@id", name="Cal", groups=["labelers"])
    second, answer = sign_in(world.server, provider, "cal@id")
    assert answer.json()["user"]["roles"] == ["operator"]
    assert ended(first)
    assert known_as(program, ["operator"])
    provider.knows("cal@id", name="Cal", groups=[])
    _, answer = sign_in(world.server, provider, "cal@id")
    assert_problem(answer, 403)
    assert ended(second)
    assert_refused(program)
    assert "Cal" not in members(world)
    provider.knows("cal@id", name="Cal", groups=["labelers"])
    third, _ = sign_in(world.server, provider, "cal@id")
    assert third.id == answer_id(world, "Cal")


def known_as(program: Program, roles: list[str]) -> bool:
    """Whether its key comes to have these roles: what is known of a key is read anew every half second."""
    for _ in range(200):
        if program.ask("GET", "/api/me").json()["user"]["roles"] == roles:
            return True
        time.sleep(0.05)
    return False


def answer_id(world: World, name: str) -> str:
    return members(world)[name]["id"]


def test_an_admin_by_claims_stops_being_one_even_as_the_last(world: World, provider: OpenIdProvider):
    provider.knows("dee@id", name="Dee", groups=["chiefs"])
    dee, answer = sign_in(world.server, provider, "dee@id")
    assert answer.json()["user"]["roles"] == ["admin"]
    assert dee.ask("GET", "/api/users").status_code == 200
    answer = dee.ask("PATCH", f"/api/users/{world.ann.id}", {"roles": ["client"]})
    assert answer.status_code == 200, "of two admins one may go"
    ann = world.sign_in("Ann")
    provider.knows("dee@id", name="Dee", groups=["labelers"])
    assert sign_in(world.server, provider, "dee@id")[1].json()["user"]["roles"] == ["operator"]
    assert ended(dee)
    provider.knows("dee@id", name="Dee", groups=["chiefs"])
    chief, _ = sign_in(world.server, provider, "dee@id")
    roles = ["client", "operator", "adjudicator", "admin"]
    assert chief.ask("PATCH", f"/api/users/{ann.id}", {"roles": roles}).status_code == 200
    world.ann = world.sign_in("Ann")


def test_cve_2025_54573_whom_an_admin_shuts_out_stays_out(world: World, provider: OpenIdProvider):
    provider.knows("eve@id", name="Eve", groups=["labelers"])
    eve, _ = sign_in(world.server, provider, "eve@id")
    assert world.ann.ask("PATCH", f"/api/users/{eve.id}", {"is_active": False}).status_code == 200
    assert_problem(sign_in(world.server, provider, "eve@id")[1], 403)
    assert world.ann.ask("PATCH", f"/api/users/{answer_id(world, 'Eve')}", {"is_active": True}).status_code == 200
    assert sign_in(world.server, provider, "eve@id")[1].status_code == 200


def test_a_person_of_the_provider_has_no_password_and_may_join_another_team(world: World, provider: OpenIdProvider):
    provider.knows("fay@id", name="Fay", groups=["labelers"])
    fay, _ = sign_in(world.server, provider, "fay@id")
    for password in ("", " ", PASSWORD):
        answer = Browser(world.server.url).ask("POST", "/api/sessions", {"name": "Fay", "password": password or "x"})
        assert_problem(answer, 401)
    assert_problem(fay.ask("POST", "/api/me/password", {"current": "x", "new": PASSWORD}), 422)
    other = world.ann.made("/api/teams", {"name": "Other"})
    world.ann.made("/api/sessions/team", {"team": other["id"]})
    link = world.ann.made("/api/invitations", {"roles": ["client"]})["url"].removeprefix("/link#")
    world.ann.made("/api/sessions/team", {"team": "first"})
    assert fay.made("/api/sessions/link", {"token": link})["team"]["id"] == other["id"]
    again, answer = sign_in(world.server, provider, "fay@id")
    assert [one["id"] for one in answer.json()["teams"]] == ["first", other["id"]], "what a link gave stays"
    assert again.id == fay.id


def test_an_answer_counts_once_and_in_the_browser_that_left(world: World, provider: OpenIdProvider):
    provider.knows("gus@id", name="Gus", groups=["labelers"])
    browser, another = Browser(world.server.url), Browser(world.server.url)
    answer = provider.signs_in("gus@id", leave(browser))
    assert_problem(come_back(another, answer), 401)  # no cookie
    leave(another)
    assert_problem(come_back(another, answer), 401)  # the cookie of another sign-in
    assert_problem(come_back(browser, answer | {"state": "x" * 43}), 401)
    assert_problem(come_back(browser, answer | {"iss": "https://else.example"}), 401)
    kept = dict(browser.cookies)
    assert come_back(browser, answer).status_code == 200
    replayed = Browser(world.server.url, cookies=kept)
    assert_problem(come_back(replayed, answer), 401)  # the code has been redeemed
    assert_problem(come_back(browser, answer), 401)  # and the cookie is gone


def test_another_site_can_begin_and_end_nothing(world: World, provider: OpenIdProvider):
    browser = Browser(world.server.url)
    for path, body in (("/api/sessions/oidc", None), ("/api/sessions/oidc/return", {"code": "c", "state": "s"})):
        answer = browser.ask("POST", path, body, X_Quorate_Request="")
        assert_problem(answer, 403)
        answer = browser.ask("POST", path, body, Origin="https://else.example", Sec_Fetch_Site="cross-site")
        assert_problem(answer, 403)
    assert browser.cookies == {}


def test_somebody_who_does_not_agree_is_not_signed_in(world: World, provider: OpenIdProvider):
    answer = provider.refuses(leave(Browser(world.server.url)))
    assert answer["error"] == "access_denied"
    assert "code" not in answer


def test_no_secret_is_in_the_log(world: World, provider: OpenIdProvider):
    provider.knows("hal@id", name="Hal", groups=["labelers"])
    browser = Browser(world.server.url)
    answer = provider.signs_in("hal@id", leave(browser))
    cookie = browser.cookies["__Host-quorate-oidc"]
    come_back(browser, answer)
    written = said(world.server) + world.server._said.read_text()
    for secret in (SECRET, answer["code"], answer["state"], *cookie.split("~")):
        assert secret not in written


def test_without_a_provider_there_is_nothing_to_begin(server: Server):
    assert Browser(server.url).get("/api/session")["provider"] is None
    assert_problem(Browser(server.url).ask("POST", "/api/sessions/oidc"), 404)


def test_a_provider_that_is_away_lets_people_in_by_password(tmp_path, provider: OpenIdProvider):
    with server_with(tmp_path, OpenIdProvider("http://127.0.0.1:9")) as server:
        world = begun(server)
        answer = Browser(server.url).ask("POST", "/api/sessions/oidc")
        detail = assert_problem(answer, 503, code="unavailable")["detail"]
        assert detail == "the provider does not answer as it should: try again later"
        assert world.sign_in("Ann").ask("GET", "/api/me").status_code == 200


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"oidc_roles": "{"}, "QUORATE_OIDC_ROLES"),
        ({"oidc_roles": '{"a": {"first": ["root"]}}'}, "QUORATE_OIDC_ROLES"),
        ({"public_url": "http://quorate.example"}, "QUORATE_PUBLIC_URL"),
        ({"oidc_scopes": "profile"}, "QUORATE_OIDC_SCOPES"),
        ({"oidc_networks": ""}, "QUORATE_OIDC_NETWORKS"),
        ({"oidc_networks": "10.0.0.0/8"}, "QUORATE_OIDC_NETWORKS"),
        ({"oidc_networks": "10.0.0.1/8"}, "QUORATE_OIDC_NETWORKS"),
    ],
)
def test_settings_that_do_not_go_together_are_refused_at_the_start(tmp_path, provider, settings, why):
    server = server_with(tmp_path, provider)
    server._settings |= settings
    server.launch()
    assert server._running().wait(30) == 2
    assert why in said(server)
    assert SECRET not in said(server)


def test_a_list_of_routes_says_so(world: World):
    paths = httpx.get(f"{world.server.url}/openapi.json").json()["paths"]
    assert {"/api/sessions/oidc", "/api/sessions/oidc/return"} <= paths.keys()
