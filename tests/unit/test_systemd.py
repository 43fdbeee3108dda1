"""The unit of systemd: what the platform promises is what the unit relies on, and it may write its folder alone."""

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest

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


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_reads_it():
    done = subprocess.run(["systemd-analyze", "verify", UNIT], capture_output=True, text=True, check=False)
    known = [line for line in done.stderr.splitlines() if "is not executable" not in line and "Command" not in line]
    assert not [line for line in known if "quorate.service" in line]
