"""Accounts that earlier releases stored open for ever."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from services.accounts.store.sqlite.schema import STEPS
from tests.contract.test_stored_state import covers
from tests.service.accounts_world import PASSWORD, Browser, Program, World
from tests.service.processes import Server

STORED = Path(__file__).parents[1] / "stored"
RELEASES = sorted(one.name for one in STORED.glob("accounts-*"))


@pytest.mark.parametrize("release", RELEASES)
def test_accounts_of_an_earlier_release_open_and_people_go_on(release: str, tmp_path: Path):
    known = json.loads((STORED / release / "expected.json").read_text())
    server = Server(tmp_path, auth="on")
    server.data_dir.mkdir(parents=True)
    shutil.copy(STORED / release / "accounts.sqlite", server.data_dir / "accounts.sqlite")
    with server:
        ann = Browser(server.url)
        ann.made("/api/sessions", {"name": "Ann", "password": PASSWORD})
        world = World(server, ann)
        assert covers(ann.get("/api/users")["items"], known["users"])
        audit = [json.loads(line) for line in ann.ask("GET", "/api/admin/audit/export").text.splitlines()]
        assert covers(audit[-len(known["audit"]) :], known["audit"])
        program = Program(server.url, "_".join(known["key"]))
        bob = world.sign_in("Bob")
        assert program.ask("GET", "/api/me").json()["user"]["id"] == bob.id
        assert [one["name"] for one in bob.get("/api/me/keys")["items"]] == ["ci"]
        eve = Browser(server.url).ask("POST", "/api/sessions", {"name": "Eve", "password": PASSWORD})
        assert eve.status_code == 401, "she is not active"
        assert ann.ask("POST", "/api/admin/erasures", {"person": bob.id}).status_code == 202
        assert program.ask("GET", "/api/users").status_code in (401, 403)
    with closing(sqlite3.connect(server.data_dir / "accounts.sqlite")) as file:
        assert file.execute("PRAGMA user_version").fetchone() == (len(STEPS),)
