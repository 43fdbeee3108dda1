"""What the README says to a new administrator, step by step: from nothing to two teams, five people, a key and a
labeled batch. People's clicks are requests here; the commands are those of the README."""

import json
import time
from collections.abc import Callable
from pathlib import Path

from loadtest.command import ROOT
from loadtest.samples import draw
from tests.service.accounts_world import PASSWORD, Browser, begun
from tests.service.processes import Server
from tests.service.shell import Shell

LIMIT_S = 600
TOLD = (
    "login",
    "invite make --role operator",
    "teams make Birds --invite",
    "keys make nightly --role client",
    "label photos --labels",
)
"""Commands of the README that are used here."""
BATCH = 6


def joined(link: str, name: str) -> Browser:
    """Somebody who opens a link and chooses a name."""
    url, _, token = link.partition("/link#")
    browser = Browser(url)
    browser.made("/api/sessions/link", {"token": token, "name": name, "password": PASSWORD})
    return browser


def vote_on_everything(operator: Browser, label: str) -> int:
    """What an operator does on the Label page."""
    votes = 0
    while leases := operator.made("/api/leases", {"count": 5})["leases"]:
        for lease in leases:
            operator.made(f"/api/subtasks/{lease['subtask_id']}/vote", {"label": label, "token": lease["token"]})
            votes += 1
    return votes


def test_from_nothing_to_a_labeled_batch_by_the_readme(tmp_path: Path, record_property: Callable[[str, object], None]):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [told for told in TOLD if f".venv/bin/quorate {told}" not in readme] == []
    began = time.monotonic()
    photos = tmp_path / "photos"
    draw(photos, BATCH, seed=16)
    with Server(tmp_path / "platform", auth="on") as server:
        ann = begun(server).ann
        shell = Shell(server.url, tmp_path)
        shell.login(ann)
        ben = joined(shell.run("invite", "make", "--role", "operator"), "Ben")
        cem = joined(shell.run("invite", "make", "--role", "operator"), "Cem")
        dia = joined(shell.run("invite", "make", "--role", "client"), "Dia")
        lea = joined(shell.run("teams", "make", "Birds", "--invite"), "Lea")
        key = shell.run("keys", "make", "nightly", "--role", "client")
        labeled = shell.run("--json", "label", str(photos), "--labels", "crow,jay", "--votes", "2")
        task_id = json.loads(labeled)["task"]["id"]
        assert vote_on_everything(lea, "crow") == 0, "of another team"
        assert [vote_on_everything(operator, "jay") for operator in (ben, cem)] == [BATCH, BATCH]
        assert dia.get(f"/api/tasks/{task_id}")["state"] in ("sealed", "completed")
        results = shell.run("--key", key, "--json", "results", task_id).splitlines()
        assert [json.loads(line)["label"] for line in results] == ["jay"] * BATCH
        assert len(shell.run("--json", "people", "list").splitlines()) == 4
        assert len(shell.run("--json", "teams", "list").splitlines()) == 2
        assert "task" in shell.run("status", task_id)
        assert shell.run("--json", "audit", "list", "--action", "person.join")
    took_s = time.monotonic() - began
    record_property("took_s", round(took_s, 1))  # without people's own time
    assert took_s < LIMIT_S
