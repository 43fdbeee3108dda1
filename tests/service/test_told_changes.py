"""What people change has a line in the log: who, what, on which task, in which request, and nothing secret."""

import json
import time

import httpx
import pytest

from tests.service.picture_samples import png
from tests.service.processes import Server
from tests.service.running import LABELS

WAIT_S = 30.0


@pytest.fixture
def server(tmp_path):
    with Server(tmp_path, log_level="info", auth="off") as started:
        yield started


def lines(server: Server) -> list[dict]:
    return [json.loads(line) for line in server._log.read_text().splitlines()]


def changes(server: Server, **about: object) -> list[str]:
    """What was changed, in order, of what this says."""
    told = [line for line in lines(server) if line["event"] == "changed"]
    return [line["action"] for line in told if about.items() <= line.items()]


def wait_for_line(server: Server, event: str, **about: object) -> None:
    until = time.monotonic() + WAIT_S
    while not any(line["event"] == event and about.items() <= line.items() for line in lines(server)):
        assert time.monotonic() < until, event
        time.sleep(0.05)


def test_each_change_of_a_task_is_a_line_with_who_what_and_in_which_request(server):
    with httpx.Client(base_url=server.url, headers={"X-Quorate-User": "ada"}, timeout=30) as http:

        def call(method: str, path: str, request_id: str, **sent: object) -> httpx.Response:
            answer = http.request(method, path, headers={"X-Request-Id": request_id}, **sent)
            assert answer.is_success, answer.text
            return answer

        wanted = {"name": "n", "labels": LABELS, "detector": {"mode": "off"}, "quorum": {"votes_required": 1}}
        headers = {"Idempotency-Key": "once"}
        task = http.post("/api/tasks", json=wanted, headers=headers).json()["id"]
        assert http.post("/api/tasks", json=wanted, headers=headers).json()["id"] == task
        path = f"/api/tasks/{task}"
        images = call("POST", f"{path}/images", "r-1", files=[("images", (f"{n}.png", png(n))) for n in range(2)])
        removed = images.json()["images"][0]["image_id"]
        call("DELETE", f"{path}/images/{removed}", "r-2")
        call("POST", f"{path}/seal", "r-3")
        call("POST", f"{path}/seal", "r-4")
        call("POST", f"{path}/finish", "r-5", json={"reason": "no-secret-reason"})
        wait_for_line(server, "a task completed", task_id=task)
        call("POST", f"{path}/reopen", "r-6")
        call("DELETE", path, "r-7")
        wait_for_line(server, "a cancelled task was erased", task_id=task)
        assert http.delete("/api/tasks/" + 32 * "f").status_code == 404
    assert changes(server, task_id=task, by="ada", team="first") == [
        "task.create",  # once, though it was asked for twice
        "image.remove",
        "task.seal",
        "task.finish",
        "task.reopen",
        "task.erase",
    ]
    assert changes(server, request_id="r-2", subtask_id=removed) == ["image.remove"]
    assert changes(server, request_id="r-4") == []
    assert changes(server, request_id="r-5") == ["task.finish"]
    assert len(changes(server)) == 6
    assert "no-secret-reason" not in server._log.read_text()


def test_adjudications_and_replays_are_lines_too_and_a_secret_is_in_none(server):
    with httpx.Client(base_url=server.url, headers={"X-Quorate-User": "ada"}, timeout=30) as http:
        quorum = {"votes_required": 1, "max_votes": 1}
        wanted = {"name": "n", "labels": LABELS, "detector": {"mode": "off"}, "quorum": quorum, "allow_unsure": True}
        task = http.post("/api/tasks", json=wanted).json()["id"]
        images = http.post(f"/api/tasks/{task}/images", files=[("images", ("a.png", png(1)))]).json()["images"]
        subtask = images[0]["image_id"]
        leases: list[dict] = []
        until = time.monotonic() + WAIT_S
        while not leases:
            assert time.monotonic() < until
            leases = http.post("/api/leases", json={"count": 1, "task_id": task}).json()["leases"]
        vote = {"label": "unsure", "token": leases[0]["token"]}
        assert http.post(f"/api/subtasks/{subtask}/vote", json=vote).json()["subtask_state"] == "disputed"
        decided = {"label": "cat", "reason": "it purrs"}
        assert http.post(f"/api/disputes/{subtask}", json=decided).is_success
        assert http.post("/api/admin/dead/replay", json={"ids": ["7"]}).json() == {"replayed": 0}
        made = http.post("/api/webhooks", json={"url": "https://example.org/x?token=s3cret", "events": ["task.erased"]})
        assert made.is_success, made.text
        secret, webhook = made.json()["secret"], made.json()["id"]
    assert changes(server, task_id=task, subtask_id=subtask) == ["image.adjudicate"]
    assert changes(server, dead_letter="7") == ["dead_letters.replay"]
    assert changes(server, webhook=webhook) == ["webhook.make"]
    log = server._log.read_text()
    assert [one for one in (secret, "s3cret", leases[0]["token"], "it purrs") if one in log] == []


def test_the_ready_line_is_json_where_no_person_reads_it(server):
    [said] = [json.loads(line) for line in server._said.read_text().splitlines()]
    assert said["event"] == f"Quorate is ready on {server.url}"
    assert said["level"] == "info"
