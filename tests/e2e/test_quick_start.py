"""The quick start with curl, run as one script: nothing in it waits, and it prints its results all the same."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from loadtest import samples
from loadtest.platform_process import PlatformProcess

PAGE = (Path(__file__).parents[2] / "docs/api.md").read_text()
TIMES = int(os.environ.get("QUORATE_QUICK_STARTS", "3"))


def quick_start(url: str) -> str:
    """The commands, on this platform."""
    [script] = re.findall(r"```sh\n(API=.*?)```", PAGE, re.DOTALL)
    return script.replace("http://127.0.0.1:8080", url)


@pytest.mark.skipif(os.name != "posix", reason="it is written for a shell")
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_quick_start_prints_its_results_whenever_it_is_run(tmp_path):
    samples.draw(tmp_path / "build/demo/samples", 2, seed=1)
    with PlatformProcess(tmp_path / "platform") as platform:
        for _ in range(TIMES):
            command = ["bash", "-euo", "pipefail", "-c", quick_start(platform.url)]
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 0, done.stderr
            results, exported = done.stdout[done.stdout.index('{"items"') :].split("}image_id,", 1)
            assert results.count('"label":"blue square"') == 1, done.stdout
            assert exported.count(",completed,blue square,") == 1, done.stdout
