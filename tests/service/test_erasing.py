"""A person is erased: nothing opens to them any more, and nothing that the platform says names them."""

import io
import json
import sqlite3
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.service.accounts_world import PASSWORD, Browser, World, assert_refused, begun
from tests.service.picture_samples import png
from tests.service.processes import Server
from tests.service.running import assert_problem

WITHIN_S = 30.0
SERVICES = {"accounts", "task_manager", "subtask_manager", "consensus"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Server(tmp_path_factory.mktemp("erasing"), auth="on", log_level="error") as server:
        yield begun(server)


def upload(browser: Browser, task_id: str, count: int, shade: int) -> list[str]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for number in range(count):
            file.writestr(f"{number}.png", png(1_000 * shade + number))
    headers = {
        "Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items()),
        "X-Quorate-Request": "1",
    }
    files = {"images": ("a.zip", archive.getvalue())}
    sent = httpx.post(f"{browser.url}/api/tasks/{task_id}/images", files=files, headers=headers, timeout=60)
    assert sent.status_code in (200, 201), sent.text
    return [one["image_id"] for one in sent.json()["images"]]


def leases(browser: Browser, task_id: str, count: int) -> list[dict]:
    until = time.monotonic() + WITHIN_S
    while True:
        held = browser.made("/api/leases", {"count": count, "task_id": task_id})["leases"]
        if len(held) == count:
            return held
        assert time.monotonic() < until, held
        time.sleep(0.1)


def vote(browser: Browser, held: list[dict], label: str) -> None:
    for lease in held:
        browser.made(f"/api/subtasks/{lease['subtask_id']}/vote", {"label": label, "token": lease["token"]})


def assert_ended(browser: Browser) -> None:
    """Its session is refused within a second."""
    until = time.monotonic() + 1.0
    while browser.ask("GET", "/api/me").status_code != 401:
        assert time.monotonic() < until
        time.sleep(0.05)


def wait_until_done(world: World, pseudonym: str) -> dict:
    until = time.monotonic() + WITHIN_S
    while True:
        [erasure] = [one for one in world.ann.get("/api/admin/erasures")["items"] if one["pseudonym"] == pseudonym]
        if all(erasure["done"].values()):
            return erasure
        assert time.monotonic() < until, erasure
        time.sleep(0.1)


def everything(world: World, tasks: list[str], images: list[str]) -> dict[str, str]:
    """What the platform answers to an admin with all roles, by path."""
    paths = ["/api/session", "/api/me", "/api/users", "/api/invitations", "/api/admin/keys", "/api/admin/erasures"]
    paths += ["/api/tasks", "/api/disputes", "/api/work", "/api/me/activity", "/api/admin/dead", "/api/admin/services"]
    for task in tasks:
        paths += [f"/api/tasks/{task}", f"/api/tasks/{task}/results", f"/api/tasks/{task}/statistics"]
        paths += [f"/api/tasks/{task}/export?format={kind}" for kind in ("jsonl", "csv")]
    paths += [f"/api/subtasks/{image}" for image in images]
    answers = {path: world.ann.ask("GET", path) for path in paths}
    assert {path: one.status_code for path, one in answers.items() if one.status_code not in (200, 202)} == {}
    return {path: one.text for path, one in answers.items()}


def erase(world: World, person: str) -> dict:
    answer = world.ann.ask("POST", "/api/admin/erasures", {"person": person})
    assert answer.status_code == 202, answer.text
    return answer.json()


TERMS = {"labels": ["cat", "dog"], "quorum": {"votes_required": 2, "max_votes": 2, "stop": "exact"}}


def test_nothing_names_somebody_who_was_erased_and_their_votes_count_as_before(world: World):
    zoe = world.join("Zoe Quist", "client", "operator", "adjudicator")
    bob = world.join("Bob", "operator")
    person = zoe.id
    _, program = world.key(zoe, name="Zoe Quist's laptop")
    settled = zoe.made("/api/tasks", {"name": "settled", "operators": [person, bob.id]} | TERMS)["id"]
    images = upload(zoe, settled, 4, 1)
    first = leases(zoe, settled, 4)
    vote(zoe, first[:3], "cat")
    zoe.ask("PUT", "/api/me/preferences", {"theme": "dark"}, If_Match='"0"')
    held = leases(bob, settled, 4)
    vote(bob, [one for one in held if one["subtask_id"] in {lease["subtask_id"] for lease in first[:2]}], "cat")
    disputed = first[2]["subtask_id"]
    vote(bob, [one for one in held if one["subtask_id"] == disputed], "dog")
    zoe.made(f"/api/disputes/{disputed}", {"label": "cat", "reason": "seen"})
    other = zoe.made("/api/tasks", {"name": "finished"} | TERMS)["id"]
    images += upload(zoe, other, 2, 2)
    leases(zoe, other, 2)
    zoe.made(f"/api/tasks/{other}/finish", {"reason": "late"})
    before = everything(world, [settled, other], images)
    assert sum(person in text for text in before.values()) > 5
    tallies = [json.loads(line)["votes"] for line in before[f"/api/tasks/{settled}/export?format=jsonl"].splitlines()]

    pseudonym = erase(world, person)["pseudonym"]
    assert pseudonym.startswith("erased-")
    assert len(pseudonym) == len("erased-") + 8
    assert_refused(program)
    assert_ended(zoe)
    assert_problem(zoe.ask("POST", "/api/sessions/refresh"), 401)
    assert_problem(Browser(zoe.url).ask("POST", "/api/sessions", {"name": "Zoe Quist", "password": PASSWORD}), 401)
    late = {"label": "cat", "token": first[3]["token"]}
    assert_problem(zoe.ask("POST", f"/api/subtasks/{first[3]['subtask_id']}/vote", late), 401)

    erasure = wait_until_done(world, pseudonym)
    assert erasure["done"].keys() == SERVICES
    after = everything(world, [settled, other], images)
    assert {path for path, text in after.items() if person in text or "Zoe" in text} == set()
    audit = world.ann.ask("GET", "/api/admin/audit/export").text
    assert "Zoe" not in audit
    entries = [json.loads(line) for line in audit.splitlines()]
    theirs = [one for one in entries if one["actor"] == person]
    assert {(one["actor_name"], one["address"]) for one in theirs} == {(pseudonym, "")}
    assert [one["object"] for one in entries if one["action"] == "person.erase"] == [person]
    exported = after[f"/api/tasks/{settled}/export?format=jsonl"]
    assert [json.loads(line)["votes"] for line in exported.splitlines()] == tallies
    subtask = json.loads(after[f"/api/subtasks/{disputed}"])
    assert sorted(one["voter"] for one in subtask["votes"]) == sorted([pseudonym, bob.id])
    assert subtask["result"]["by"] == pseudonym
    assert json.loads(after[f"/api/tasks/{settled}"])["owner"] == pseudonym
    assert json.loads(after[f"/api/tasks/{settled}"])["operators"] == [bob.id]
    assert "Zoe" not in world.ann.ask("GET", "/api/users").text
    for file in ("accounts", "tasks", "subtasks"):
        assert b"Zoe" not in in_database(world, file), file


def in_database(world: World, name: str) -> bytes:
    """All that a database says, but for what it has freed."""
    with sqlite3.connect(f"file:{world.server.data_dir / name}.sqlite?mode=ro", uri=True) as db:
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return b"".join(repr(row).encode() for table in tables for row in db.execute(f"SELECT * FROM {table}"))


def test_an_image_that_others_go_on_with_ends_with_the_votes_of_all(world: World):
    yan = world.join("Yan", "operator")
    others = [world.join(f"Other {number}", "operator") for number in range(2)]
    terms = TERMS | {"quorum": {"votes_required": 3, "max_votes": 3, "stop": "exact"}}
    task = world.ann.made("/api/tasks", {"name": "going on"} | terms)["id"]
    [image] = upload(world.ann, task, 1, 3)
    vote(yan, leases(yan, task, 1), "cat")
    pseudonym = erase(world, yan.id)["pseudonym"]
    for other in others:
        vote(other, leases(other, task, 1), "cat")
    wait_until_done(world, pseudonym)
    subtask = world.ann.get(f"/api/subtasks/{image}")
    assert subtask["state"] == "completed"
    assert sorted(one["voter"] for one in subtask["votes"]) == sorted([pseudonym, *(one.id for one in others)])
    assert world.ann.get(f"/api/tasks/{task}/results")["items"][0]["votes"] == {"cat": 3}


def test_who_may_erase_whom(world: World):
    xia = world.join("Xia", "operator", "client", "adjudicator")
    assert_problem(xia.ask("POST", "/api/admin/erasures", {"person": world.ann.id}), 403)
    assert_problem(xia.ask("GET", "/api/admin/erasures"), 403)
    assert_problem(world.ann.ask("POST", "/api/admin/erasures", {"person": "f" * 32}), 404)
    problem = assert_problem(world.ann.ask("POST", "/api/admin/erasures", {"person": world.ann.id}), 409)
    assert "last admin" in problem["detail"]
    assert world.ann.ask("GET", "/api/users").status_code == 200
    assert_problem(world.ann.ask("POST", "/api/me/erase", {"password": PASSWORD}), 409)
    assert_problem(xia.ask("POST", "/api/me/erase", {"password": "wrong"}), 422, pointer="/password")
    _, program = world.key(xia)
    assert_problem(program.ask("POST", "/api/me/erase", {"password": PASSWORD}), 403)
    person = xia.id
    answer = xia.ask("POST", "/api/me/erase", {"password": PASSWORD})
    assert answer.status_code == 202, answer.text
    assert xia.cookies == {}
    again = erase(world, person)
    assert again["pseudonym"] == answer.json()["pseudonym"]
    wait_until_done(world, again["pseudonym"])
    newcomer = world.join("Xia", "operator")
    assert newcomer.id != person, "the name is free, and means somebody else"


def test_an_admin_of_two_teams_stays_on_both_lists_where_one_would_be_empty(world: World):
    wim = world.join("Wim", "admin")
    assert world.ann.ask("PATCH", f"/api/users/{wim.id}", {"roles": ["admin"]}).status_code == 200
    own = wim.ask("POST", "/api/teams", {"name": "Wim's own"})
    assert own.status_code == 201, own.text
    assert_problem(world.ann.ask("POST", "/api/admin/erasures", {"person": wim.id}), 409)
    assert wim.ask("GET", "/api/users").status_code == 200
    assert world.ann.ask("PATCH", f"/api/users/{wim.id}", {"roles": ["client"]}).status_code == 200


def test_nobody_takes_a_pseudonym_for_a_name(world: World):
    link = world.ann.made("/api/invitations", {"roles": ["client"]})["url"].removeprefix("/link#")
    wanted = {"token": link, "name": "Erased-12345678", "password": PASSWORD}
    assert_problem(Browser(world.server.url).ask("POST", "/api/sessions/link", wanted), 422)


def test_an_erasure_goes_on_after_kills(tmp_path: Path):
    with Server(tmp_path, auth="on", log_level="error") as server:
        world = begun(server)
        vic = world.join("Vic", "operator")
        task = world.ann.made("/api/tasks", {"name": "many"} | TERMS)["id"]
        images = upload(world.ann, task, 30, 4)
        vote(vic, leases(vic, task, 30), "cat")
        person = vic.id
        pseudonym = erase(world, person)["pseudonym"]
        for _ in range(4):
            server.kill()
            server.start()
            time.sleep(0.3)
        world.ann = world.sign_in("Ann")
        wait_until_done(world, pseudonym)
        texts = everything(world, [task], images)
        assert {path for path, text in texts.items() if person in text or "Vic" in text} == set()
