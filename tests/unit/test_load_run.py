"""One short run of Locust against a server that answers as the platform would, and keeps only what was uploaded."""

import itertools
import json
import re
import subprocess
import sys
from importlib.util import find_spec

import pytest

from loadtest.errors import MeasurementFailed
from loadtest.people.options import Drop, Options
from loadtest.people.run import LOG, run
from tests.unit.http_server import answering

pytestmark = pytest.mark.skipif(find_spec("locust") is None, reason="Locust is not installed")
SECONDS = 3.0


IDS = itertools.count()
IMAGES = {}
"""By task."""


def answer(method, path, body):
    """The few routes that people use. Detection is answered with 500."""
    status, value = _answered(method, path.partition("?")[0], body)
    return status, value.encode() if isinstance(value, str) else b"" if status == 204 else json.dumps(value).encode()


def _answered(method, path, body):  # noqa: PLR0911 - a return for each route
    if path == "/api/tasks":
        return 201, {"id": f"task{next(IDS)}"}
    if path.endswith("/images"):
        images = [
            {"filename": name.decode(), "status": "accepted", "image_id": f"i{next(IDS)}", "sha256": "0"}
            for name in sorted(set(re.findall(rb"picture-\d\.png", body)))
        ]
        IMAGES[path.split("/")[3]] = [
            {"image_id": one["image_id"], "sha256": "0", "state": "completed"} for one in images
        ]
        return 200, {"images": images, "accepted": len(images), "duplicates": 0, "rejected": 0, "skipped": 0}
    if path.endswith("/export"):
        return 200, "\n".join(json.dumps(one) for one in IMAGES[path.split("/")[3]])
    if path == "/api/leases":
        return 200, {"leases": [lease() for _ in range(json.loads(body)["count"])], "more": False}
    if path.endswith("/vote") and method == "DELETE":
        return (409, {"title": "Conflict"}) if next(IDS) % 2 else (200, lease(path.split("/")[3]))
    if path.endswith("/vote"):
        return 200, outcome("counted")
    if path in {"/api/votes", "/api/leases/renew"}:
        asked = json.loads(body)
        return 200, {"outcomes": [outcome("counted") for _ in asked.get("votes", asked.get("leases"))]}
    if path.startswith("/api/tasks/"):
        items = IMAGES.get(path.split("/")[3], [])
        return 200, {"id": "task", "state": "completed", "items": items, "next_cursor": None}
    if path == "/api/object_detection":
        return 500, {"title": "Planted"}
    return (204 if method == "DELETE" else 200), {}


def outcome(code):
    return {"subtask_id": "s", "status": 200, "code": code, "detail": "", "subtask_state": "open"}


def lease(subtask_id=None):
    found = {"subtask_id": subtask_id or f"s{next(IDS)}", "task_id": "t", "labels": ["cat", "dog"], "token": "t"}
    return {**found, "image_url": "/objects/t/a", "expires_at": "2030-01-01T00:00:00Z", "prelabel": None}


@pytest.fixture(scope="module")
def url():
    with answering(answer) as url:
        yield url


@pytest.fixture(scope="module")
def found(url, tmp_path_factory):
    options = Options(
        shape="soak",
        clients=2,
        operators=4,
        detectors=1,
        minutes=SECONDS / 60,
        arrivals=50,
        client_pause=0.1,
        operator_pause=0.1,
        skip_share=0.2,
        close_tab_share=0.4,
        follow_share=1.0,
        undo_share=0.5,
        renew_share=0.5,
        together_share=0.5,
        erase_share=0.5,
        direct_share=0.0,
        page_share=0.0,
        retries=False,
        drop_operators=Drop(share=0.5, at_s=1.0),
    )
    return run(url, options, tmp_path_factory.mktemp("run"))


def test_everybody_iterates_and_every_request_has_a_name(found):
    assert {"client", "operator", "operator in part", "operator, together", "download", "follow", "detector"} <= set(
        found.names("iteration")
    )
    assert set(found.names("call")) == {
        "DELETE /api/leases/{id}",
        "DELETE /api/subtasks/{id}/vote",
        "DELETE /api/subtasks/{id}/vote, overtaken",
        "DELETE /api/tasks/{id}",
        "GET /api/tasks/{id}/events, to its end",
        "GET /api/tasks/{id}/export, to its end",
        "POST /api/leases/renew",
        "POST /api/votes",
        "GET /api/tasks/{id}",
        "GET /api/tasks/{id}/results",
        "GET /api/tasks/{id}/export",
        "GET /api/tasks/{id}/events",
        "GET image",
        "POST /api/leases",
        "POST /api/object_detection",
        "POST /api/subtasks/{id}/vote",
        "POST /api/tasks",
        "POST /api/tasks/{id}/images",
        "POST /api/tasks/{id}/seal",
    }


def test_as_many_are_there_as_were_told(found):
    assert max(one.clients for one in found.presences) == 2
    assert max(one.operators for one in found.presences) <= 4
    assert max(one.detectors for one in found.presences) == 1


def test_only_what_was_refused_failed(found):
    failed = {name for name in found.names("call") if found.entry("call", name).failures}
    assert failed == {"POST /api/object_detection"}
    detection = found.entry("call", "POST /api/object_detection")
    assert detection.failures == detection.count == found.entry("iteration", "detector").failures > 0


def test_what_was_acknowledged_was_asked_for(found):
    acts = [one.act for one in found.acts]
    assert acts[0] == "begun"
    assert acts.count("created") == found.entry("call", "POST /api/tasks").count
    assert acts.count("accepted") == 5 * acts.count("created")
    singly = found.entry("call", "POST /api/subtasks/{id}/vote").count
    assert acts.count("voted") > singly > 0
    assert acts.count("undone") == found.entry("call", "DELETE /api/subtasks/{id}/vote").count
    assert acts.count("cancelled") == acts.count("cancelling") == found.entry("call", "DELETE /api/tasks/{id}").count
    assert acts.count("skipped") == found.entry("call", "DELETE /api/leases/{id}").count


def test_half_of_the_operators_vanish_with_leases_in_hand(found):
    vanished = [one for one in found.acts if one.act == "vanished"]
    assert len(vanished) == 10
    assert len({one.who for one in vanished}) == 2
    assert min(one.at_s for one in vanished) >= 1.0
    last = max(one.at_s for one in vanished)
    assert {one.operators for one in found.presences if last + 0.5 < one.at_s < SECONDS} <= {2}


def test_what_was_left_is_neither_voted_on_nor_skipped(found):
    left = {one.subtask_id for one in found.acts if one.act in {"left", "vanished"}}
    settled = {one.subtask_id for one in found.acts if one.act in {"voted", "skipped"}}
    leased = {one.subtask_id for one in found.acts if one.act == "leased"}
    assert left
    assert not left & settled
    assert settled <= leased
    gone = {one.who: one.at_s for one in found.acts if one.act in {"left", "vanished"}}
    assert all(one.at_s <= gone.get(one.who, one.at_s) for one in found.acts)  # who left comes back as somebody else


def test_a_run_that_cannot_be_is_said_to_have_failed(url, tmp_path):
    options = Options(clients=0, operators=0, detectors=1, pictures=tmp_path / "none", minutes=1)
    with pytest.raises(MeasurementFailed, match="none holds no pictures"):
        run(url, options, tmp_path)
    assert "Traceback" in (tmp_path / LOG).read_text()
    with pytest.raises(ValueError, match="URL"):
        run("nonsense", options, tmp_path)


@pytest.mark.parametrize(
    "wrong", [["--url", "nonsense"], ["--url", "http://h", "--clients", "0", "--operators", "0"], ["--shape", "x"]]
)
def test_wrong_options_are_refused_before_anything_starts(wrong, tmp_path):
    command = [sys.executable, "-P", "-m", "loadtest.people", "--out", str(tmp_path / "out"), *wrong]
    ended = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert not (tmp_path / "out").exists()
