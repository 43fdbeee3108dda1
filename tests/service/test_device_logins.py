"""Programs that ask for a key, and the command line that does: over real HTTP, with authentication on."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.accounts_world import PASSWORD, Browser, Program, World, assert_refused, begun
from tests.service.processes import Server
from tests.service.running import assert_problem
from tests.service.shell import Shell


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Server(tmp_path_factory.mktemp("accounts"), auth="on") as server:
        yield begun(server)


def asked(world: World, **wanted: object) -> dict:
    return Browser(world.server.url).made("/api/device", {"client": "CLI on a machine"} | wanted)


def collected(world: World, begun_by: dict) -> dict:
    return Browser(world.server.url).made("/api/device/key", {"device_code": begun_by["device_code"]})


def test_a_program_gets_a_key_of_the_person_who_approves_once(world: World):
    ada = world.join("Ada", "client", "operator")
    begun_by = asked(world)
    assert begun_by["path"] == f"/device?code={begun_by['user_code']}"
    assert collected(world, begun_by) == {"state": "waiting", "key": None, "user": None, "team": None}
    shown = ada.get(f"/api/device?code={begun_by['user_code']}")
    assert (shown["client"], shown["address"], shown["state"]) == ("CLI on a machine", "127.0.0.1", "waiting")
    answer = ada.made("/api/device/answer", {"code": begun_by["user_code"], "approve": True, "roles": ["client"]})
    assert answer["state"] == "approved"
    given = collected(world, begun_by)
    assert (given["state"], given["user"]["name"], given["team"]["id"]) == ("approved", "Ada", "first")
    assert given["key"]["roles"] == ["client"]
    assert given["key"]["expires_at"] is not None
    me = Program(world.server.url, given["key"]["secret"]).ask("GET", "/api/me").json()
    assert (me["user"]["name"], me["user"]["roles"]) == ("Ada", ["client"])
    again = Browser(world.server.url).ask("POST", "/api/device/key", {"device_code": begun_by["device_code"]})
    assert_problem(again, 410, code="gone")
    [listed] = ada.get("/api/me/keys")["items"]
    assert (listed["name"], listed["id"]) == ("CLI on a machine", given["key"]["id"])
    assert ada.ask("DELETE", f"/api/me/keys/{listed['id']}").status_code == 204
    assert_refused(Program(world.server.url, given["key"]["secret"]))
    assert world.ann.get("/api/admin/audit?action=device.approve")["items"][0]["actor"] == ada.id


def test_a_refused_program_gets_nothing_and_an_answer_stays(world: World):
    begun_by = asked(world)
    refusal = {"code": begun_by["user_code"].lower().replace("-", " "), "approve": False}
    assert world.ann.made("/api/device/answer", refusal)["state"] == "refused"
    assert collected(world, begun_by)["state"] == "refused"
    approval = {"code": begun_by["user_code"], "approve": True}
    assert_problem(world.ann.ask("POST", "/api/device/answer", approval), 409)
    other = world.join("Abe", "operator")
    assert_problem(other.ask("GET", f"/api/device?code={begun_by['user_code']}"), 410)


def test_it_takes_a_person_at_the_page(world: World):
    begun_by = asked(world)
    _, program = world.key(world.join("Amy", "client"))
    for answer in (
        program.ask("GET", f"/api/device?code={begun_by['user_code']}"),
        program.ask("POST", "/api/device/answer", {"code": begun_by["user_code"], "approve": True}),
        world.ann.ask(
            "POST", "/api/device/answer", {"code": begun_by["user_code"], "approve": True}, X_Quorate_Request=""
        ),
        world.ann.ask("POST", "/api/device", {"client": "x"}, Sec_Fetch_Site="cross-site"),
    ):
        assert_problem(answer, 403)
    assert_problem(Browser(world.server.url).ask("GET", f"/api/device?code={begun_by['user_code']}"), 401)
    assert collected(world, begun_by)["state"] == "waiting"


def test_roles_are_those_that_the_person_has_when_the_key_is_given(world: World):
    ama = world.join("Ama", "client", "operator")
    too_much = {"code": asked(world, roles=["admin"])["user_code"], "approve": True, "roles": ["admin"]}
    assert_problem(ama.ask("POST", "/api/device/answer", too_much), 422, pointer="/roles")
    begun_by = asked(world)
    ama.made("/api/device/answer", {"code": begun_by["user_code"], "approve": True})
    world.ann.ask("PATCH", f"/api/users/{ama.id}", {"roles": ["operator"]})
    assert collected(world, begun_by)["key"]["roles"] == ["operator"]
    ama = world.sign_in("Ama")
    begun_by = asked(world)
    ama.made("/api/device/answer", {"code": begun_by["user_code"], "approve": True})
    world.ann.ask("DELETE", f"/api/users/{ama.id}")
    lost = Browser(world.server.url).ask("POST", "/api/device/key", {"device_code": begun_by["device_code"]})
    assert_problem(lost, 410)


def test_codes_cannot_be_tried_one_after_another(world: World):
    eve, begun_by = world.join("Eva", "operator"), asked(world)
    for number in range(3):
        eve.get(f"/api/device?code={begun_by['user_code']}")
        assert_problem(eve.ask("GET", f"/api/device?code=BBBBBBB{'BCD'[number]}"), 410)
    for letter in "FGHJKLM":
        answer = {"code": f"BBBBBBB{letter}", "approve": True}
        assert_problem(eve.ask("POST", "/api/device/answer", answer), 410)
    refused = eve.ask("GET", f"/api/device?code={begun_by['user_code']}")
    assert_problem(refused, 429)
    assert int(refused.headers["retry-after"]) > 0
    world.server.kill()
    world.server.start()
    assert_problem(eve.ask("GET", f"/api/device?code={begun_by['user_code']}"), 429)
    world.ann.get(f"/api/device?code={begun_by['user_code']}")


def test_requests_of_one_address_are_bounded(tmp_path: Path):
    with Server(tmp_path, auth="on") as server:
        program = Browser(server.url)
        answers = [program.ask("POST", "/api/device", {"client": "x"}) for _ in range(31)]
        assert [one.status_code for one in answers] == [201] * 30 + [429]
        for client in ("", " ", "a\x00b", "x" * 101):
            assert_problem(program.ask("POST", "/api/device", {"client": client}), 422)


def test_the_command_line_signs_in_works_and_signs_out(world: World, tmp_path: Path):
    shell = Shell(world.server.url, tmp_path)
    refused = shell.begin("people", "list")
    out, said = refused.communicate(timeout=60)
    assert (refused.returncode, out) == (1, "")
    assert "login" in said
    first = shell.login(world.ann, "--name", "Ann's laptop")
    assert (first["user"]["name"], first["team"]["name"], first["kept_in"]) == ("Ann", "First team", "file")
    kept = tmp_path / "quorate/keys.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    link = shell.run("invite", "make", "--role", "client")
    token = link.removeprefix(f"{world.server.url}/link#")
    Browser(world.server.url).made("/api/sessions/link", {"token": token, "name": "Ina", "password": PASSWORD})
    assert "Ina" in shell.run("people", "list")
    shell.run("people", "roles", "ina", "operator", "client")
    assert '"roles": ["client", "operator"]' in shell.run("--json", "people", "list")
    team = json.loads(shell.run("--json", "teams", "make", "Birds", "--invite"))
    lead = Browser(world.server.url)
    token = team["link"].removeprefix(f"{world.server.url}/link#")
    lead.made("/api/sessions/link", {"token": token, "name": "Lea", "password": PASSWORD})
    assert lead.get("/api/me")["team"] == team["id"]
    assert [one["name"] for one in lead.get("/api/users")["items"]] == ["Ann", "Lea"]
    assert "Birds" in shell.run("teams", "list")
    secret = shell.run("keys", "make", "nightly", "--role", "client", "--days", "30")
    assert Program(world.server.url, secret).ask("GET", "/api/me").status_code == 200
    key_id = secret.split("_")[1]
    assert key_id in shell.run("keys", "list", "--team")
    shell.run("keys", "revoke", key_id)
    assert_refused(Program(world.server.url, secret))
    actions = {
        json.loads(line)["action"] for line in shell.run("--json", "audit", "list", "--actor", "ann").splitlines()
    }
    assert {"team.make", "key.make", "key.revoke", "person.change"} <= actions
    shell.run("audit", "export", "--output", str(tmp_path / "audit.jsonl"))
    assert first["key"]["id"] in (tmp_path / "audit.jsonl").read_text()
    shell.run("people", "remove", "Ina", "--yes")
    assert "Ina" not in shell.run("people", "list")
    earlier = Program(world.server.url, next(iter(json.loads(kept.read_text()).values()))["key"])
    shell.login(world.ann)
    assert_refused(earlier)
    later = Program(world.server.url, next(iter(json.loads(kept.read_text()).values()))["key"])
    assert "revoked" in shell.run("logout")
    assert_refused(later)
    assert json.loads(kept.read_text()) == {}
