"""What the audit says of what people did: over real HTTP, with authentication on."""

import csv
import io
import time
from collections.abc import Iterator

import pytest

from shared.identity.authenticator import SESSION_COOKIE
from tests.service.accounts_world import PASSWORD, Browser, World, begun
from tests.service.processes import Server
from tests.service.running import assert_problem


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Server(tmp_path_factory.mktemp("accounts"), auth="on") as server:
        yield begun(server)


def test_the_audit_says_who_did_what_and_no_secret(world: World):
    ned = world.join("Ned", "client")
    ned_id, (key_id, program) = ned.id, world.key(ned, name="a name for it")
    Browser(world.server.url).ask("POST", "/api/sessions", {"name": "Ned", "password": "hunter2 hunter2"})
    ned.ask("DELETE", f"/api/me/keys/{key_id}")
    until = time.monotonic() + 5
    while True:
        entries = world.ann.get(f"/api/admin/audit?actor={ned_id}")["items"]
        told = {(one["action"], one["outcome"]) for one in entries}
        if ("session.refuse", "refused") in told or time.monotonic() > until:
            break
        time.sleep(0.05)
    assert told == {
        ("person.join", "done"),
        ("session.begin", "done"),
        ("key.make", "done"),
        ("session.refuse", "refused"),
        ("key.revoke", "done"),
    }
    assert {(one["actor_name"], one["address"]) for one in entries} == {("Ned", "127.0.0.1")}
    [made] = world.ann.get(f"/api/admin/audit?actor={ned_id}&action=key.make")["items"]
    assert made["object"] == key_id
    page = world.ann.get("/api/admin/audit?limit=2")
    after = world.ann.get(f"/api/admin/audit?limit=2&cursor={page['next_cursor']}")
    ids = [one["id"] for one in page["items"] + after["items"]]
    assert ids == sorted(ids, reverse=True)
    since, until = entries[1]["at"], entries[0]["at"]
    between = world.ann.get(f"/api/admin/audit?actor={ned_id}&since={since}&until={until}")["items"]
    assert [one["id"] for one in between] == [one["id"] for one in entries if since <= one["at"] < until]
    one = world.ann.ask("GET", f"/api/admin/audit/export?format=csv&object={key_id}&action=key.make")
    assert one.headers["content-type"] == "text/csv; charset=utf-8"
    assert one.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    assert [[row["actor_name"], row["object"]] for row in csv.DictReader(io.StringIO(one.text))] == [["Ned", key_id]]
    assert_problem(world.ann.ask("GET", "/api/admin/audit?since=yesterday"), 422)
    exported = world.ann.ask("GET", "/api/admin/audit/export")
    assert exported.headers["content-type"].startswith("application/jsonl")
    assert len(exported.text.splitlines()) >= len(entries)
    for secret in (program.key, "hunter2", "a name for it", PASSWORD, ned.cookies[SESSION_COOKIE]):
        assert secret not in exported.text
    assert_problem(world.ann.ask("GET", "/api/admin/audit?action=key.steal"), 422)
    assert_problem(world.ann.ask("GET", "/api/admin/audit?cursor=AAAA"), 400)


def noted(world: World, action: str, count: int = 1) -> list[dict]:
    """Entries of an action, once there are so many."""
    until = time.monotonic() + 5
    while len(found := world.ann.get(f"/api/admin/audit?action={action}")["items"]) < count:
        assert time.monotonic() < until, (action, found)
        time.sleep(0.05)
    return found


def test_the_audit_notes_quotas_and_webhooks(world: World):
    hook = world.ann.made("/api/webhooks", {"url": "https://hooks.example/", "events": ["task.completed"]})
    path = f"/api/webhooks/{hook['id']}"
    assert world.ann.ask("PATCH", path, {"is_paused": True}).status_code == 200
    world.ann.made(f"{path}/secret", None)
    assert world.ann.ask("DELETE", path).status_code == 204
    for action in ("webhook.make", "webhook.change", "webhook.rotate", "webhook.remove"):
        assert [one["object"] for one in noted(world, action)] == [hook["id"]], action
    for quotas in ("/api/admin/quotas/first", "/api/leases/quotas/first"):
        assert world.ann.ask("PUT", quotas, {}).status_code == 200
    assert [one["object"] for one in noted(world, "quotas.change", 2)] == ["first", "first"]


def test_who_reaches_a_quota_again_and_again_is_noted_once(world: World):
    pia, ole = world.join("Pia", "client", "operator"), world.join("Ole", "client")
    task = {"name": "cats", "labels": ["cat", "dog"]}
    assert world.ann.ask("PUT", "/api/admin/quotas/first", {"open_tasks": 0}).status_code == 200
    assert world.ann.ask("PUT", "/api/leases/quotas/first", {"live_leases": 0}).status_code == 200
    try:
        for who in (pia, pia, ole, pia):
            assert_problem(who.ask("POST", "/api/tasks", task), 403, code="quota-reached")
        for _ in range(3):
            assert_problem(pia.ask("POST", "/api/leases", {"count": 1}), 403, code="quota-reached")
    finally:
        world.ann.ask("PUT", "/api/admin/quotas/first", {})
        world.ann.ask("PUT", "/api/leases/quotas/first", {})
    entries = noted(world, "quotas.refuse", 3)
    assert {(one["actor_name"], one["object"], one["outcome"]) for one in entries} == {
        ("Pia", "open_tasks", "refused"),
        ("Ole", "open_tasks", "refused"),
        ("Pia", "live_leases", "refused"),
    }
    assert len(entries) == 3
