"""Keys for programs: over real HTTP, with authentication on."""

from collections.abc import Iterator

import pytest

from shared.identity.keys import key_of
from tests.service.accounts_world import PASSWORD, Program, World, assert_refused, begun
from tests.service.processes import Server
from tests.service.running import assert_problem


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Server(tmp_path_factory.mktemp("keys"), auth="on") as server:
        yield begun(server)


def test_a_key_is_shown_once_and_revoked_within_a_second(world: World):
    ian = world.join("Ian", "client", "operator")
    key_id, program = world.key(ian, name="my script", roles=["client"], expires_at="2030-01-01T00:00:00Z")
    [listed] = ian.get("/api/me/keys")["items"]
    assert listed == {
        "id": key_id, "name": "my script", "roles": ["client"], "created_at": listed["created_at"],
        "expires_at": None, "used_at": None,
    } | {"expires_at": listed["expires_at"]}  # fmt: skip
    me = program.ask("GET", "/api/me").json()
    assert me["user"] == {"id": ian.id, "name": "Ian", "roles": ["client"]}
    used = ian.get("/api/me/keys")["items"][0]["used_at"]
    assert used is not None
    assert used.endswith(":00:00.000Z")
    assert_problem(program.ask("POST", "/api/me/keys", {"name": "more", "roles": ["operator"]}), 422)
    assert_problem(program.ask("POST", "/api/me/password", {"current": PASSWORD, "new": "another one"}), 403)
    assert_problem(program.ask("POST", "/api/sessions/team", {"team": "first"}), 403)
    assert_problem(Program(program.url, key_of(key_id, "0" * 32)).ask("GET", "/api/me"), 401)
    assert ian.ask("DELETE", f"/api/me/keys/{key_id}").status_code == 204
    assert_refused(program)
    assert_problem(ian.ask("DELETE", f"/api/me/keys/{key_id}"), 404)
    assert ian.get("/api/me/keys") == {"items": []}


def test_a_key_does_not_outlive_the_key_that_made_it(world: World):
    jo = world.join("Jo", "client")
    _, program = world.key(jo, expires_at="2030-01-01T00:00:00Z")
    for wanted in ({}, {"expires_at": "2035-01-01T00:00:00Z"}):
        made = program.ask("POST", "/api/me/keys", {"name": "more"} | wanted).json()
        assert made["expires_at"] == "2030-01-01T00:00:00.000Z"
    for wrong in ("2020-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "tomorrow", 5, "2030-01-01"):
        assert_problem(jo.ask("POST", "/api/me/keys", {"name": "x", "expires_at": wrong}), 422, pointer="/expires_at")


def test_an_admin_sees_and_revokes_the_keys_of_the_team(world: World):
    kim = world.join("Kim", "client")
    key_id, program = world.key(kim, name="theirs")
    items, cursor = [], ""
    while cursor is not None:
        page = world.ann.get("/api/admin/keys?limit=1" + (f"&cursor={cursor}" if cursor else ""))
        items, cursor = items + page["items"], page["next_cursor"]
    [theirs] = [one for one in items if one["id"] == key_id]
    assert theirs["person"] == {"id": kim.id, "name": "Kim"}
    assert "secret" not in theirs
    assert_problem(world.ann.ask("DELETE", f"/api/me/keys/{key_id}"), 404)
    assert world.ann.ask("DELETE", f"/api/admin/keys/{key_id}").status_code == 204
    assert_refused(program)
