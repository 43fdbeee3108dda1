"""A backup taken while people work, restored elsewhere: all that was acknowledged before it began is there."""

import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.crew.crew import Crew, until
from tests.crew.history import Checker, History
from tests.crew.operators import LABELS, Operator

SEED = 20_261
OPERATORS = 8
"""Enough for the five votes that an image may need, though three of them skip it."""
WORK_S = 6.0
DEADLINE_S = 120.0
QUORATE = str(Path(sys.executable).with_name("quorate"))


def quorate(*arguments: object) -> str:
    done = subprocess.run(
        [QUORATE, *map(str, arguments)], capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def as_of(history: History, moment: float, seen: Mapping[tuple[str, str], Any]) -> None:
    """What was answered after a moment may be in the backup or not, like what got no answer, and a result that was seen
    then may come out in another way."""
    history._sightings = dict(seen)
    for one in history.operations:
        if one.outcome == "ok" and one.ended_at >= moment:
            one.end("info", detail="after the backup began")


def acknowledged(history: History, kind: str) -> int:
    return sum(one.kind == kind and one.outcome == "ok" for one in history.operations)


@pytest.mark.long
@pytest.mark.timeout(3 * DEADLINE_S)
def test_a_backup_under_load_has_all_that_was_acknowledged_before(new_platform, tmp_path, tell):
    platform, copy, elsewhere = new_platform(lease_s=3), tmp_path / "copy", tmp_path / "elsewhere"
    platform.start()
    crew = Crew(platform.url, SEED)
    crew.begin(operators=OPERATORS, uploaders=2, has_owners=False)
    time.sleep(WORK_S)
    seen = crew.history._sightings.copy()
    began_at = time.time()
    said = quorate("backup", platform.data_dir, copy)
    time.sleep(1.0)
    crew.end()
    assert not crew.failures, "\n".join(crew.failures)
    as_of(crew.history, began_at, seen)
    votes, uploads = acknowledged(crew.history, "vote"), acknowledged(crew.history, "upload")
    assert votes > 20
    assert uploads > 2
    platform.stop()

    assert "agrees with itself" in quorate("check", copy, "--contents")
    quorate("restore", copy, elsewhere)
    assert "agrees with itself" in quorate("check", elsewhere, "--contents")
    restored = new_platform(lease_s=3, data_dir=elsewhere)
    restored.start()
    finish(crew, restored.url)
    with crew.client("client") as client:
        checked = Checker(crew.history, client, crew.task_id, LABELS, crew.pictures).check()
    assert not crew.history.violations, "\n".join(crew.history.violations[:20])
    restored.stop()
    assert "agrees with itself" in quorate("check", elsewhere)
    tell(said.strip(), f"{votes} votes and {uploads} uploads before it; checked: {checked}")


def finish(crew: Crew, url: str) -> None:
    """The same people label what is left, on the restored platform."""
    crew.url = url
    crew.work_ended.clear()
    crew._uploaders = []
    crew._others = [crew._thread(Operator(crew, number).run, f"operator{number}") for number in range(OPERATORS)]
    for thread in crew._others:
        thread.start()
    deadline = time.monotonic() + DEADLINE_S
    try:
        with crew.client("client") as client:
            until(lambda: client.seal(crew.task_id)["state"] != "open", deadline, "sealing the task")
            until(lambda: client.task(crew.task_id)["state"] == "completed", deadline, "all images labeled")
    finally:
        crew.end()
    assert not crew.failures, "\n".join(crew.failures)
