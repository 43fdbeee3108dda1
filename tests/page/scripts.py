"""Runs the scripts of the web application; they end with all that they started."""

import os
import re
import signal
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
UI = ROOT / "ui"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
DEADLINE_S = 1_500
"""A bound for a hanging browser, never a measure."""
PATIENCE_S = DEADLINE_S + 60
"""A test's own: until then a script that hangs is ended here, and what it printed is shown."""


def run(*command: str, cwd: Path = UI) -> str:
    """What a command printed."""
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
        printed, _ = process.communicate()
        raise AssertionError(f"not done after {DEADLINE_S} s:\n{printed}") from None
    assert process.returncode == 0, printed
    return printed


def passed(*script: str) -> int:
    """How many tests a script of the web application ran: the last line of a run says so, which `ui/summary.ts` and
    `ui/e2e/summary.ts` write."""
    printed = run("npm", "run", "--silent", *script)
    counted = re.findall(r"^(\d+) passed, 0 failed$", printed, re.MULTILINE)
    assert counted, printed
    return int(counted[-1])
