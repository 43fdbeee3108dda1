"""Somebody sets the clock of the machine forward and back: leases end when they should, through a restart too."""

import re
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.objects import URL_ROUND_S
from tests.service.picture_samples import png
from tests.service.processes import Server
from tests.service.running import LABELS

LEASE_S = 20.0
WAIT_S = 90.0
URL_S = 3_600 + URL_ROUND_S
"""So long an image's URL lives at the most."""
FAKED = """
import sys, time
from pathlib import Path
off, real = Path(sys.argv[1]), time.time
time.time = lambda: real() + float(off.read_text())
from embedded.__main__ import main
sys.exit(main())
"""
"""The platform in a process whose wall clock is off by what a file says."""


class Machine:
    """A platform on a machine whose clock can be set."""

    def __init__(self, folder: Path) -> None:
        self._off = folder / "off"
        self.set(0)
        command = (sys.executable, "-P", "-c", FAKED, str(self._off))
        self.server = Server(folder, command=command, lease_s=LEASE_S, log_level="info")

    def set(self, off_s: float) -> None:
        made = self._off.with_suffix(".new")
        made.write_text(str(off_s))
        made.rename(self._off)

    def ask(self, method: str, path: str, user: str = "ada", **sent: object) -> httpx.Response:
        answer = httpx.request(method, self.server.url + path, headers={"X-Quorate-User": user}, timeout=30, **sent)
        assert answer.is_success, answer.text
        return answer

    def task(self) -> str:
        quorum = {"votes_required": 1, "max_votes": 1}
        wanted = {"name": "n", "labels": LABELS, "detector": {"mode": "off"}, "quorum": quorum}
        task_id = self.ask("POST", "/api/tasks", json=wanted).json()["id"]
        self.ask("POST", f"/api/tasks/{task_id}/images", files=[("images", ("a.png", png(1)))])
        return task_id

    def lease(self, user: str, task_id: str) -> dict[str, Any]:
        """Wait for a lease."""
        began = time.monotonic()
        wanted = {"count": 1, "task_id": task_id}
        while not (leases := self.ask("POST", "/api/leases", user, json=wanted).json()["leases"]):
            assert time.monotonic() < began + WAIT_S, "the lease before does not end"
            time.sleep(0.1)
        return leases[0]

    def ahead_s(self) -> float:
        text = self.ask("GET", "/metrics").text
        found = re.search(r"^quorate_clock_ahead_seconds (\S+)$", text, re.MULTILINE)
        assert found is not None
        return float(found[1])


@pytest.fixture
def machine(tmp_path: Path):
    machine = Machine(tmp_path)
    try:
        machine.server.start()
        yield machine
    finally:
        machine.server.end()


def test_a_clock_set_forward_and_back_leaves_leases_as_they_are(machine: Machine):
    task_id = machine.task()
    machine.lease("ada", task_id)
    machine.set(3_600)
    assert machine.ahead_s() == pytest.approx(-3_600, abs=5)
    held = machine.ask("POST", "/api/leases", "ben", json={"count": 1, "task_id": task_id}).json()
    assert (held["leases"], held["waiting_for_others"]) == ([], 1), "ada's lease has not ended"
    machine.set(0)
    assert machine.lease("ben", task_id)["task_id"] == task_id
    assert machine.ahead_s() == pytest.approx(0, abs=1)
    assert machine.server._log.read_text().count("the wall clock of this machine was set") == 2


def test_leases_end_though_the_clock_was_set_back_while_the_platform_was_down(machine: Machine):
    machine.server.stop()
    machine.set(3_600)
    machine.server.start()
    task_id = machine.task()
    machine.lease("ada", task_id)
    machine.server.kill()
    machine.set(0)
    machine.server.start()
    assert machine.ahead_s() == pytest.approx(3_600, abs=60)
    image_url = machine.lease("ben", task_id)["image_url"]
    assert int(httpx.URL(image_url).params["expires"]) <= time.time() + URL_S, "it is signed by the wall clock"
    machine.ask("GET", image_url)
    assert "what is stored is ahead of the wall clock" in machine.server._log.read_text()
