"""On a full disk cancelling a task is the way out, and what was cancelled long ago goes for good."""

import asyncio
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from services.task_manager.collector import Collector
from shared.errors import StorageFull
from tests.contract.deliveries import until
from tests.service.picture_samples import png
from tests.service.processes import Server
from tests.service.running import LABELS, Api, assert_problem

DAY_S = 86_400.0
WAIT_S = 60.0


async def test_cancelling_lets_the_ballast_go_where_the_disk_is_full(api: Api, monkeypatch):
    task_id, _ = await api.task_with(1)
    other, _ = await api.task_with(1)
    ballast, write = api.folder / "ballast", api.platform.tasks_file.write

    async def full(work):
        if ballast.exists():
            raise StorageFull("there is no room left on the disk of the database")
        return await write(work)

    ballast.write_bytes(b"\0" * 100)
    with monkeypatch.context() as patch:
        patch.setattr(api.platform.tasks_file, "write", full)
        assert_problem(await api.http.post(f"/api/tasks/{other}/seal"), 507)
        assert ballast.exists(), "it is for the way out alone"
        assert (await api.http.delete(f"/api/tasks/{task_id}")).status_code == 204
    assert not ballast.exists()
    monkeypatch.setattr(api.platform.tasks_file, "write", _always_full)
    assert_problem(await api.http.delete(f"/api/tasks/{other}"), 507)


async def _always_full(_work):
    raise StorageFull("there is no room left on the disk of the database")


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 40 MB, where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", folder], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_real_full_disk_is_left_by_cancelling_a_task(tmp_path: Path, small_disk: Path):
    with (
        Server(tmp_path, data_dir=small_disk / "data", log_level="info") as server,
        httpx.Client(base_url=server.url, timeout=60) as http,
    ):
        ballast = small_disk / "data/ballast"
        wait_for(ballast.exists)
        wanted = {"name": "n", "labels": LABELS, "detector": {"mode": "off"}}
        first, second = (http.post("/api/tasks", json=wanted).json()["id"] for _ in range(2))
        assert upload(http, first, 0) == 200
        fill(small_disk / "filler")
        status = next(one for one in (upload(http, first, n) for n in range(1, 2_000)) if one != 200)
        assert status == 507
        assert http.delete(f"/api/tasks/{first}").status_code == 204
        assert not ballast.exists()
        (small_disk / "filler").unlink()
        wait_for(lambda: upload(http, second, 1) == 200)
        wait_for(ballast.exists)
        log = server._log.read_text()
        assert log.count("Traceback") == 0, "a full disk is no defect"
        assert len([line for line in log.splitlines() if '"level": "error"' in line]) < 40


def upload(http: httpx.Client, task_id: str, number: int) -> int:
    return http.post(f"/api/tasks/{task_id}/images", files=[("images", ("a.png", png(number)))]).status_code


def fill(path: Path) -> None:
    """Take all the room that is left."""
    with path.open("wb", buffering=0) as file:
        for size in (1_000_000, 4_096):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue


def wait_for(is_so) -> None:
    end = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.1)


async def test_a_task_that_was_cancelled_long_ago_is_in_no_list_and_in_no_file(api: Api):
    at = api.platform
    task_id, _ = await api.task_with(1)
    assert (await api.http.delete(f"/api/tasks/{task_id}")).status_code == 204

    async def is_erased() -> bool:
        return (await at.task_store.task(task_id)).is_erased

    await until(is_erased)
    for days in (89, 2):
        assert [one["id"] for one in await api.tasks()] == [task_id]
        api.clock.ahead_s += days * DAY_S
        await at.collector.sweep()
        await api.settled()
    await at.collector.sweep()
    assert await api.tasks() == []
    assert_problem(await api.http.get(f"/api/tasks/{task_id}"), 404)
    await asyncio.sleep(0)
    tombstones = await at.subtasks_file.read(lambda db: db.execute("SELECT count(*) FROM briefs").fetchone()[0])
    assert tombstones == 0


async def test_with_0_days_cancelled_tasks_stay(api: Api):
    at = api.platform
    collector = Collector(
        at.task_store,
        at.tasks.imports,
        at.objects,
        api.clock,
        relay_wake=at.task_relay.wake,
        cancelled_days=0,
        fail_dead=at.tasks.steps.fail_dead,
    )
    task_id = await api.task()
    assert (await api.http.delete(f"/api/tasks/{task_id}")).status_code == 204
    api.clock.ahead_s += 10_000 * DAY_S
    for _ in range(3):
        await collector.sweep()
    assert [one["id"] for one in await api.tasks()] == [task_id]
