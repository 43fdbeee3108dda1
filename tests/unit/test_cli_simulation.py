"""Simulated operators against a small platform over real HTTP."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from quorate import simulate as simulation
from quorate.cli import main
from quorate.client import Client
from quorate.simulate import Operator, Plan, Shift, Tally
from quorate.truths import Truths, read_truth

LABELS = ["crow", "jay", "owl"]


class Crowd:
    """Leases and votes with a plain majority of three, one lease per open place."""

    def __init__(self, images: int, places: int = 3) -> None:
        self.lock = threading.Lock()
        self.places = places
        self.votes: dict[str, dict[str, str]] = {f"s{n}": {} for n in range(images)}
        self.held: dict[str, set[str]] = {subtask: set() for subtask in self.votes}
        self.downloads: Counter[str] = Counter()

    def answer(self, method: str, path: str, user: str, body: dict) -> object:
        path = path.partition("?")[0]
        with self.lock:
            if path.startswith("/img/"):
                self.downloads[path.removeprefix("/img/")] += 1
                return {}
            if path == "/api/leases":
                return self.lease(user, body["count"])
            if path == "/api/votes":
                return {"outcomes": [self.vote(user, **ballot) for ballot in body["votes"]]}
            if path.endswith("/results"):
                return {"items": [self.result(s) for s in self.votes], "next_cursor": None}
            if method == "DELETE":
                self.held[path.rpartition("/")[2]].discard(user)
                return {}
            return self.task()

    def is_done(self, subtask: str) -> bool:
        return len(self.votes[subtask]) == self.places

    def task(self) -> dict[str, object]:
        done = sum(map(self.is_done, self.votes))
        counts = {"images": len(self.votes), "open": len(self.votes) - done, "completed": done, "disputed": 0}
        state = "sealed" if counts["open"] else "completed"
        return {
            "id": "t",
            "name": "[trial] birds",
            "state": state,
            "labels": LABELS,
            "counts": counts,
            "detector": {"mode": "off"},
        }

    def lease(self, user: str, count: int) -> dict[str, object]:
        for subtask, held in self.held.items():
            mine = sum(user in holders for holders in self.held.values())
            if mine < count and user not in self.votes[subtask] and len(self.votes[subtask]) + len(held) < self.places:
                held.add(user)
        leases = [
            {
                "subtask_id": s,
                "task_id": "t",
                "labels": LABELS,
                "image_url": f"/img/{s}",
                "token": user,
                "prelabel": None,
            }
            for s, holders in self.held.items()
            if user in holders
        ]
        waiting = sum(not self.is_done(s) and user in self.votes[s] for s in self.votes)
        return {"leases": leases, "more": False, "waiting_for_others": waiting}

    def vote(self, user: str, subtask_id: str, label: str, token: str) -> dict[str, object]:
        assert user == token
        assert user in self.held[subtask_id]
        self.held[subtask_id].discard(user)
        self.votes[subtask_id][user] = label
        return {"subtask_id": subtask_id, "status": 200, "detail": None, "subtask_state": "open"}

    def result(self, subtask: str) -> dict[str, object]:
        tally = Counter(self.votes[subtask].values())
        label = tally.most_common(1)[0][0] if self.is_done(subtask) else None
        return {"image_id": subtask, "filename": f"in/{subtask}.jpg", "label": label}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Two small writes and Nagle's wait would make each answer 40 ms.
    disable_nagle_algorithm = True

    def answer(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
        user = self.headers.get("X-Quorate-User") or "owner"
        answer = self.server.crowd.answer(self.command, self.path, user, body)
        data = json.dumps(answer).encode()
        self.send_response(404 if answer is None else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = answer  # noqa: N815 - http.server looks for these names

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def serve() -> Iterator:
    servers = []

    def start(crowd: Crowd) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.crowd = crowd
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def hurry(monkeypatch) -> None:
    monkeypatch.setattr(simulation, "WATCH_S", 0.02)
    monkeypatch.setattr(simulation, "IDLE_S", 0.3)


def simulate(url: str, *args: str) -> tuple[int, dict]:
    result = CliRunner().invoke(main, ["--url", url, "--json", "simulate-operators", "t", *args])
    return result.exit_code, json.loads(result.stdout) if result.stdout else {"stderr": result.stderr}


def test_operators_complete_a_task(serve, tmp_path: Path):
    crowd = Crowd(images=40)
    truth = tmp_path / "truth.json"
    truth.write_text(json.dumps({f"s{n}.jpg": LABELS[n % 3] for n in range(40)} | {"other.jpg": "eagle"}))
    code, summary = simulate(serve(crowd), "--operators", "5", "--skills", "0.9,0.8", "--truth", str(truth))
    assert (code, summary["state"], summary["votes"], summary["refused"]) == (0, "completed", 120, 0)
    assert [o["skill"] for o in summary["operators"]] == [0.9, 0.8, 0.9, 0.8, 0.9]
    assert sum(o["votes"] for o in summary["operators"]) == sum(o["known"] for o in summary["operators"]) == 120
    assert crowd.downloads.total() == 120
    assert {voter for votes in crowd.votes.values() for voter in votes} <= {f"sim-{n}" for n in range(1, 6)}
    assert summary["results_known"] == 40
    assert 30 <= summary["results_right"] <= 40
    assert 85 <= sum(o["right"] for o in summary["operators"]) <= 115


def test_too_few_operators_end_where_nothing_is_left(serve):
    code, summary = simulate(serve(Crowd(images=6)), "--operators", "2")
    assert (code, summary["state"], summary["votes"]) == (0, "sealed", 12)
    assert (summary["results_known"], summary["results_right"]) == (0, 0)


def test_time_ends_the_work_and_leases_go_back(serve):
    crowd = Crowd(images=6)
    code, summary = simulate(serve(crowd), "--operators", "2", "--pause", "30", "--timeout", "0.2")
    assert (code, summary["votes"]) == (0, 0)
    assert not any(crowd.held.values())


def test_a_refusal_to_one_operator_ends_all(serve, monkeypatch):
    crowd = Crowd(images=6)
    lease = crowd.lease
    monkeypatch.setattr(crowd, "lease", lambda user, count: None if user == "sim-2" else lease(user, count))
    code, outcome = simulate(serve(crowd), "--pause", "30")
    assert code == 1
    assert "404" in outcome["stderr"]
    assert not any(crowd.held.values())


def test_people_get_a_table(serve):
    result = CliRunner().invoke(main, ["--url", serve(Crowd(images=3)), "simulate-operators", "t", "--operators", "3"])
    assert result.exit_code == 0
    assert "sim-3" in result.stdout
    assert "completed" in result.stdout


def test_work_that_is_no_trial_is_left_alone(serve, monkeypatch):
    crowd = Crowd(images=3)
    task = crowd.task
    monkeypatch.setattr(crowd, "task", lambda: task() | {"name": "birds"})
    url = serve(crowd)
    code, outcome = simulate(url, "--operators", "3")
    assert code == 1
    assert "task t (birds) was not made by quorate label --trial" in outcome["stderr"]
    assert not any(crowd.votes.values())
    code, summary = simulate(url, "--operators", "3", "--force")
    assert (code, summary["votes"]) == (0, 9)


def operator(skill: float, *, seed: int = 0, name: str = "sim-1", truth: dict[str, str] | None = None) -> Operator:
    results = [{"image_id": f"s{n}", "filename": f"{n}.jpg"} for n in range(500)]
    truths = Truths(truth or {}, LABELS, lambda: results)
    shift = Shift(Plan(task_id="t", skills=[skill], seed=seed), truths)
    client = Client(transport=httpx.MockTransport(lambda _: httpx.Response(500)))
    return Operator(client, shift, Tally(name, skill))


def choices(worker: Operator, prelabel: str | None = None, labels: list[str] = LABELS) -> list[str]:
    found = {"label": prelabel} if prelabel else None
    return [worker.choose({"subtask_id": f"s{n}", "labels": labels, "prelabel": found}) for n in range(500)]


def test_choices_depend_on_seed_operator_and_subtask_alone():
    assert choices(operator(0.5)) == choices(operator(0.5))
    assert choices(operator(0.5)) != choices(operator(0.5, seed=1))
    assert choices(operator(0.5)) != choices(operator(0.5, name="sim-2"))


def test_without_truth_the_skilled_agree():
    assert choices(operator(1.0)) == choices(operator(1.0, seed=5, name="sim-2"))
    assert set(choices(operator(1.0))) == set(LABELS)


def test_a_prelabel_is_followed_as_skill_allows():
    assert set(choices(operator(1.0), "owl")) == {"owl"}
    assert set(choices(operator(0.0), "owl")) == {"crow", "jay"}
    assert 350 <= choices(operator(0.8), "owl").count("owl") <= 450


def test_truth_comes_before_the_prelabel():
    truth = {f"{n}.jpg": "jay" for n in range(500)}
    assert set(choices(operator(1.0, truth=truth), "owl")) == {"jay"}


def test_a_single_label_is_all_there_is_to_vote():
    assert set(choices(operator(0.0), labels=["owl"])) == {"owl"}


def test_truth_is_found_by_name_or_last_part_where_that_is_clear():
    truths = Truths(
        {"a/x.jpg": "crow", "b/x.jpg": "jay", "c/y.jpg": "owl", "z.jpg": "eagle"}, LABELS, lambda: pytest.fail("looked")
    )
    names = ["a/x.jpg", "x.jpg", "y.jpg", "deep/y.jpg", "z.jpg"]
    assert [truths.of_file(name) for name in names] == ["crow", None, "owl", "owl", None]


def test_images_that_come_later_are_looked_up(monkeypatch):
    monkeypatch.setattr("quorate.truths.RELOAD_S", 0.0)
    results = []
    truths = Truths({"a.jpg": "crow"}, LABELS, lambda: results)
    assert truths.label("s1") is None
    results.append({"image_id": "s1", "filename": "a.jpg"})
    assert truths.label("s1") == "crow"


@pytest.mark.parametrize("text", ["[]", '{"a": 1}', "{", '"x"', "\xff"])
def test_truth_must_be_names_to_labels(tmp_path: Path, text):
    path = tmp_path / "truth.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=r"."):
        read_truth(path)
    result = CliRunner().invoke(main, ["simulate-operators", "t", "--truth", str(path)])
    assert result.exit_code == 2
