"""The command line in a process of its own, as somebody uses it who has a browser beside it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.service.accounts_world import Browser


class Shell:
    """Somebody's command line, with a folder for its key."""

    def __init__(self, url: str, folder: Path) -> None:
        self.folder = folder
        own = {
            "QUORATE_URL": url,
            "XDG_CONFIG_HOME": str(folder),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith("QUORATE_")}
        self.environment = kept | own

    def begin(self, *args: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-P", "-c", "from quorate.cli import main; main()", *args]
        return subprocess.Popen(
            command, env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def run(self, *args: str) -> str:
        begun = self.begin(*args)
        out, said = begun.communicate(timeout=60)
        assert begun.returncode == 0, said
        return out.strip()

    def login(self, browser: Browser, *args: str) -> dict:
        waiting = self.begin("--json", "login", *args)
        assert waiting.stderr is not None
        lines = [waiting.stderr.readline() for _ in range(2)]
        code = lines[1].strip().partition("code=")[2]
        assert code in lines[0]
        browser.made("/api/device/answer", {"code": code, "approve": True})
        out, said = waiting.communicate(timeout=60)
        assert waiting.returncode == 0, said
        return json.loads(out)
