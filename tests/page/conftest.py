"""What the web application's tests need: Node and a browser."""

import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.page.scripts import CHROMIUM, ROOT, run
from tests.servers import lacks

NODE_IS_NEW = "const [major, minor] = process.versions.node.split('.'); if (major * 100 + +minor < 2019) throw 0"


@pytest.fixture(scope="session")
def built() -> None:
    """The page as it is now is what the platform serves; two workers do not build it at once."""
    node = shutil.which("node")
    if node is None or subprocess.run([node, "-e", NODE_IS_NEW], check=False, capture_output=True).returncode:
        lacks("Node 20.19 or newer is not here")
    (ROOT / "build").mkdir(exist_ok=True)
    with (ROOT / "build" / "page.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run("make", "--no-print-directory", "ui", cwd=ROOT)


@pytest.fixture(scope="session")
def chromium(built: None) -> None:
    if not Path(CHROMIUM).exists():
        lacks(f"no browser: {CHROMIUM} is Debian's package chromium; the variable CHROMIUM names another")
