"""kill -9 at random moments, while 8 operators and 2 uploaders work: nothing that was acknowledged is lost."""

import io
import os
import random
import signal
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from loadtest.platform_process import PlatformProcess
from quorate.uploads import Part
from tests.crew import pictures
from tests.crew.crew import Crew, until
from tests.crew.history import Checker
from tests.crew.operators import LABELS

KILLS = int(os.environ.get("QUORATE_KILLS", "5"))
SEED = int(os.environ.get("QUORATE_SEED") or random.SystemRandom().randrange(10**9))
LEASE_S = 3
DEADLINE_S = 120 + 8 * KILLS
"""A bound, never a measure: a batch that is not finished by then does not finish."""


@pytest.mark.timeout(DEADLINE_S + 60)
def test_nothing_acknowledged_is_lost_by_kills(new_platform, tell):
    tell(f"QUORATE_SEED={SEED} QUORATE_KILLS={KILLS}")
    chance = random.Random(SEED)
    began = time.monotonic()
    deadline = began + DEADLINE_S
    platform = new_platform(lease_s=LEASE_S)
    crew = Crew(platform.url, SEED)
    platform.start()
    with crew.client("client") as client:
        crew.begin(operators=8, uploaders=2, has_owners=False)
        (main,) = crew.mains
        try:
            for _ in range(KILLS):
                _kill_at_some_moment(platform, crew, chance)
                _check_failures(crew)
                assert time.monotonic() < deadline, f"the kills were not over after {DEADLINE_S} s"
                acknowledged = crew.acknowledged_images()  # before the question: the uploads go on
                counts = client.task(crew.task_id)["counts"]
                assert counts["images"] >= acknowledged, f"images are lost: {counts}"
            kills_s = time.monotonic() - began
            crew.end_uploads()
            until(lambda: client.seal(crew.task_id)["state"] != "open", deadline, "sealing the task")
            sealed_s = time.monotonic() - began
            until(lambda: client.task(crew.task_id)["state"] == "completed", deadline, "all images labeled")
        finally:
            crew.end()
        _check_failures(crew)
        checked = Checker(crew.history, client, crew.task_id, LABELS, crew.pictures).check()
        again = client.create_task(main.name, LABELS, **main.terms)
    assert again["id"] == crew.task_id
    assert platform.stop() in (0, -signal.SIGTERM)  # it ends in order, then by the signal that asked for it
    _check_files(platform.data_dir)
    tally = ", ".join(f"{kind} {outcome} {count}" for (kind, outcome), count in sorted(crew.history.tally().items()))
    tell(
        f"{KILLS} kills in {kills_s:.1f} s, sealed at {sealed_s:.1f} s, all in {time.monotonic() - began:.1f} s",
        f"checked: {checked}",
        f"operations: {tally}",
    )
    assert crew.history.tally()["vote", "ok"] > 20 * KILLS, "too little happened to show anything"


def test_an_archive_cut_off_by_a_kill_is_sent_again(new_platform):
    chance = random.Random(SEED)
    drawn = [pictures.draw(chance, f"{number}") for number in range(300)]
    content = pictures.archive(drawn, "all.zip").open().read()
    platform = new_platform(lease_s=LEASE_S)
    platform.start()
    crew = Crew(platform.url, SEED)
    with crew.client("client") as client:
        task_id = client.create_task("archive", LABELS)["id"]
        crew.pictures = {one.sha256: one.data for one in drawn}
        part = Part("all.zip", len(content), lambda: io.BytesIO(content))

        def upload() -> None:
            with crew.history.recorded("upload", "client", sent=list(crew.pictures)) as operation:
                operation.end("ok", status=200, answer=client.upload(task_id, [part]))

        uploading = threading.Thread(target=upload)
        uploading.start()
        until(lambda: _count(crew, task_id) > 0, time.monotonic() + 30, "the first images of the archive")
        platform.kill()
        uploading.join()
        platform.start()
        there = client.task(task_id)["counts"]["images"]
        upload()
        report = crew.history.operations[-1].answer
        assert report["duplicates"] == there
        assert report["accepted"] == len(drawn) - there
        assert client.task(task_id)["counts"]["images"] == len(drawn)
        assert len({item["sha256"] for item in client.results(task_id)}) == len(drawn)
        assert client.seal(task_id)["state"] == "sealed"
    assert not _leftovers(platform.data_dir)


def _count(crew: Crew, task_id: str) -> int:
    with crew.client("watcher") as watcher:
        return watcher.task(task_id)["counts"]["images"]


def _kill_at_some_moment(platform: PlatformProcess, crew: Crew, chance: random.Random) -> None:
    moment = chance.choices(("any", "archive", "ready", "starting"), (6, 2, 1, 1))[0]
    if moment == "ready":
        time.sleep(chance.uniform(0, 0.1))
    elif moment == "starting":
        platform.kill()
        platform.launch()
        time.sleep(chance.uniform(0.2, 1.0))
    else:
        time.sleep(chance.uniform(0.5, 3.0))
        if moment == "archive" and crew.is_archive_on_its_way.wait(5):
            time.sleep(chance.uniform(0, 0.08))
    platform.kill()
    time.sleep(chance.choice((0, 0, 0.3)))
    platform.start()


def _check_failures(crew: Crew) -> None:
    assert not crew.failures, "\n".join(crew.failures)
    assert not crew.history.violations, "\n".join(crew.history.violations[:20])


def _check_files(data_dir: Path) -> None:
    """After an orderly end everything was delivered, the files are whole, and nothing half done lies about."""
    for name in ("tasks", "subtasks", "bus"):
        with closing(sqlite3.connect(data_dir / f"{name}.sqlite")) as file, file:
            assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            if name == "bus":  # the detector's queue may be full where there is no detector
                waiting = "SELECT queue, count(*) FROM messages WHERE expires_at IS NULL GROUP BY queue"
                assert file.execute(waiting).fetchall() == []
                assert file.execute("SELECT count(*) FROM dead").fetchone() == (0,)
            else:
                assert file.execute("SELECT count(*) FROM outbox").fetchone() == (0,)
        file.close()
    assert not _leftovers(data_dir)


def _leftovers(data_dir: Path) -> list[Path]:
    return [path for folder in ("spool", "incoming") for path in (data_dir / folder).iterdir()]
