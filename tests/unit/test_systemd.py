"""The unit of systemd: what the platform promises is what the unit relies on, and it may write its folder alone."""

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from services.consensus import making
from shared.http.serving import GRACE_S

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy/systemd/quorate.service"
HARDENED = {
    "ProtectSystem": "strict",
    "NoNewPrivileges": "true",
    "PrivateTmp": "true",
    "PrivateDevices": "true",
    "ProtectHome": "true",
    "CapabilityBoundingSet": "",
    "RestrictNamespaces": "true",
    "SystemCallArchitectures": "native",
    "SystemCallErrorNumber": "EPERM",
}


@pytest.fixture(scope="module")
def service() -> dict[str, str]:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment]
    unit.read(UNIT)
    return dict(unit["Service"])


def test_it_is_hardened(service):
    assert service.items() >= HARDENED.items()
    assert service["User"] != "root"


def test_it_waits_for_an_orderly_end_and_starts_no_platform_that_cannot_start(service):
    assert float(service["TimeoutStopSec"]) > 2 * GRACE_S
    assert service["RestartPreventExitStatus"] == "2"
    assert service["Environment"] == f"QUORATE_DATA_DIR=/var/lib/{service['StateDirectory']}"


def test_a_run_is_made_though_its_process_may_not_be_made_nicer(monkeypatch):
    def refused(_by: int) -> int:
        raise PermissionError

    made = []
    monkeypatch.setattr(os, "nice", refused)
    monkeypatch.setattr(sys, "argv", ["making", "1000"])
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    monkeypatch.setattr(making, "bound", made.append)
    monkeypatch.setattr(making, "_make", lambda *_: made.append("run"))
    assert making.main() == 0
    assert made == [1000, "run"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_reads_it():
    done = subprocess.run(["systemd-analyze", "verify", UNIT], capture_output=True, text=True, check=False)
    known = [line for line in done.stderr.splitlines() if "is not executable" not in line and "Command" not in line]
    assert not [line for line in known if "quorate.service" in line]
