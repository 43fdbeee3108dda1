"""What a backup refuses and holds, and what a check finds."""

import shutil
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from embedded import backup, keeping
from embedded import check as checking
from embedded.backup import MANIFEST, BackupRefused, back_up, restore
from embedded.check import NotChecked, check, mend
from embedded.soundness import refuse_unusable
from shared.errors import QuorateError
from tests.service.running import Api, running


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """A data folder with a task of three images, one of them labeled, in which nothing runs."""
    async with running(tmp_path / "data") as api:
        await labeled(api)
    return tmp_path / "data"


async def labeled(api: Api) -> str:
    task_id, _ = await api.task_with(3, quorum={"votes_required": 1})
    await api.lease_and_vote("ada", task_id, "cat")
    await api.settled()
    return task_id


def change(folder: Path, name: str, statement: str) -> None:
    with closing(sqlite3.connect(folder / f"{name}.sqlite")) as db, db:
        db.execute(statement)


def texts(folder: Path, **how: bool) -> list[str]:
    return [one.text for one in check(folder, **how)]


def test_every_database_is_checked(folder: Path):
    assert {path.stem for path in folder.glob("*.sqlite")} <= checking.STEPS.keys()


async def test_a_backup_of_a_running_platform_is_a_folder_that_a_platform_starts_from(api: Api, tmp_path: Path):
    task_id = await labeled(api)
    before = await api.results(task_id)
    taken = back_up(api.folder, tmp_path / "copy")
    assert (taken.databases, taken.objects >= 3) == (5, True)
    assert not {"lock", "ballast", "spool", "incoming"} & {path.name for path in (tmp_path / "copy").iterdir()}
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0
    assert (await api.http.delete(f"/api/tasks/{task_id}")).status_code == 204
    restore(tmp_path / "copy", tmp_path / "restored")
    assert texts(tmp_path / "restored", reads_objects=True) == []
    async with running(tmp_path / "restored") as again:
        assert [one["label"] for one in await again.results(task_id)] == [one["label"] for one in before]
        assert (await again.http.get((await again.results(task_id))[0]["image_url"])).status_code == 200


def test_a_copy_is_of_one_instant_though_people_write_all_the_time(tmp_path: Path):
    """Two files that are always written one after the other differ by one at the most, and so do their copies."""
    source = tmp_path / "data"
    source.mkdir()
    names = ("subtasks", "tasks")
    for name in names:
        with closing(sqlite3.connect(source / f"{name}.sqlite")) as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("CREATE TABLE n (x)")
    ended = threading.Event()

    def write() -> None:
        connections = [sqlite3.connect(source / f"{name}.sqlite", isolation_level=None, timeout=30) for name in names]
        while not ended.is_set():
            for one in connections:
                one.execute("INSERT INTO n VALUES (randomblob(1000))")
        for one in connections:
            one.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            back_up(source, tmp_path / f"copy{number}")
            rows = []
            for name in names:
                with closing(sqlite3.connect(tmp_path / f"copy{number}/{name}.sqlite")) as db:
                    rows.append(db.execute("SELECT count(*) FROM n").fetchone()[0])
            assert rows[0] - rows[1] in (0, 1)
    finally:
        ended.set()
        writer.join()


def test_what_is_uploaded_while_objects_are_copied_is_copied_before_anybody_waits(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A first copy to another disk takes long, and what comes meanwhile does so, too."""
    take, counts, were_held = backup._Objects.take, [0], []

    def slow(objects: backup._Objects) -> None:
        take(objects)
        were_held.append(is_held(folder))
        counts.append(objects.count)
        if len(counts) < 4:
            (folder / "objects" / f"late{len(counts)}").mkdir()
            (folder / "objects" / f"late{len(counts)}" / "picture.png").write_bytes(b"late")
            time.sleep(2 * backup.SHORT_S)

    monkeypatch.setattr(backup._Objects, "take", slow)
    back_up(folder, tmp_path / "copy")
    assert counts[0] < counts[1] < counts[2] < counts[3] == counts[-1]
    assert were_held == [False] * (len(were_held) - 1) + [True]
    assert len(were_held) > 3


def is_held(folder: Path) -> bool:
    with closing(sqlite3.connect(folder / "tasks.sqlite", isolation_level=None, timeout=0)) as db:
        try:
            db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
    return False


def test_a_backup_has_no_wal_and_so_can_be_read_where_nothing_can_be_written(folder: Path, tmp_path: Path):
    back_up(folder, tmp_path / "copy")
    for path in (tmp_path / "copy").glob("*.sqlite"):
        with closing(sqlite3.connect(path)) as db:
            assert db.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    before = {path.name for path in (tmp_path / "copy").iterdir()}
    restore(tmp_path / "copy", tmp_path / "restored")
    assert texts(tmp_path / "copy") == []
    assert {path.name for path in (tmp_path / "copy").iterdir()} == before


def test_changes_after_a_restore_are_told_from_those_that_were_lost(folder: Path, tmp_path: Path):
    """A file that was exported after the backup is not gone on with as another one of the same tag."""

    def changes(of: Path) -> int:
        with closing(sqlite3.connect(of / "tasks.sqlite")) as db:
            [[found]] = db.execute("SELECT changes FROM tasks")
        return found

    back_up(folder, tmp_path / "copy")
    for name in ("once", "again"):
        restore(tmp_path / "copy", tmp_path / name)
    assert changes(tmp_path / "copy") == changes(folder) > 0
    restored = changes(tmp_path / "once")
    assert restored > changes(folder) + 2**40
    assert abs(restored - changes(tmp_path / "again")) > 1_000


def test_a_backup_of_a_release_that_counted_no_changes_is_restored(folder: Path, tmp_path: Path):
    change(folder, "tasks", "ALTER TABLE tasks DROP COLUMN changes")
    back_up(folder, tmp_path / "copy")
    assert restore(tmp_path / "copy", tmp_path / "restored").databases == 5


def test_only_a_new_folder_is_filled_and_only_a_whole_backup_restored(folder: Path, tmp_path: Path):
    full = tmp_path / "full"
    full.mkdir()
    (full / "something").touch()
    with pytest.raises(BackupRefused, match="not empty"):
        back_up(folder, full)
    with pytest.raises(BackupRefused, match="no data folder"):
        back_up(full, tmp_path / "new")
    back_up(folder, tmp_path / "copy")
    (tmp_path / "copy" / MANIFEST).unlink()
    with pytest.raises(BackupRefused, match="no whole backup"):
        restore(tmp_path / "copy", tmp_path / "restored")


def test_what_broke_off_is_refused(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    copy, restored = tmp_path / "copy", tmp_path / "restored"

    def fail(_: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(backup, "_sync", fail)
        with pytest.raises(OSError, match="full"):
            back_up(folder, copy)
        assert not (copy / MANIFEST).exists()
    with pytest.raises(QuorateError, match=r"a backup or a restore into .* broke off"):
        refuse_to_start(copy)
    shutil.rmtree(copy)
    back_up(folder, copy)
    with monkeypatch.context() as patch:
        patch.setattr(backup._Objects, "take", fail)
        with pytest.raises(OSError, match="full"):
            restore(copy, restored)
    for use in (refuse_to_start, check, lambda path: back_up(path, tmp_path / "new"), lambda path: restore(copy, path)):
        with pytest.raises(QuorateError, match=r"restore into .* broke off|no data folder|not empty"):
            use(restored)


def refuse_to_start(folder: Path) -> None:
    refuse_unusable(folder, [])


def test_a_folder_that_agrees_has_no_findings(folder: Path):
    assert texts(folder, reads_objects=True) == []


def test_wrong_counts_are_found_and_mended(folder: Path, capsys: pytest.CaptureFixture[str]):
    change(folder, "tasks", "UPDATE tasks SET images = 7, completed = 0")
    change(folder, "subtasks", "UPDATE briefs SET open = 9")
    counts, opened = texts(folder)
    assert "counts (7, 0, 0) images, completed and disputed, and has (3, 1, 0)" in counts
    assert "counts 9 open subtasks, and has 2" in opened
    assert keeping.main(["check", str(folder)]) == 1
    assert "(--mend puts it right)" in capsys.readouterr().out
    assert keeping.main(["check", str(folder), "--mend"]) == 0
    assert keeping.main(["check", str(folder)]) == 0
    assert "agrees with itself" in capsys.readouterr().out


def test_a_lost_or_changed_picture_is_found_and_not_mended(folder: Path):
    lost, changed, *_ = sorted(path for path in (folder / "objects").rglob("*.png") if path.name.count(".") == 1)
    lost.unlink()
    changed.write_bytes(b"something else")
    assert [text for text in texts(folder) if "has lost its picture" in text]
    found = check(folder, reads_objects=True)
    assert sorted("another picture" in one.text for one in found) == [False, True]
    assert mend(folder, found) == 0


@pytest.mark.parametrize(
    ("name", "statement", "text"),
    [
        ("subtasks", "DELETE FROM subtasks WHERE state = 'open'", "has no subtask, and no event"),
        ("tasks", "UPDATE images SET state = 'open', label = NULL", "is completed for operators, and open in its task"),
        ("subtasks", "UPDATE subtasks SET state = 'open'", "is completed, and its subtask open"),
    ],
)
def test_what_one_service_has_and_the_other_lacks_is_found(folder: Path, name: str, statement: str, text: str):
    change(folder, name, statement)
    assert any(text in one for one in texts(folder))


@pytest.mark.parametrize("place", ["messages", "dead"])
def test_what_an_event_will_bring_is_no_finding(folder: Path, place: str):
    """The events of two images wait: those of which one service has nothing, or another state."""
    change(folder, "subtasks", "DELETE FROM subtasks WHERE state = 'open'")
    change(folder, "tasks", "UPDATE images SET state = 'open', label = NULL")
    change(folder, "tasks", "UPDATE tasks SET completed = 0")
    change(folder, "subtasks", "UPDATE briefs SET open = 0")
    reason = "reason, died_at, " if place == "dead" else ""
    values = "'', 0, " if place == "dead" else ""
    with closing(sqlite3.connect(folder / "bus.sqlite")) as db, db:
        db.execute("ATTACH ? AS tasks", (str(folder / "tasks.sqlite"),))
        db.execute("ATTACH ? AS work", (str(folder / "subtasks.sqlite"),))
        db.execute(
            f"""INSERT INTO {place} ({reason} queue, event_id, type, subject, body)
                SELECT {values} 'q', i.id, iif(s.id IS NULL, 'image.ready.v1', 'subtask.completed.v1'), i.id, ''
                FROM tasks.images i LEFT JOIN work.subtasks s ON s.id = i.id"""
        )
    assert texts(folder) == []
    change(folder, "bus", f"UPDATE {place} SET type = iif(type = 'image.ready.v1', 'subtask.completed.v1', type)")
    assert sum("has no subtask, and no event" in text for text in texts(folder)) == 2


def test_a_cancelled_task_that_is_being_erased_has_no_findings(folder: Path):
    """Its pictures go first, then its images, step by step, and its counts at the end."""
    change(folder, "tasks", "UPDATE tasks SET state = 'cancelled'")
    change(folder, "tasks", "DELETE FROM images WHERE rowid = 1")
    shutil.rmtree(folder / "objects")
    assert texts(folder, reads_objects=True) == []


def test_a_damaged_file_is_said_and_nothing_else_looked_at(folder: Path):
    path = folder / "subtasks.sqlite"
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    [text] = texts(folder)
    assert text.startswith("subtasks.sqlite is damaged")
    assert "restore the last backup" in text


def test_what_cannot_be_checked_is_said(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(NotChecked, match="no data folder"):
        check(tmp_path)
    (folder / "accounts.sqlite").mkdir()
    with pytest.raises(NotChecked, match="cannot be checked: unable to open"):
        check(folder)
    (folder / "accounts.sqlite").rmdir()
    change(folder, "tasks", "PRAGMA user_version = 3")
    with pytest.raises(NotChecked, match="start the platform once"):
        check(folder)
    with checking.data_dir.lock(folder):
        assert keeping.main(["check", str(folder)]) == 2
    assert "another quorate is running" in capsys.readouterr().err
