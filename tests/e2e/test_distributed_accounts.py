"""The distributed platform with accounts: each service knows callers alone, by what it was told."""

import re
import time
from collections.abc import Callable, Iterator

import httpx
import pymongo
import pytest

from deploy.local import env_file, identity
from deploy.local.errors import ServerNotInstalled
from deploy.local.gateway import Gateway
from deploy.local.packages import need as need_program
from deploy.local.platform import Platform, Replica
from tests import servers
from tests.service.accounts_world import PASSWORD, Browser, Program

LINK = re.compile(r"/link[/#](\S+)")
TASK = {"name": "cats", "labels": ["cat", "dog"], "quorum": {"votes_required": 1}}
ROUTES = ("/api/tasks", "/api/me", "/api/admin/audit")
"""Of the task manager, the subtask manager and the accounts service."""
IN_A_ROW = 8
"""Each request meets another replica."""
PATIENCE_S = 10.0
"""Far more than the second that it takes on a machine that does nothing else."""


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    for name in servers.NAMES:
        servers.need(name)
    try:
        need_program(Gateway)
    except ServerNotInstalled as lack:
        servers.lacks(str(lack))
    environment = env_file.read(servers.ENV_FILE.parent)
    with pymongo.MongoClient(environment["QUORATE_MONGO_URL"]) as client:
        client.drop_database("quorate_accounts")  # so that it starts for the first time
    made = Platform(
        folder=tmp_path_factory.mktemp("platform"), environment=environment, settings=identity.settings(), replicas=2
    )
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def ann(platform: Platform) -> Browser:
    """The browser of the first admin. Each replica of the accounts service printed a link; the newest counts."""
    browser = Browser(platform.gateway().url)
    printed = [link for one in of(platform, "accounts") for link in LINK.findall(one.process.log.read_text())]
    taken = {"name": "Ann", "password": PASSWORD}
    answers = [browser.ask("POST", "/api/sessions/link", {"token": one, **taken}).status_code for one in printed]
    assert sorted(answers) == [200, 410]
    return browser


def of(platform: Platform, service: str) -> list[Replica]:
    return [member for member in platform.members() if member.service == service]


def soon(is_so: Callable[[], bool]) -> bool:
    """Whether it comes to be so, and stays so."""
    until = time.monotonic() + PATIENCE_S
    while not all(is_so() for _ in range(IN_A_ROW)):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def key(browser: Browser, *roles: str) -> tuple[str, Program]:
    made = browser.made("/api/me/keys", {"name": "ci", "roles": list(roles)})
    return made["id"], Program(browser.url, made["secret"])


def answers(program: Program | Browser) -> set[int]:
    """By all services: each request meets another replica."""
    return {program.ask("GET", path).status_code for path in ROUTES for _ in range(2)}


def killed(replicas: list[Replica]) -> None:
    for replica in replicas:
        replica.process.kill()
        replica.start()
        replica.await_ready()


def test_whoever_has_nothing_to_show_is_refused_by_every_service(ann: Browser):
    for headers in ({}, {"X-Quorate-User": "ann"}, {"Authorization": "Bearer qk_0"}, {"Cookie": "a=b"}):
        found = {httpx.get(ann.url + path, headers=headers).status_code for path in ROUTES}
        assert found == ({403} if "X-Quorate-User" in headers else {401}), headers


def test_a_key_works_everywhere_and_a_revoked_one_nowhere(ann: Browser):
    key_id, program = key(ann, "client", "operator", "admin")
    assert soon(lambda: answers(program) == {200})
    assert ann.ask("DELETE", f"/api/me/keys/{key_id}").status_code == 204
    assert soon(lambda: answers(program) == {401})


def test_what_was_revoked_stays_so_after_kill_9_of_any_process(ann: Browser, platform: Platform):
    key_id, revoked = key(ann, "client", "operator", "admin")
    _, kept = key(ann, "client", "operator", "admin")
    ended = Browser(ann.url)
    ended.made("/api/sessions", {"name": "Ann", "password": PASSWORD})
    assert soon(lambda: answers(ended) == answers(revoked) == answers(kept) == {200})
    cookies = dict(ended.cookies)
    assert ended.ask("DELETE", "/api/sessions").status_code == 204
    ended.cookies = cookies
    assert ann.ask("DELETE", f"/api/me/keys/{key_id}").status_code == 204
    for service in ("accounts", "task_manager", "subtask_manager"):
        killed(of(platform, service))
        assert soon(lambda: answers(ended) == answers(revoked) == {401}), service
        assert soon(lambda: answers(kept) == {200}), service


def test_callers_are_known_while_the_accounts_service_is_away(ann: Browser, platform: Platform):
    _, program = key(ann, "client", "operator", "admin")
    assert soon(lambda: answers(program) == {200})
    away = of(platform, "accounts")
    for replica in away:
        replica.process.kill()
    try:
        assert program.ask("GET", "/api/tasks").status_code == 200
        assert ann.ask("GET", "/api/me").status_code == 200
    finally:
        for replica in away:
            replica.start()
        for replica in away:
            replica.await_ready()


def test_another_team_sees_nothing_and_a_role_that_was_taken_ends_at_once(ann: Browser):
    task = ann.made("/api/tasks", TASK)
    invitation = ann.made("/api/invitations", {"roles": ["client"]})
    bob = Browser(ann.url)
    bob.made(
        "/api/sessions/link", {"token": invitation["url"].removeprefix("/link#"), "name": "Bob", "password": PASSWORD}
    )
    assert soon(lambda: bob.ask("GET", f"/api/tasks/{task['id']}").status_code == 200)
    _, program = key(bob, "client")
    assert soon(lambda: program.ask("GET", f"/api/tasks/{task['id']}").status_code == 200)
    bob_id = bob.id
    ann.made("/api/teams", {"name": "Other"})
    assert ann.ask("PATCH", f"/api/users/{bob_id}", {"roles": ["operator"]}).status_code == 200
    assert soon(lambda: program.ask("GET", "/api/tasks").status_code == 401)
    assert soon(lambda: bob.ask("GET", "/api/tasks").status_code == 401)
    other = next(one["id"] for one in ann.get("/api/teams")["items"] if one["name"] == "Other")
    ann.made("/api/sessions/team", {"team": other})
    assert ann.ask("GET", f"/api/tasks/{task['id']}").status_code == 404
    assert task["id"] not in ann.ask("GET", "/api/tasks").text
    first = next(one["id"] for one in ann.get("/api/teams")["items"] if one["name"] != "Other")
    ann.made("/api/sessions/team", {"team": first})


def test_the_audit_has_what_was_done_in_every_service(ann: Browser):
    task = ann.made("/api/tasks", TASK)
    assert ann.ask("PATCH", f"/api/tasks/{task['id']}", {"name": "dogs"}).status_code == 200
    assert ann.ask("DELETE", f"/api/tasks/{task['id']}").status_code == 204

    def noted() -> list[str]:
        items = ann.get("/api/admin/audit")["items"]
        return [one["action"] for one in items if one["object"] == task["id"]]

    assert soon(lambda: noted() == ["task.erase", "task.change", "task.create"]), noted()
    [entry] = [one for one in ann.get("/api/admin/audit?action=task.erase")["items"] if one["object"] == task["id"]]
    assert (entry["actor_name"], entry["address"]) == ("Ann", "127.0.0.1")
