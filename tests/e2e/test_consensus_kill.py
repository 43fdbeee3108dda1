"""kill -9 while a consensus run is made: it begins anew, is finished once, and its process never outlives the
platform."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from services.consensus.row import KnownTask, Row
from services.consensus.run import MAX_ATTEMPTS
from services.consensus.store.codec import ROWS, TASKS, change_of, place_of
from services.consensus.store.sqlite import SqliteConsensusStore
from services.consensus.store.sqlite.schema import STEPS
from shared.results import VoteCast
from shared.sqlite import Database
from tests.consensus_waiting import MADE_WITHIN_S

IMAGES = 10_000
TASK = "7a" * 16
KILLS = MAX_ATTEMPTS - 1


def seed(data_dir: Path) -> None:
    """Votes of a large task, as the events of its images would have left them."""
    rows = [
        Row(
            image_id=f"{number:032x}",
            task_id=TASK,
            revision=1,
            label=f"l{number % 5}",
            decided_by="quorum",
            completed_at=float(number),
            changed_at=float(number),
            votes=tuple(
                VoteCast(
                    voter=f"v{(number + voter) % 50}", label=f"l{(number + (number * voter) % 7 // 6) % 5}", at=1.0
                )
                for voter in range(3)
            ),
        )
        for number in range(IMAGES)
    ]
    values = [(one.image_id, TASK, one.team, place_of(one), change_of(one), ROWS.text(one)) for one in rows]

    async def fill() -> None:
        database = Database(data_dir / "consensus.sqlite", STEPS)
        database.open()
        put = "INSERT INTO rows (id, task_id, team, place, change, body) VALUES (?,?,?,?,?,?)"
        await database.write(lambda db: db.executemany(put, values).rowcount)
        task = TASKS.text(KnownTask(id=TASK))
        await database.write(lambda db: db.execute("INSERT INTO tasks VALUES (?,?)", (TASK, task)).rowcount)
        await database.close()

    data_dir.mkdir(parents=True, exist_ok=True)
    asyncio.run(fill())


def makers(parent: int) -> list[int]:
    """Processes that make a run for the platform."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            command = (path.parent / "cmdline").read_bytes()
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent and b"services.consensus.making" in command:
            found.append(int(path.parent.name))
    return found


def until(is_so, what: str):
    end = time.monotonic() + MADE_WITHIN_S
    while time.monotonic() < end:
        if found := is_so():
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} within {MADE_WITHIN_S} s")


def attempts_with_pages(data_dir: Path, run_id: str) -> set[str]:
    async def read() -> set[str]:
        database = Database(data_dir / "consensus.sqlite", STEPS)
        database.open()
        keys = await SqliteConsensusStore(database, time.time).pages(run_id)
        await database.close()
        return {key.attempt for key in keys}

    return asyncio.run(read())


@pytest.mark.long
def test_a_run_that_is_killed_begins_anew_and_is_finished_once(new_platform, tell):
    platform = new_platform()
    seed(platform.data_dir)
    platform.start()
    run_id = ""
    for kill in range(KILLS):
        with httpx.Client(base_url=platform.url, timeout=30) as http:
            run_id = http.post("/api/consensus", json={"task_id": TASK}).raise_for_status().json()["id"]
            processes = until(lambda: makers(platform.pid), "a process makes the run")
            reading = lambda: http.get(f"/api/consensus/{run_id}").json()["stage"]  # noqa: B023, E731
            stage = until(reading, "the run says what it does")
        platform.kill()
        until(lambda: not any(Path(f"/proc/{one}").exists() for one in processes), "the process ended")  # noqa: B023
        tell(f"kill {kill + 1} at: {stage}")
        platform.start()
    with httpx.Client(base_url=platform.url, timeout=30) as http:
        ended = lambda: (run := http.get(f"/api/consensus/{run_id}").json())["ended_at"] and run  # noqa: E731
        run = until(ended, "the run is over")
        assert (run["state"], run["images"], run["votes"]) == ("finished", IMAGES, 3 * IMAGES)
        assert http.post("/api/consensus", json={"task_id": TASK}).json()["id"] == run_id
        lines = http.get(f"/api/consensus/{run_id}/export").text.splitlines()
        assert len(lines) == len({line[:60] for line in lines}) == IMAGES
        assert len(http.get("/api/consensus", params={"task_id": TASK}).json()["items"]) == 1
        assert http.get("/api/admin/dead").json() == {"items": []}
    platform.stop()
    assert len(attempts_with_pages(platform.data_dir, run_id)) == 1
