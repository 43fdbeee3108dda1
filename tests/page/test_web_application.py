"""The web application's own checks, each of its scripts and each file of its browser tests as one test here."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.servers import lacks

ROOT = Path(__file__).parents[2]
UI = ROOT / "ui"
SPECS = sorted(path.name for path in (UI / "e2e").glob("*.spec.ts"))
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
DEADLINE_S = 900
"""A bound for a hanging browser, never a measure."""
NODE_IS_NEW = "const [major, minor] = process.versions.node.split('.'); if (major * 100 + +minor < 2019) throw 0"


def run(*command: str, cwd: Path) -> str:
    """What a command printed; it ends with all that it started."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=clean | {"CI": "1", "NO_COLOR": "1", "CHROMIUM": CHROMIUM},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        printed, _ = process.communicate(timeout=DEADLINE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    assert process.returncode == 0, printed
    return printed


def passed(printed: str) -> int:
    """How many tests the last line of a run counts; `ui/summary.ts` and `ui/e2e/summary.ts` write it."""
    counted = re.findall(r"^(\d+) passed, 0 failed$", printed, re.MULTILINE)
    assert counted, printed
    return int(counted[-1])


@pytest.fixture(scope="session")
def built() -> None:
    """The page as it is now is what the platform serves."""
    node = shutil.which("node")
    if node is None or subprocess.run([node, "-e", NODE_IS_NEW], check=False, capture_output=True).returncode:
        lacks("Node 20.19 or newer is not here")
    run("make", "--no-print-directory", "ui", cwd=ROOT)


@pytest.fixture(scope="session")
def chromium(built: None) -> None:
    if not Path(CHROMIUM).exists():
        lacks(f"no browser: {CHROMIUM} is Debian's package chromium; the variable CHROMIUM names another")


@pytest.mark.timeout(DEADLINE_S)
@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("script", ["lint", "types"])
def test_the_code_is_in_order(script: str):
    run("npm", "run", "--silent", script, cwd=UI)


@pytest.mark.timeout(DEADLINE_S)
@pytest.mark.usefixtures("built")
def test_the_parts_do_what_they_say():
    assert passed(run("npm", "run", "--silent", "test", cwd=UI)) > 100


@pytest.mark.timeout(DEADLINE_S)
@pytest.mark.usefixtures("chromium")
@pytest.mark.parametrize("spec", SPECS)
def test_the_page_works_in_a_browser(spec: str):
    assert passed(run("npm", "run", "--silent", "e2e", "--", spec, cwd=UI)) > 0
