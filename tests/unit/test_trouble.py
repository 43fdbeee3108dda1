"""What fails again and again is told once, with its reason."""

import asyncio
import logging
import sqlite3

import pytest

from shared.errors import StorageFull, Unavailable
from shared.outbox import Relay
from shared.sqlite import Database
from shared.sqlite.migrations import statements
from shared.telemetry.trouble import Trouble

STEPS = (statements("CREATE TABLE notes (text TEXT);"),)
log = logging.getLogger(__name__)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_it_is_told_as_it_begins_as_its_reason_changes_and_as_it_is_over(caplog):
    caplog.set_level(logging.INFO)
    trouble = Trouble(log, "work stops")
    for error in (Unavailable("away"), Unavailable("away"), StorageFull("full"), None, None, Unavailable("away")):
        with trouble:
            if error is not None:
                raise error
    assert lines(caplog) == ["work stops: away", "work stops: full", "work stops: that is over", "work stops: away"]
    assert not [record for record in caplog.records if record.exc_info]


def test_a_defect_is_told_with_its_stack_and_an_error_without_words_by_its_kind(caplog):
    trouble = Trouble(log, "work stops")
    for _ in range(3):
        with trouble:
            raise KeyError
    assert lines(caplog) == ["work stops: KeyError"]
    assert caplog.records[0].exc_info


def test_the_cause_is_told_too(caplog):
    with Trouble(log, "work stops"):
        raise Unavailable("the server does not answer") from ConnectionRefusedError("no route")
    assert lines(caplog) == ["work stops: the server does not answer (no route)"]


async def test_what_ends_a_loop_gets_through():
    with pytest.raises(asyncio.CancelledError), Trouble(log, "work stops"):
        raise asyncio.CancelledError


async def test_a_database_that_cannot_be_written_says_why_once(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    database = Database(tmp_path / "notes.sqlite", STEPS)
    database.open()
    insert = "INSERT INTO notes VALUES ('x')"
    try:
        await database.write(lambda db: db.execute("PRAGMA query_only=1").fetchall())
        caplog.clear()
        for _ in range(5):
            with pytest.raises(Unavailable):
                await database.write(lambda db: db.execute(insert).rowcount)
        database._connection.execute("PRAGMA query_only=0")
        await database.write(lambda db: db.execute(insert).rowcount)
        told = [line for line in lines(caplog) if "notes.sqlite" in line]
        assert told[0] == (
            "notes.sqlite cannot be written: the database does not answer now (attempt to write a readonly database)"
        )
        assert told[1:] == ["notes.sqlite cannot be written: that is over"]
    finally:
        await database.close()


async def test_a_full_disk_is_told_once_and_without_a_stack(tmp_path, caplog):
    database = Database(tmp_path / "notes.sqlite", STEPS)
    database.open()
    try:
        await database.write(lambda db: db.execute("PRAGMA max_page_count=3").fetchall())
        for _ in range(5):
            with pytest.raises(StorageFull):
                await database.write(lambda db: db.execute("INSERT INTO notes VALUES (randomblob(100000))").rowcount)
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        assert "no room left on the disk of the database (database or disk is full)" in caplog.text
        assert "Traceback" not in caplog.text
    finally:
        await database.close()


async def test_a_damaged_file_says_so(tmp_path, caplog):
    path = tmp_path / "notes.sqlite"
    database = Database(path, STEPS)
    database.open()
    await database.write(lambda db: db.execute("INSERT INTO notes VALUES (randomblob(100000))").rowcount)
    await database.close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 40_000)
    database = Database(path, STEPS)
    database.open()
    try:
        for _ in range(2):
            with pytest.raises(Unavailable, match="damaged"):
                await database.read(lambda db: db.execute("SELECT sum(length(text)) FROM notes").fetchone())
        assert len(caplog.records) == 1
        assert "notes.sqlite cannot be read: the database is damaged" in caplog.text
    finally:
        await database.close()


class _NoBus:
    async def publish(self, _messages):
        raise Unavailable("the broker is away")


class _FullOutbox:
    async def pending(self, _limit):
        return ["an event"]

    async def clear(self, _ids):
        raise AssertionError("nothing was published")

    async def beat(self):
        raise sqlite3.OperationalError


async def test_a_relay_whose_bus_is_away_says_so_once(caplog, monkeypatch):
    monkeypatch.setattr("shared.outbox.SWEEP_S", 0.01)
    monkeypatch.setattr("shared.outbox.GATHER_S", 0.01)
    relay = Relay(_FullOutbox(), _NoBus())
    relay.start()
    await asyncio.sleep(0.3)
    await relay.close()
    assert [line for line in lines(caplog) if "publish" in line] == [
        "events cannot be published, and wait: the broker is away"
    ]
