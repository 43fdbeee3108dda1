"""Who may come in, and what they may do to whom: over real HTTP, with authentication on."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from shared.identity.authenticator import ACCESS_COOKIE, SESSION_COOKIE
from tests.service.accounts_world import PASSWORD, Browser, World, assert_refused, begun, first_link
from tests.service.processes import Server
from tests.service.running import assert_problem

ALL = ["client", "operator", "adjudicator", "admin"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Server(tmp_path_factory.mktemp("accounts"), auth="on") as server:
        yield begun(server)


def test_a_first_start_prints_a_link_that_makes_the_first_admin_once(tmp_path: Path):
    with Server(tmp_path, auth="on") as server:
        earlier = first_link(server)
        server.kill()
        server.start()
        token, browser = first_link(server), Browser(server.url)
        assert token != earlier
        session = browser.get("/api/session")
        assert session == {
            "auth": "on", "needs_first_admin": True, "provider": None, "signed_in": False, "has_password": False,
            "user": None, "team": None, "teams": [],
        }  # fmt: skip
        asked = {"token": token, "name": "Ann", "password": PASSWORD}
        for wrong in (earlier, f"{token}x", "x.y", "x"):
            assert_problem(browser.ask("POST", "/api/sessions/link", asked | {"token": wrong}), 410, code="gone")
        assert_problem(browser.ask("POST", "/api/sessions/link", asked | {"password": "short"}), 422)
        assert_problem(browser.ask("POST", "/api/sessions/link", {"token": token}), 401)
        session = browser.made("/api/sessions/link", asked)
        assert (session["signed_in"], session["needs_first_admin"]) == (True, False)
        assert (session["user"]["name"], session["user"]["roles"]) == ("Ann", ALL)
        assert session["team"] == {"id": "first", "name": "First team"}
        assert browser.get("/api/session") == session
        assert_problem(Browser(server.url).ask("POST", "/api/sessions/link", asked | {"name": "Bob"}), 410)
        me = browser.get("/api/me")
        assert (me["auth"], me["user"], me["team"]) == ("on", session["user"], "first")
        server.stop()
        server.start()
        assert first_link(server) is None
        assert browser.get("/api/session") == session


def test_the_secrets_of_a_data_folder_are_its_owners(world: World):
    for name in ("secret", "signing-keys.json"):
        assert (world.server.data_dir / name).stat().st_mode & 0o777 == 0o600
    assert world.server.data_dir.stat().st_mode & 0o777 == 0o700


def test_cookies_are_of_this_host_alone_and_hidden_from_scripts(world: World):
    browser = Browser(world.server.url)
    answer = browser.ask("POST", "/api/sessions", {"name": "ann", "password": PASSWORD})
    assert answer.headers["cache-control"] == "no-store"
    cookies = {one.partition("=")[0]: {part.strip() for part in one.split(";")[1:]} for one in browser.set_cookies}
    common = {"HttpOnly", "Secure", "SameSite=strict", "Path=/"}
    assert cookies == {ACCESS_COOKIE: common | {"Max-Age=600"}, SESSION_COOKIE: common | {"Max-Age=604800"}}


def test_who_signs_in_wrongly_learns_nothing(world: World):
    world.join("Wendy", "operator")
    browser, texts = Browser(world.server.url), set()
    for name, password in (("Wendy", "not hers at all"), ("Nobody", PASSWORD), ("", PASSWORD), ("x" * 1001, PASSWORD)):
        answer = browser.ask("POST", "/api/sessions", {"name": name, "password": password})
        if 0 < len(name) <= 1_000:
            texts.add(assert_problem(answer, 401, code="unauthenticated")["detail"])
        else:
            assert_problem(answer, 422)
    assert len(texts) == 1
    assert browser.cookies == {}
    assert world.sign_in(" WENDY ").get("/api/me")["user"]["name"] == "Wendy"


def test_tries_are_throttled_by_name(world: World):
    world.join("Theo", "operator")
    browser = Browser(world.server.url)
    for _ in range(10):
        assert_problem(browser.ask("POST", "/api/sessions", {"name": "theo", "password": "wrong, again"}), 401)
    answer = browser.ask("POST", "/api/sessions", {"name": "Theo", "password": PASSWORD})
    assert_problem(answer, 429, code="too-many-requests")
    assert 500 < int(answer.headers["retry-after"]) <= 600
    world.sign_in("Ann")


def test_unsafe_requests_by_cookie_need_the_pages_header(world: World):
    cat = world.join("Cat", "client")
    for method, path, body in (
        ("POST", "/api/sessions/refresh", None),
        ("DELETE", "/api/sessions", None),
        ("POST", "/api/sessions/team", {"team": "first"}),
        ("POST", "/api/sessions/link", {"token": "x.y"}),
        ("POST", "/api/me/password", {"current": PASSWORD, "new": PASSWORD}),
        ("POST", "/api/me/keys", {"name": "x"}),
    ):
        assert_problem(cat.ask(method, path, body, X_Quorate_Request=""), 403, saying="X-Quorate-Request")
        assert_problem(cat.ask(method, path, body, Sec_Fetch_Site="cross-site"), 403)
    assert cat.get("/api/me/keys") == {"items": []}


def test_a_session_is_refreshed_and_ended(world: World):
    dan = world.join("Dan", "operator")
    old = Browser(world.server.url, dict(dan.cookies))
    dan.cookies.pop(ACCESS_COOKIE)
    assert_problem(dan.ask("GET", "/api/me"), 401)
    dan.made("/api/sessions/refresh", None)
    dan.get("/api/me")
    assert dan.ask("DELETE", "/api/sessions").status_code == 204
    assert dan.cookies == {}
    assert_ended(old)
    assert dan.ask("DELETE", "/api/sessions").status_code == 204
    assert_problem(dan.ask("POST", "/api/sessions/refresh"), 401)
    for forged in (f"{SESSION_COOKIE}=x", f"{SESSION_COOKIE}={'0' * 32}.secret", f"{SESSION_COOKIE}=$.{'x' * 300}"):
        assert_problem(Browser(world.server.url).ask("POST", "/api/sessions/refresh", Cookie=forged), 401)


def assert_ended(browser: Browser) -> None:
    """Its session is refused, within a second by every route."""
    until = time.monotonic() + 1.0
    while browser.ask("GET", "/api/me").status_code != 401:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert_problem(browser.ask("POST", "/api/sessions/refresh"), 401)
    assert browser.get("/api/session")["signed_in"] is False


def test_a_new_password_ends_the_persons_other_sessions(world: World):
    eve, other = world.join("Eve", "operator"), world.sign_in("Eve")
    change = {"current": "not this one", "new": "a better one"}
    assert_problem(eve.ask("POST", "/api/me/password", change), 422, pointer="/current")
    change["current"] = PASSWORD
    assert_problem(eve.ask("POST", "/api/me/password", change | {"new": "short"}), 422, pointer="/new")
    assert eve.ask("POST", "/api/me/password", change).status_code == 204
    assert_ended(other)
    eve.made("/api/sessions/refresh", None)
    eve.get("/api/me")
    world.sign_in("Eve", "a better one")
    answer = other.ask("POST", "/api/sessions", {"name": "Eve", "password": PASSWORD})
    assert_problem(answer, 401)


def test_an_invitation_is_used_once_and_can_be_withdrawn(world: World):
    ann = world.ann
    used, withdrawn = (ann.made("/api/invitations", {"roles": ["operator", "client"]}) for _ in range(2))
    assert used["roles"] == ["client", "operator"]
    listed = ann.get("/api/invitations")["items"]
    assert [one for one in listed if one["id"] == used["id"]] == [{k: v for k, v in used.items() if k != "url"}]
    assert ann.ask("DELETE", f"/api/invitations/{withdrawn['id']}").status_code == 204
    assert_problem(ann.ask("DELETE", f"/api/invitations/{withdrawn['id']}"), 404)
    asked = {"token": used["url"].removeprefix("/link#"), "name": "Ann", "password": "not Ann's password"}
    fay = Browser(world.server.url)
    assert_problem(fay.ask("POST", "/api/sessions/link", asked), 409, pointer="/name")
    fay.made("/api/sessions/link", asked | {"name": "Fay"})
    gone = {
        assert_problem(Browser(world.server.url).ask("POST", "/api/sessions/link", asked | {"token": token}), 410)[
            "detail"
        ]
        for token in (asked["token"], withdrawn["url"].removeprefix("/link#"), "0~0")
    }
    assert len(gone) == 1
    assert_problem(ann.ask("POST", "/api/invitations", {"roles": []}), 422)
    assert_problem(ann.ask("POST", "/api/invitations", {"roles": ["king"]}), 422)
    again = ann.made("/api/invitations", {"roles": ALL})["url"].removeprefix("/link#")
    assert_problem(fay.ask("POST", "/api/sessions/link", {"token": again}), 409, saying="member")
    assert fay.get("/api/me")["user"]["roles"] == ["client", "operator"]


def test_other_roles_end_sessions_and_nobody_changes_their_own(world: World):
    gil = world.join("Gil", "operator", "admin")
    ann_id, gil_id = world.ann.id, gil.id
    assert_problem(gil.ask("PATCH", f"/api/users/{gil_id}", {"roles": ALL}), 403)
    assert_problem(gil.ask("DELETE", f"/api/users/{gil_id}"), 403)
    changed = world.ann.ask("PATCH", f"/api/users/{gil_id}", {"roles": ["operator"]})
    assert (changed.status_code, changed.json()["roles"]) == (200, ["operator"])
    assert_ended(gil)
    gil = world.sign_in("Gil")
    assert gil.get("/api/me")["user"]["roles"] == ["operator"]
    for method, path, body in (
        ("GET", "/api/users", None),
        ("PATCH", f"/api/users/{ann_id}", {"roles": ["client"]}),
        ("DELETE", f"/api/users/{ann_id}", None),
        ("GET", "/api/invitations", None),
        ("POST", "/api/invitations", {"roles": ALL}),
        ("DELETE", "/api/invitations/x", None),
        ("POST", "/api/teams", {"name": "Mine"}),
        ("GET", "/api/admin/keys", None),
        ("DELETE", "/api/admin/keys/x", None),
        ("GET", "/api/admin/audit", None),
        ("GET", "/api/admin/audit/export", None),
    ):
        assert_problem(gil.ask(method, path, body), 403, code="forbidden")
        assert_problem(Browser(world.server.url).ask(method, path, body), 401)


def test_who_is_not_active_or_was_removed_comes_in_no_more(world: World):
    hal = world.join("Hal", "client")
    _, program = world.key(hal)
    hal_id = hal.id
    assert world.ann.ask("PATCH", f"/api/users/{hal_id}", {"is_active": False}).json()["is_active"] is False
    assert_ended(hal)
    assert_refused(program)
    assert_problem(hal.ask("POST", "/api/sessions", {"name": "Hal", "password": PASSWORD}), 401)
    world.ann.ask("PATCH", f"/api/users/{hal_id}", {"is_active": True})
    hal = world.sign_in("Hal")
    assert program.ask("GET", "/api/me").status_code == 200
    assert world.ann.ask("DELETE", f"/api/users/{hal_id}").status_code == 204
    assert_ended(hal)
    assert_refused(program)
    assert_problem(world.ann.ask("DELETE", f"/api/users/{hal_id}"), 404)
    token = world.ann.made("/api/invitations", {"roles": ["operator"]})["url"].removeprefix("/link#")
    hal = Browser(world.server.url)
    asked = {"token": token, "name": "Hal", "password": PASSWORD}
    assert hal.made("/api/sessions/link", asked)["user"] == {"id": hal_id, "name": "Hal", "roles": ["operator"]}
    assert_refused(program)
    assert hal.get("/api/me/keys") == {"items": []}


def test_the_last_admin_of_a_team_stays(tmp_path: Path):
    with Server(tmp_path, auth="on") as server:
        world = begun(server)
        bob = world.join("Bob", "admin")
        ann_id, bob_id = world.ann.id, bob.id
        assert bob.ask("PATCH", f"/api/users/{ann_id}", {"roles": ["client"]}).status_code == 200
        ann = world.sign_in("Ann")
        assert_problem(ann.ask("DELETE", f"/api/users/{bob_id}"), 403)
        _, key = world.key(bob)
        for path, body in (
            (f"/api/users/{bob_id}", {"roles": ["client"]}),
            (f"/api/users/{bob_id}", {"is_active": False}),
        ):
            assert_problem(key.ask("PATCH", path, body), 403, saying="own")
        assert bob.ask("PATCH", f"/api/users/{ann_id}", {"roles": ["admin"]}).status_code == 200
        ann = world.sign_in("Ann")
        assert ann.ask("PATCH", f"/api/users/{bob_id}", {"is_active": False}).status_code == 200
        assert [one["is_active"] for one in ann.get("/api/users")["items"]] == [True, False]


def test_who_is_no_admin_any_more_has_invited_nobody(world: World):
    ivy = world.join("Ivy", "admin")
    link = ivy.made("/api/invitations", {"roles": ALL})["url"].removeprefix("/link#")
    world.ann.ask("DELETE", f"/api/users/{ivy.id}")
    asked = {"token": link, "name": "Ivy", "password": PASSWORD}
    assert_problem(Browser(world.server.url).ask("POST", "/api/sessions/link", asked), 410)


def test_another_teams_objects_are_answered_like_what_is_not_there(world: World):
    team = world.ann.made("/api/teams", {"name": "  Second team "})
    assert team["name"] == "Second team"
    assert team.pop("invitation_url") is None
    lea = world.join("Lea", "client")
    lea_id, (lea_key, _) = lea.id, world.key(lea)
    mine = world.ann.made("/api/invitations", {"roles": ["client"]})["id"]
    ann = world.sign_in("Ann")
    session = ann.made("/api/sessions/team", {"team": team["id"]})
    assert (session["team"], session["user"]["roles"]) == (team, ALL)
    assert (
        {one["id"] for one in session["teams"]}
        == {"first", team["id"]}
        == {one["id"] for one in ann.get("/api/teams")["items"]}
    )
    mia = world.join("Mia", "admin", by=ann)
    for browser in (ann, mia):
        for method, path, unknown, body in (
            ("PATCH", f"/api/users/{lea_id}", "/api/users/0", {"roles": ["admin"]}),
            ("DELETE", f"/api/users/{lea_id}", "/api/users/0", None),
            ("DELETE", f"/api/invitations/{mine}", "/api/invitations/0", None),
            ("DELETE", f"/api/admin/keys/{lea_key}", "/api/admin/keys/0", None),
        ):
            there, nowhere = (assert_problem(browser.ask(method, one, body), 404) for one in (path, unknown))
            assert there["detail"] == nowhere["detail"]
        assert browser.get("/api/admin/keys")["items"] == []
        assert browser.get("/api/invitations")["items"] == []
        assert {one["name"] for one in browser.get("/api/users")["items"]} == {"Ann", "Mia"}
    actions = {one["action"] for one in mia.get("/api/admin/audit")["items"]}
    assert actions == {"team.make", "session.team", "invitation.make", "person.join", "session.begin"}
    assert_problem(mia.ask("POST", "/api/teams", {"name": "Third"}), 403)
    assert_problem(mia.ask("POST", "/api/sessions/team", {"team": "first"}), 404)
    assert_problem(mia.ask("PATCH", f"/api/users/{lea_id}", {"roles": []}), 422)
    invited = ann.made("/api/invitations", {"roles": ["operator"]})["url"].removeprefix("/link#")
    session = lea.made("/api/sessions/link", {"token": invited})
    assert (session["team"], session["user"]["roles"]) == (team, ["operator"])
    assert lea.get("/api/me")["team"] == team["id"]


def test_people_are_listed_by_name_page_by_page(world: World):
    for name in ("zo\u00eb", "Otto", "\u00c4nne"):
        world.join(name, "operator")
    names, cursor = [], ""
    while cursor is not None:
        page = world.ann.get("/api/users?limit=2" + (f"&cursor={cursor}" if cursor else ""))
        assert len(page["items"]) <= 2
        names, cursor = names + [one["name"] for one in page["items"]], page["next_cursor"]
    assert names == sorted(names, key=str.casefold)
    assert {"zo\u00eb", "Otto", "\u00c4nne", "Ann"} <= set(names)
    assert_problem(world.ann.ask("GET", "/api/users?cursor=AAAA"), 400)
    reader = world.join("Rea", "adjudicator")
    told = {one["id"]: one["name"] for one in reader.get("/api/users/names?limit=1000")["items"]}
    assert told == {one["id"]: one["name"] for one in world.ann.get("/api/users?limit=1000")["items"]}
    assert told[reader.id] == "Rea"
    assert_problem(world.join("Lab", "operator").ask("GET", "/api/users/names"), 403)


def test_a_name_that_anybody_can_send_is_refused_and_so_is_nothing(world: World):
    url = world.server.url
    assert_problem(httpx.get(f"{url}/api/me", headers={"X-Quorate-User": "ann"}), 403)
    assert_problem(httpx.get(f"{url}/api/me"), 401)
    assert_problem(httpx.get(f"{url}/api/tasks"), 401)


def test_what_was_revoked_stays_so_after_a_kill(tmp_path: Path):
    with Server(tmp_path, auth="on") as server:
        world = begun(server)
        bob, left = world.join("Bob", "client"), world.sign_in("Bob")
        key_id, program = world.key(bob)
        _, kept = world.key(bob)
        assert bob.ask("DELETE", f"/api/me/keys/{key_id}").status_code == 204
        assert left.ask("DELETE", "/api/sessions").status_code == 204
        ended = Browser(server.url, {SESSION_COOKIE: "x"})
        cookies = dict(bob.cookies)
        bob.ask("DELETE", "/api/sessions")
        server.kill()
        server.start()
        ended.cookies = cookies
        assert_problem(ended.ask("GET", "/api/me"), 401)
        assert_problem(ended.ask("POST", "/api/sessions/refresh"), 401)
        assert_problem(program.ask("GET", "/api/me"), 401)
        assert kept.ask("GET", "/api/me").status_code == 200
        assert world.ann.get("/api/me")["user"]["name"] == "Ann"


def test_a_link_opens_the_page(world: World):
    """Its token is behind the `#`, and is not sent; it was in the path once, where a dot would have been a file's."""
    path, _, token = world.ann.made("/api/invitations", {"roles": ["operator"]})["url"].partition("#")
    assert path == "/link"
    for path in ("/link", f"/link/{token}"):
        answer = httpx.get(world.server.url + path, headers={"Accept": "text/html"})
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, "text/html")
