"""`quorate label`, from the files to the summary."""

import json
import os
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes

import httpx
import pytest
from click.testing import CliRunner, Result

from quorate.cli import main
from quorate.client import Client
from quorate.retries import RetryPolicy


class Platform:
    """As much of the API as a batch needs. Files that contain `bad` are rejected."""

    def __init__(self, state: str = "open") -> None:
        self.state = state
        self.created: dict[str, object] = {}
        self.uploads: list[list[str]] = []
        self.names: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/api/tasks":
            self.created = json.loads(request.content)
            return httpx.Response(201, json=self.task())
        handler = {"images": self.upload, "seal": self.seal, "events": self.events, "results": self.results}
        action = handler.get(path.removeprefix("/api/tasks/t1/"))
        return action(request) if action else httpx.Response(200, json=self.task())

    def task(self):
        done = len(self.names) if self.state == "completed" else 0
        counts = {"images": len(self.names), "open": len(self.names) - done, "completed": done, "disputed": 0}
        return {"id": "t1", "state": self.state, "counts": counts}

    def upload(self, request: httpx.Request) -> httpx.Response:
        pattern = rb"filename(?:=\"([^\"]*)\"|\*=UTF-8''([^\r]*)).*?\r\n\r\n(.*?)\r\n--"
        found = re.findall(pattern, request.read(), re.DOTALL)
        parts = [(plain or unquote_to_bytes(coded), data) for plain, coded, data in found]
        report = {"images": [], "accepted": 0, "duplicates": 0, "rejected": 0, "skipped": 0}
        self.uploads.append([name.decode() for name, _ in parts])
        for name, data in parts:
            status = "rejected" if b"bad" in data else "duplicate" if name in self.names else "accepted"
            report[{"duplicate": "duplicates"}.get(status, status)] += 1
            reason = "not \x1b[2J a picture" if status == "rejected" else None
            notes = ["turned upright"] if b"turned" in data else []
            report["images"].append({"filename": name.decode(), "status": status, "reason": reason, "notes": notes})
            if status == "accepted":
                self.names.append(name)
        return httpx.Response(200 if report["accepted"] + report["duplicates"] else 422, json=report)

    def seal(self, _: httpx.Request) -> httpx.Response:
        self.state = "sealed"
        return httpx.Response(200, json=self.task())

    def events(self, _: httpx.Request) -> httpx.Response:
        first = json.dumps(self.task())
        self.state = self.state if self.state == "cancelled" else "completed"
        text = f"event: progress\ndata: {first}\n\nevent: progress\ndata: {json.dumps(self.task())}\n\n"
        return httpx.Response(200, text=text)

    def results(self, _: httpx.Request) -> httpx.Response:
        one = {"state": "completed", "label": "crow", "agreement": 1.0, "votes": {"crow": 2}}
        return httpx.Response(200, json={"items": [one] * len(self.names), "next_cursor": None})


def label(platform: Platform, *args: object) -> Result:
    def connect(url: str, user: str | None, *, key: str | None) -> Client:
        retry = RetryPolicy(sleep=lambda _: None)
        return Client(url, user, key=key, retry=retry, transport=httpx.MockTransport(platform))

    return CliRunner().invoke(main, [str(arg) for arg in args], obj=connect)


def pictures(folder: Path, good: int = 2, bad: int = 0) -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(good):
        (folder / f"good{number}.jpg").write_text("good")
    for number in range(bad):
        (folder / f"bad{number}.jpg").write_text("bad")
    return folder


def test_a_batch_goes_in_and_is_sealed(tmp_path: Path):
    platform = Platform()
    result = label(platform, "label", pictures(tmp_path / "birds", good=30), "--labels", 'crow, "jay, blue",,owl')
    assert (result.exit_code, result.stdout) == (0, "t1\n")
    assert platform.created == {"name": "birds", "labels": ["crow", "jay, blue", "owl"]}
    assert [len(batch) for batch in platform.uploads] == [25, 5]
    assert platform.state == "sealed"
    assert "30 accepted" in result.stderr


@pytest.mark.parametrize(
    ("content", "labels"),
    [
        ("person\nbicycle\n", ["person", "bicycle"]),
        ("person\r\ntraffic light \r\n\r\n", ["person", "traffic light"]),
        ("person\rbicycle", ["person", "bicycle"]),
        ("\ufeffperson,\tbicycle", ["person", "bicycle"]),
        ('"jay, blue"\n24" monitor\n"@home"', ["jay, blue", '24" monitor', "@home"]),
        ("a\x0bb,\x1fc,d\u2028e\n\x85f", ["a\x0bb", "\x1fc", "d\u2028e", "\x85f"]),
    ],
)
def test_labels_are_cells_on_any_number_of_lines_or_in_a_file(tmp_path: Path, content, labels):
    birds = pictures(tmp_path / "birds")
    (tmp_path / "utf-8").write_text(content, encoding="utf-8", newline="")
    (tmp_path / "utf-16").write_text(content, encoding="utf-16", newline="")
    for given in (content, f"@{tmp_path}/utf-8", f"@{tmp_path}/utf-16"):
        platform = Platform()
        assert label(platform, "label", birds, "--labels", given).exit_code == 0
        assert platform.created["labels"] == labels


def test_a_label_that_is_refused_is_named(tmp_path: Path):
    errors = [{"pointer": "/labels/1", "detail": "odd"}, {"pointer": "/name", "detail": "long"}]
    answer = httpx.Response(422, json={"title": "Unprocessable", "detail": "two faults", "errors": errors})
    result = label(lambda _: answer, "label", pictures(tmp_path), "--labels", "a,b\x1b,c")
    assert result.exit_code == 1
    assert result.stderr.startswith('label "b\\x1b": odd\nquorate: 422 Unprocessable: two faults; /labels/1: odd')


def test_every_option_reaches_the_task(tmp_path: Path):
    platform = Platform()
    options = "--labels a --votes 5 --name N --instructions I --stop exact --detector off --unsure"
    label(platform, "label", pictures(tmp_path), *options.split())
    assert platform.created == {
        "name": "N",
        "labels": ["a"],
        "instructions": "I",
        "allow_unsure": True,
        "quorum": {"votes_required": 5, "stop": "exact"},
        "detector": {"mode": "off"},
    }


def test_a_trial_is_named_so(tmp_path: Path):
    platform = Platform()
    label(platform, "label", pictures(tmp_path / "birds"), "--labels", "a", "--trial")
    assert platform.created["name"] == "[trial] birds"


@pytest.mark.parametrize(
    ("folder", "name"),
    [("n" * 250, "n" * 150), ("a\nb", "a\\nb"), (os.fsdecode(b"caf\xe9"), "caf\\xe9"), (" ", "images")],
)
def test_any_folder_gives_a_name_that_is_taken(tmp_path: Path, folder, name):
    platform = Platform()
    label(platform, "label", pictures(tmp_path / folder), "--labels", "a")
    assert platform.created["name"] == name


def test_a_part_that_is_refused_is_listed(tmp_path: Path):
    platform = Platform()
    result = label(platform, "label", pictures(tmp_path, good=1, bad=1), "--labels", "a")
    assert (result.exit_code, result.stdout) == (3, "t1\n")
    assert "rejected: bad0.jpg: not \\x1b[2J a picture" in result.stderr
    assert "1 accepted, 1 rejected" in result.stderr
    assert platform.state == "sealed"


def test_what_is_passed_over_is_no_failure(tmp_path: Path):
    (pictures(tmp_path) / "truth.json").write_text("{}")
    result = label(Platform(), "label", tmp_path, "--labels", "a")
    assert result.exit_code == 0
    assert "skipped: truth.json" in result.stderr


def test_a_folder_as_windows_and_macos_leave_it_is_no_failure(tmp_path: Path):
    pictures(tmp_path)
    for name in ("desktop.ini", "Thumbs.db", ".DS_Store", "Icon\r"):
        (tmp_path / name).write_bytes(b"bad")
    result = label(Platform(), "label", *tmp_path.iterdir(), "--labels", "a")
    assert result.exit_code == 0
    assert "2 accepted, 4 skipped" in result.stderr


def test_a_name_that_had_to_be_changed_is_told(tmp_path: Path):
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png")).write_bytes(b"turned")
    result = label(Platform(), "label", tmp_path, "--labels", "a", "--json")
    assert result.exit_code == 0
    said = "accepted: caf\\xe9.png: the name on disk is not UTF-8; its other bytes are written out; turned upright\n"
    assert said in result.stderr
    [image] = json.loads(result.stdout)["upload"]["images"]
    assert image["filename"] == "caf\\xe9.png"


def test_why_there_are_no_images_is_told(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("x")
    result = label(Platform(), "label", tmp_path, "--labels", "a")
    assert result.exit_code == 2
    assert "skipped: notes.txt: not named like a picture" in result.stderr


def test_where_nothing_is_accepted_the_task_stays_open(tmp_path: Path):
    platform = Platform()
    result = label(platform, "label", pictures(tmp_path, good=0, bad=2), "--labels", "a", "--wait")
    assert result.exit_code == 1
    assert platform.state == "open"
    assert "left open" in result.stderr


def test_waiting_ends_with_a_summary(tmp_path: Path):
    result = label(Platform(), "label", pictures(tmp_path), "--labels", "a", "--wait")
    assert result.exit_code == 0
    assert result.stdout.startswith("t1\n")
    assert re.search(r"crow +2\b", result.stdout)
    assert re.search(r"mean agreement +100%", result.stdout)


def test_json_is_one_document(tmp_path: Path):
    result = label(Platform(), "label", pictures(tmp_path, bad=1), "--labels", "a", "--wait", "--json")
    assert result.exit_code == 3
    outcome = json.loads(result.stdout)
    assert (outcome["task"]["id"], outcome["task"]["state"]) == ("t1", "completed")
    assert [image["filename"] for image in outcome["upload"]["images"]] == ["bad0.jpg"]
    assert (outcome["upload"]["accepted"], outcome["upload"]["rejected"]) == (2, 1)
    assert outcome["results"] == {
        "images": 2,
        "completed": 2,
        "disputed": 0,
        "votes": 4,
        "mean_agreement": 1.0,
        "labels": {"crow": 2},
    }


def test_resuming_sends_everything_again_and_seals(tmp_path: Path):
    platform = Platform()
    platform.names = [b"good0.jpg"]
    result = label(platform, "label", pictures(tmp_path), "--resume", "t1")
    assert (result.exit_code, platform.created) == (0, {})
    assert "1 accepted, 1 already there" in result.stderr
    assert platform.state == "sealed"


@pytest.mark.parametrize(("state", "code"), [("sealed", 0), ("completed", 0), ("cancelled", 1)])
def test_resuming_a_task_that_is_sealed_sends_nothing(tmp_path: Path, state, code):
    platform = Platform(state)
    result = label(platform, "label", pictures(tmp_path), "--resume", "t1", "--wait")
    assert (result.exit_code, platform.uploads) == (code, [])
    assert "nothing is sent" in result.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["."], "--labels is needed"),
        ([".", "--labels", " ,"], "--labels is needed"),
        (["empty", "--labels", "a"], "no images"),
        (["nowhere", "--labels", "a"], "does not exist"),
        ([".", "--labels", "a", "--votes", "0"], "--votes 0 needs --pipeline"),
        ([".", "--labels", "caf\udce9"], "'caf\\udce9' is not text in UTF-8"),
        ([".", "--labels", "a", "--name", "caf\udce9"], "not text in UTF-8"),
        ([".", "--labels", "@nowhere"], "nowhere: No such file"),
        ([".", "--labels", "@empty"], "empty: Is a directory"),
        ([".", "--labels", "@good0.jpg"], "--labels is needed"),
        ([".", "--labels", "@latin"], "latin is not text in UTF-8"),
        ([".", "--labels", '"a"b,c'], "expected after"),
        ([], "Missing argument"),
    ],
)
def test_wrong_usage_creates_nothing(tmp_path: Path, monkeypatch, args, message):
    monkeypatch.chdir(pictures(tmp_path))
    Path("empty").mkdir()
    Path("latin").write_bytes(b"caf\xe9")
    Path("good0.jpg").write_bytes(b"")
    platform = Platform()
    result = label(platform, "label", *args)
    assert (result.exit_code, platform.created) == (2, {})
    assert message in result.stderr
