"""`quorate recognise`, as somebody types it, and the client's jobs."""

import json

import httpx
import pytest

from quorate.errors import NotInTimeError
from quorate.retries import RetryPolicy
from tests.unit.api_clients import client
from tests.unit.cli_runs import refused, run, unreachable

CLASSES = [{"label": "crow", "confidence": 0.87}, {"label": "jay\x1b", "confidence": 0.1}]


UNREADABLE = {"status": "rejected", "id": None, "reason": "not a picture", "notes": []}


def taken(name: str) -> dict:
    return {"filename": name, "status": "accepted", "id": name, "reason": None, "notes": []}


class Platform:
    """Takes every picture but those whose names end in .txt; each job waits for as many looks as told."""

    def __init__(self, *, looks: int = 1, classes: list | None = None, reason: str | None = None) -> None:
        self.left: dict[str, int] = {}
        self.looks = looks
        self.ended = {"state": "failed" if reason else "finished", "classes": classes or [], "reason": reason}
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        if request.method == "POST":
            return self.submitted(request.read())
        job = request.url.path.rpartition("/")[2]
        self.left[job] -= 1
        state = {"state": "waiting", "classes": [], "reason": None} if self.left[job] >= 0 else self.ended
        return httpx.Response(200, json={"id": job, "filename": job, **state})

    def submitted(self, body: bytes) -> httpx.Response:
        names = [
            line.split(b'filename="')[1].split(b'"')[0].decode() for line in body.split(b"\r\n") if b'name="' in line
        ]
        good = [name for name in names if not name.endswith(".txt")]
        if not good:
            return httpx.Response(422, json={"title": "Unprocessable", "detail": "not a picture", "jobs": []})
        self.left |= dict.fromkeys(good, self.looks)
        jobs = [taken(name) if name in good else UNREADABLE | {"filename": name} for name in names]
        return httpx.Response(201, json={"id": None, "jobs": jobs, "accepted": len(good)})


@pytest.fixture
def files(tmp_path):
    def made(*names: str) -> list[str]:
        for name in names:
            (tmp_path / name).write_bytes(name.encode())
        return [str(tmp_path / name) for name in names]

    return made


def test_each_picture_is_a_line_with_its_classes_and_those_of_a_batch_are_sent_before_any_is_waited_for(files):
    platform = Platform(looks=2, classes=CLASSES)
    result = run(platform, "recognise", *files("a.png", "b.png"))
    assert result.exit_code == 0, result.output
    assert result.stdout == "".join(f"{name}: crow 87%, jay\\x1b 10%\n" for name in ("a.png", "b.png"))
    assert platform.asked == ["POST /jobs/submit", *["GET /jobs/item/a.png"] * 3, *["GET /jobs/item/b.png"] * 3]


def test_json_is_a_line_for_each(files):
    result = run(Platform(classes=CLASSES), "recognise", "--json", *files("a.png", "no.txt"))
    assert result.exit_code == 3
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert lines == [
        {"file": "a.png", "job": "a.png", "classes": CLASSES},
        {"file": "no.txt", "error": "not a picture"},
    ]


def test_a_picture_in_which_nothing_is_known_says_so(files):
    result = run(Platform(), "recognise", *files("a.png"))
    assert (result.exit_code, result.stdout) == (0, "a.png: nothing that the model knows\n")


def test_what_failed_says_why(files):
    result = run(Platform(reason="it is broken"), "recognise", *files("a.png"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "a.png: it is broken" in result.stderr


def test_a_file_that_is_no_picture_is_refused(files):
    result = run(Platform(), "recognise", *files("no.txt"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no.txt: not a picture" in result.stderr


@pytest.mark.parametrize(("handler", "code"), [(refused, 1), (unreachable, 4)])
def test_a_platform_that_refuses_or_is_away_ends_the_command(files, handler, code):
    assert run(handler, "recognise", *files("a.png")).exit_code == code


def test_waiting_has_an_end():
    now = [0.0]
    retry = RetryPolicy(sleep=lambda s: now.__setitem__(0, now[0] + s), clock=lambda: now[0])
    platform = Platform(looks=1_000)
    platform.left["j"] = 1_000
    with pytest.raises(NotInTimeError):
        client(platform, retry=retry).jobs.wait("j", 10.0)
    assert 10.0 <= now[0] <= 12.0


def test_jobs_are_listed_read_and_removed():
    asked = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.method} {request.url.path}")
        if request.method == "DELETE":
            return httpx.Response(204)
        return httpx.Response(200, json={"items": [{"id": "j"}], "next_cursor": None})

    jobs = client(handler).jobs
    assert [[one["id"] for one in found()] for found in (jobs.all, jobs.finished)] == [["j"], ["j"]]
    jobs.remove("a/b")
    assert asked == ["GET /base/jobs/all", "GET /base/jobs/all_finished", "DELETE /base/jobs/item/a/b"]
