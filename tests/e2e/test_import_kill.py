"""The process dies while it imports, before and after a part is saved: the import goes on, and each picture is there
once."""

import time
from pathlib import Path

import httpx
import pytest

from services.task_manager.imports.importer import PART_FILES
from shared.crash_points import VARIABLE
from tests.service.buckets import Bucket, serving
from tests.service.picture_samples import png
from tests.service.processes import Server

PICTURES = 130
POINTS = ("import.before_cursor", "import.after_cursor")
WITHIN_S = 60.0


@pytest.mark.parametrize("point", POINTS)
def test_an_import_goes_on_after_a_kill(tmp_path: Path, point: str):
    with serving(Bucket({f"in/{number:03}.png": png(number) for number in range(PICTURES)})) as bucket:
        server = Server(tmp_path, import_networks="127.0.0.0/8")
        server.launch({VARIABLE: point})
        server.wait_until_ready()
        task_id, path = begun(server, bucket)
        end = time.monotonic() + WITHIN_S
        while not server.has_died():
            assert time.monotonic() < end, "the point was never reached"
            time.sleep(0.02)
        with server:
            shown = over(path)
            assert (shown["state"], shown["files"], shown["rejected"]) == ("finished", PICTURES, 0)
            done_twice = PART_FILES if point == "import.before_cursor" else 0
            assert (shown["accepted"], shown["duplicates"]) == (PICTURES - done_twice, done_twice)
            task = httpx.get(f"{server.url}/api/tasks/{task_id}").json()
            assert task["counts"]["images"] == PICTURES
            assert httpx.post(f"{server.url}/api/tasks/{task_id}/seal", timeout=30).status_code == 200


def begun(server: Server, bucket: Bucket) -> tuple[str, str]:
    terms = {"name": "n", "labels": ["a", "b"], "detector": {"mode": "off"}}
    task_id = httpx.post(f"{server.url}/api/tasks", json=terms).json()["id"]
    where = f"{server.url}/api/tasks/{task_id}/imports"
    return task_id, f"{where}/{httpx.post(where, json=bucket.body('in/')).json()['id']}"


def over(path: str) -> dict:
    end = time.monotonic() + WITHIN_S
    while (shown := httpx.get(path, timeout=30).json())["state"] == "running":
        assert time.monotonic() < end, shown
        time.sleep(0.05)
    return shown
