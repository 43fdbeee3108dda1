"""The platform in one process says when it cannot work: at the start, with a sentence; while it runs, by `/readyz`."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from embedded.data_dir import INCOMPLETE
from embedded.soundness import refuse_unusable
from shared.errors import Unavailable
from shared.sqlite import Database
from shared.sqlite.migrations import statements
from shared.sqlite.soundness import UnusableFile
from tests.service.running import Api, running
from tests.small_disk import fill, mounted


@pytest.fixture
async def left(tmp_path: Path) -> Path:
    """A data folder with an image, as a stopped platform leaves it."""
    folder = tmp_path / "data"
    async with running(folder) as api:
        await api.task_with(1)
        await api.settled()
    return folder


def start(folder: Path) -> tuple[int, str]:
    """Start it, where it is to refuse; its status and what it says."""
    environment = {**os.environ, "QUORATE_DATA_DIR": str(folder), "QUORATE_PORT": "0"}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "embedded"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


def databases(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.glob("*.sqlite")}


def _secret_of(size_bytes: int) -> Callable[[Path], object]:
    return lambda folder: (folder / "secret").write_bytes(b"x" * size_bytes)


def _garbage(name: str, at: int) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        with (folder / name).open("r+b") as file:
            file.seek(at)
            file.write(os.urandom(9_000))

    return write


def _cut(folder: Path) -> None:
    os.truncate(folder / "tasks.sqlite", 20_000)


def _newer(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "bus.sqlite")) as db:
        db.execute("PRAGMA user_version = 99")


def _without_objects(folder: Path) -> None:
    shutil.rmtree(folder / "objects")


def _half_copied(folder: Path) -> None:
    (folder / "tasks.sqlite").rename(folder / INCOMPLETE)


def _empty_mount(folder: Path) -> None:
    _without_objects(folder)
    (folder / "objects").mkdir()


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (_secret_of(0), "secret has 0 bytes"),
        (_secret_of(31), "secret has 31 bytes"),
        (_garbage("subtasks.sqlite", 0), "subtasks.sqlite is damaged"),
        (_garbage("tasks.sqlite", 30_000), "tasks.sqlite is damaged"),
        (_cut, "tasks.sqlite is damaged"),
        (_newer, "bus.sqlite was written by a newer version"),
        (_without_objects, "objects is not there or is empty"),
        (_empty_mount, "objects is not there or is empty"),
        (_half_copied, "broke off: remove the folder, and begin again"),
    ],
    ids=[
        "no secret",
        "half a secret",
        "no database",
        "a damaged one",
        "one cut short",
        "a newer one",
        "no objects",
        "an empty folder of objects",
        "half a restore",
    ],
)
async def test_a_start_refuses_what_cannot_work(left: Path, harm: Callable[[Path], object], says: str):
    harm(left)
    before = databases(left)
    status, told = start(left)
    assert (status, told.count("\n")) == (2, 1), told
    assert told.startswith("quorate cannot start: ")
    assert says in told
    assert databases(left) == before


def test_files_that_are_not_its_own_to_write_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Asked of the system, whose answer to root, who runs tests, is always yes."""
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != tmp_path / "tasks.sqlite-wal")
    for name in ("tasks.sqlite", "tasks.sqlite-wal"):
        (tmp_path / name).touch()
    with pytest.raises(UnusableFile, match=r"tasks\.sqlite-wal, which belongs to user \d+: start as that user"):
        refuse_unusable(tmp_path, [Database(tmp_path / "tasks.sqlite", [])])
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != tmp_path / "objects")
    (tmp_path / "objects").mkdir()
    with pytest.raises(UnusableFile, match="objects, which belongs"):
        refuse_unusable(tmp_path, [])


async def test_what_was_left_is_started(left: Path):
    async with running(left) as api:
        assert (await readiness(api)) == (200, {"status": "ok"})


async def readiness(api: Api) -> tuple[int, dict]:
    answer = await api.http.get("/readyz")
    return answer.status_code, answer.json()


def ask_anew(api: Api) -> None:
    """Let no answer hold any longer."""
    for one in (*api.platform.files.values(), api.platform.bus, api.platform.objects):
        one.is_ready._until = None


async def test_without_its_folder_of_objects_it_is_not_ready(api: Api):
    (api.folder / "objects").rename(api.folder / "elsewhere")
    ask_anew(api)
    assert await readiness(api) == (503, {"status": "waiting", "for": ["objects"]})
    (api.folder / "elsewhere").rename(api.folder / "objects")
    ask_anew(api)
    assert await readiness(api) == (200, {"status": "ok"})


async def test_a_database_whose_file_is_gone_or_another_one_is_not_ready(tmp_path: Path):
    database = Database(tmp_path / "things.sqlite", [statements("CREATE TABLE things (name TEXT);")])
    database.open()
    old = tmp_path / "old"
    try:
        assert await database.is_ready()
        database.path.rename(old)
        assert not await asked_anew(database)
        shutil.copy(old, database.path)
        assert not await asked_anew(database)
        old.rename(database.path)
        assert await asked_anew(database)
    finally:
        await database.close()


async def asked_anew(database: Database) -> bool:
    database.is_ready._until = None
    return await database.is_ready()


async def test_a_database_that_has_met_damage_is_not_ready(tmp_path: Path):
    steps = [statements("CREATE TABLE things (name TEXT, body BLOB);")]
    database = Database(tmp_path / "things.sqlite", steps)
    database.open()
    try:
        rows = [(str(number), b"x" * 900) for number in range(200)]
        await database.write(lambda db: db.executemany("INSERT INTO things VALUES (?,?)", rows).rowcount)
        await database.write(lambda db: db.execute("SELECT 1").fetchone())
        assert await database.is_ready()
        _damage(database.path)
        with pytest.raises(Unavailable, match="damaged"):
            await database.read(lambda db: db.execute("SELECT sum(length(body)) FROM things").fetchone())
        assert not await asked_anew(database)
    finally:
        await database.close()


def _damage(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek(8_192)
        file.write(b"\xff" * (path.stat().st_size - 8_192))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path) as disk:
        yield disk


async def test_on_a_full_disk_it_is_not_ready_until_there_is_room(small_disk: Path):
    async with running(small_disk / "data") as api:
        assert (await readiness(api))[0] == 200
        fill(small_disk / "ballast")
        ask_anew(api)
        status, told = await readiness(api)
        assert status == 503
        assert "objects" in told["for"]
        (small_disk / "ballast").unlink()
        ask_anew(api)
        assert await readiness(api) == (200, {"status": "ok"})
