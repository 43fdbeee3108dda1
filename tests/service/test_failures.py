"""What happens when a disk is full, a store fails, or the bus is away: said so, nothing half done, nothing lost."""

import asyncio
import base64
import errno
import sqlite3
from pathlib import Path

import httpx
import pytest

from embedded.app import assemble
from embedded.settings import Settings
from services.task_manager import multipart
from shared.errors import Unavailable
from shared.sqlite import Database
from tests.service import archive_samples as archive
from tests.service.picture_samples import png
from tests.service.running import LABELS, Api, as_user, assert_problem

TERMS = {"name": "animals", "labels": LABELS, "detector": {"mode": "off"}}


def failing_after_work(monkeypatch: pytest.MonkeyPatch, database: Database, code: int) -> None:
    """Every write does its work, and then the disk fails it."""
    write = database.write

    async def fail(work):
        def fail_late(db: sqlite3.Connection):
            work(db)
            error = sqlite3.OperationalError("disk I/O error in /var/lib/secret.sqlite")
            error.sqlite_errorcode = code
            raise error

        return await write(fail_late)

    monkeypatch.setattr(database, "write", fail)


def assert_unavailable(answer) -> None:
    assert_problem(answer, 503)
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (sqlite3.SQLITE_IOERR, 503),
        (sqlite3.SQLITE_BUSY, 503),
        (sqlite3.SQLITE_CANTOPEN, 503),
        (sqlite3.SQLITE_READONLY, 503),
        (sqlite3.SQLITE_FULL, 507),
    ],
)
async def test_tasks_cannot_be_written(api: Api, monkeypatch, code, status):
    task_id, _ = await api.task_with(1)
    open_task = await api.task()
    before = await api.tasks(), await api.results(task_id)
    with monkeypatch.context() as patch:
        failing_after_work(patch, api.platform.tasks_file, code)
        refused = [
            await api.http.post("/api/tasks", json=TERMS),
            await api.upload(open_task, ("a.png", api.picture())),
            await api.upload(open_task, ("a.zip", archive.zipped(("a.png", api.picture())))),
            await api.http.post(f"/api/tasks/{open_task}/seal"),
            await api.http.delete(f"/api/tasks/{task_id}"),
        ]
        for answer in refused:
            assert_problem(answer, status)
            if status == 503:
                assert int(answer.headers["retry-after"]) > 0
        assert (await api.tasks(), await api.results(task_id))[0] == before[0]
    assert (await api.upload(open_task, ("a.png", api.picture()))).json()["accepted"] == 1
    await api.unharmed()


async def test_subtasks_cannot_be_written(api: Api, monkeypatch):
    task_id, (image_id, _) = await api.task_with(2)
    (lease,) = [one for one in await api.lease("ada", 2, task_id) if one["subtask_id"] == image_id]
    vote = {"subtask_id": image_id, "label": "cat", "token": lease["token"]}
    with monkeypatch.context() as patch:
        failing_after_work(patch, api.platform.subtasks_file, sqlite3.SQLITE_IOERR)
        assert_unavailable(await api.vote("ada", image_id, "cat", lease["token"]))
        assert_unavailable(await api.http.post("/api/leases", json={}))
        assert_unavailable(await api.http.delete(f"/api/leases/{image_id}", headers=as_user("ada")))
        assert_unavailable(await api.http.post("/api/votes", json={"votes": [vote]}, headers=as_user("ada")))
        assert (await api.http.get(f"/api/subtasks/{image_id}")).json()["votes"] == []
        uploaded = await api.upload(await api.task(), ("a.png", api.picture()))
        assert uploaded.json()["accepted"] == 1  # the other service goes on
    assert (await api.vote("ada", image_id, "cat", lease["token"])).status_code == 200
    assert len((await api.http.get(f"/api/subtasks/{image_id}")).json()["votes"]) == 1
    await api.unharmed()


@pytest.mark.parametrize("path", ["/api/tasks", "/api/tasks/{}", "/api/tasks/{}/results", "/api/tasks/{}/events"])
async def test_tasks_cannot_be_read(api: Api, monkeypatch, path):
    task_id, _ = await api.task_with(1)

    async def fail(_work):
        raise Unavailable("the database does not answer now", retry_after_s=7)

    with monkeypatch.context() as patch:
        patch.setattr(api.platform.tasks_file, "read", fail)
        answer = await api.http.get(path.format(task_id))
        assert_problem(answer, 503)
        assert answer.headers["retry-after"] == "7"
    await api.unharmed()


async def test_a_database_that_may_not_grow_stays_readable(api: Api):
    """A limit of SQLite itself stands for a full disk."""
    task_id, image_ids = await api.task_with(2)
    (lease, _) = await api.lease("ada", 2, task_id)

    async def limit(pages: int) -> None:
        for database in (api.platform.tasks_file, api.platform.subtasks_file):
            size = await database.read(lambda db: db.execute("PRAGMA page_count").fetchone()[0])
            await database.write(lambda db, size=size: db.execute(f"PRAGMA max_page_count={size + pages}").fetchone())

    await limit(0)
    long_terms = TERMS | {"instructions": "i" * 9_000}
    assert_problem(await api.http.post("/api/tasks", json=long_terms), 507, code="disk-full")
    assert {one["image_id"] for one in await api.results(task_id)} == set(image_ids)
    assert (await api.http.get(lease["image_url"])).status_code == 200
    assert (await api.http.get(f"/api/tasks/{task_id}/export")).status_code == 200
    assert len(await api.tasks()) == 1
    await limit(100_000)
    assert (await api.http.post("/api/tasks", json=long_terms)).status_code == 201
    assert (await api.vote("ada", lease["subtask_id"], "cat", lease["token"])).status_code == 200
    await api.unharmed()


@pytest.mark.parametrize(("code", "status"), [(errno.ENOSPC, 507), (errno.EDQUOT, 507), (errno.EIO, 503)])
async def test_pictures_cannot_be_stored(api: Api, monkeypatch, code, status):
    task_id = await api.task()
    kept = [("kept.png", api.picture()), ("also.png", api.picture())]
    await api.upload(task_id, *kept)
    before = await api.results(task_id)
    new = [("a.png", api.picture()), ("b.png", api.picture())]
    image = base64.b64encode(new[0][1]).decode()

    def fail(*_arguments: object) -> None:
        raise OSError(code, "no room in /var/lib/secret")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", fail)
        for answer in (
            await api.upload(task_id, *new),
            await api.upload(task_id, ("a.zip", archive.zipped(*new))),
            await api.http.post(f"/api/tasks/{task_id}/images", json={"id": 1, "image": image}),
        ):
            assert_problem(answer, status)
        assert (await api.upload(task_id, *kept)).json()["duplicates"] == 2
        assert await api.results(task_id) == before
        assert (await api.http.get(before[0]["image_url"])).status_code == 200
    assert (await api.upload(task_id, *new)).json()["accepted"] == 2
    assert (await api.http.post(f"/api/tasks/{task_id}/seal")).status_code == 200
    await api.unharmed()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
async def test_an_archive_finds_no_room(api: Api, monkeypatch):
    task_id = await api.task()
    photos = archive.zipped(*((f"{n}.png", png(n)) for n in range(20)))
    with monkeypatch.context() as patch:
        patch.setattr(multipart.tempfile, "TemporaryFile", lambda **_: Path("/dev/full").open("r+b", buffering=0))  # noqa: SIM115
        assert_problem(await api.upload(task_id, ("a.zip", photos)), 507)
    assert (await api.upload(task_id, ("a.zip", photos))).json()["accepted"] == 20
    await api.unharmed()


async def test_the_folder_for_archives_is_gone(api: Api):
    task_id = await api.task()
    (api.folder / "spool").rmdir()
    assert_unavailable(await api.upload(task_id, ("a.zip", archive.zipped(("a.png", png(1))))))
    (api.folder / "spool").mkdir()
    assert (await api.upload(task_id, ("a.zip", archive.zipped(("a.png", png(1)))))).json()["accepted"] == 1
    await api.unharmed()


async def test_with_the_bus_away_uploads_and_votes_are_acknowledged_and_delivered_later(api: Api, monkeypatch):
    task_id, (image_id,) = await api.task_with(1, quorum={"votes_required": 1})

    async def away(_messages):
        raise Unavailable("the bus is away")

    other = await api.task()
    with monkeypatch.context() as patch:
        patch.setattr(api.platform.bus, "publish", away)
        assert (await api.upload(other, ("a.png", api.picture()))).json()["accepted"] == 1
        assert (await api.lease_and_vote("ada", task_id, "cat")).json()["subtask_state"] == "completed"
        assert [one["state"] for one in await api.results(task_id)] == ["open"]
        await asyncio.sleep(0)
    api.platform.task_relay.wake()
    api.platform.subtask_relay.wake()
    await api.settled()
    assert [(one["state"], one["label"]) for one in await api.results(task_id)] == [("completed", "cat")]
    assert [one["task_id"] for one in await api.lease("ada", 5)] == [other]
    assert (await api.http.get(f"/api/tasks/{task_id}")).json()["state"] == "completed"
    assert image_id
    await api.unharmed()


async def test_a_consumer_waits_until_its_store_is_back(api: Api, monkeypatch):
    """No delivery is counted against a message while the store is away, so none becomes a dead letter."""
    task_id = await api.task()
    write = api.platform.subtasks_file.write
    failures = iter(range(3))

    async def fail_at_first(work):
        if next(failures, None) is not None:
            raise Unavailable("the database does not answer now")
        return await write(work)

    monkeypatch.setattr(api.platform.subtasks_file, "write", fail_at_first)
    await api.upload(task_id, *((f"{n}.png", api.picture()) for n in range(5)))
    await api.settled()
    assert len(await api.lease("ada", 10, task_id)) == 5
    await api.unharmed()


async def test_a_message_that_cannot_be_handled_becomes_a_dead_letter_and_can_be_replayed(api: Api, monkeypatch):
    task_id = await api.task()
    await api.settled()
    with monkeypatch.context() as patch:

        async def fail(*_arguments: object, **_named: object) -> bool:
            raise ValueError("a fault of the message")

        patch.setattr(type(api.platform.subtasks.store), "open", fail)
        patch.setattr("shared.bus.sqlite.MAX_RETRY_S", 0)
        await api.upload(task_id, ("a.png", api.picture()))
        await api.settled()
    (letter,) = (await api.http.get("/api/admin/dead")).json()["items"]
    assert (letter["queue"], letter["type"]) == ("subtask_manager.image.ready.v2", "image.ready.v2")
    assert (await api.http.post("/api/admin/dead/replay", json={"ids": ["nothing"]})).json() == {"replayed": 0}
    assert (await api.http.post("/api/admin/dead/replay", json={"ids": [letter["id"]]})).json() == {"replayed": 1}
    await api.settled()
    assert len(await api.lease("ada", 1, task_id)) == 1
    await api.unharmed()


async def test_it_stops_while_events_are_being_handled(tmp_path):
    """Whatever is under way at the moment when it is told to stop, it stops."""
    for number in range(10):
        app = assemble(Settings(data_dir=tmp_path / str(number))).deployable.app
        async with asyncio.timeout(20), app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
                task_id = (await http.post("/api/tasks", json=TERMS)).json()["id"]
                await http.post(f"/api/tasks/{task_id}/images", files={"images": ("a.png", png(number))})
                for _ in range(number):
                    await asyncio.sleep(0.0005)
