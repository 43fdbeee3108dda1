"""The shell and Python blocks of the pages that a newcomer follows run as they are printed.

Only what belongs to the reader's machine is another: port, folder and virtual environment. The platform that
`make serve` starts is the test's, `make demo` labels fewer pictures, and `make test`, which this test is part of, is a
dry run.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from loadtest.command import ROOT as REPOSITORY
from loadtest.platform_process import PlatformProcess

BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PRINTED_URL = "http://127.0.0.1:8080"
PICTURES = 6
BUCKET = "photos"
"""That of the examples, which is nowhere."""
STRICT = 'set -euo pipefail\ncurl() { command curl --fail-with-body "$@"; }\n'
"""A refusal ends the script, which for a reader it need not."""

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


def blocks(page: str) -> list[tuple[str, str]]:
    """The shell and Python blocks of a page, each with its language, without those that read somebody's bucket:
    tests/service/test_imports.py does."""
    found = BLOCK.findall((REPOSITORY / page).read_text(encoding="utf-8"))
    return [(language, text) for language, text in found if BUCKET not in text]


def rewritten(text: str, url: str) -> str:
    """A block as it runs here."""
    demo = f"{sys.executable} -m loadtest.demo --out build/demo --count {PICTURES}"
    text = re.sub(r"^make demo\b", demo, text, flags=re.MULTILINE)
    text = re.sub(r"^make test\b", f"make --dry-run -C {REPOSITORY} test > /dev/null", text, flags=re.MULTILINE)
    text = re.sub(r"^(make serve|\.venv/bin/python -P -m services.detector)\b[^#\n]*", ":  ", text, flags=re.MULTILINE)
    return text.replace(PRINTED_URL, url)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What stands for the checkout: its packages, and the pictures and the model of a demonstration."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for package in ("loadtest", "deploy", "quorate"):
        (folder / package).symlink_to(REPOSITORY / package)
    return folder


@pytest.fixture
def platform(folder: Path, new_platform: Callable[..., PlatformProcess]) -> PlatformProcess:
    run("sh", "make demo", folder, PRINTED_URL)
    platform = new_platform(model=folder / "build/demo/model/tiny.cfg")
    platform.start()
    return platform


def run(language: str, text: str, folder: Path, url: str) -> str:
    """Run a block; returns what it printed."""
    command = (
        ["bash", "-c", STRICT + rewritten(text, url)]
        if language == "sh"
        else [sys.executable, "-c", rewritten(text, url)]
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("QUORATE_", "MAKE"))}
    environment |= {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "QUORATE_URL": url}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"{text}\n--- printed\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_readme_works_from_beginning_to_end(folder: Path, platform: PlatformProcess):
    shown = [run(language, text, folder, platform.url) for language, text in blocks("README.md")]
    assert [language for language, _ in blocks("README.md")] == ["sh", "sh", "python"]
    assert "results:" in shown[0]
    assert f"{PICTURES} accepted" in shown[-1]
    assert len((folder / "squares.csv").read_text().splitlines()) == 1 + PICTURES


@needs_curl
def test_the_api_works_with_curl(folder: Path, platform: PlatformProcess):
    [(language, text)] = blocks("docs/api.md")
    shown = run(language, text, folder, platform.url)
    assert (folder / "picture.png").read_bytes().startswith(b"\x89PNG")
    assert '"state":"completed"' in shown.replace(" ", "")  # what the vote led to
    assert {line.split(",")[1] for line in shown.splitlines()[-2:]} == {"sample-001.png", "sample-002.png"}


@needs_curl
def test_the_detector_answers_curl(folder: Path, platform: PlatformProcess):
    shown = [run(language, text, folder, platform.url) for language, text in blocks("docs/detector.md")]
    assert shown[1].count('"rectangle"') >= 2  # of the bytes, and of the same picture in base64


def test_the_command_line_takes_a_batch_from_upload_to_export(folder: Path, platform: PlatformProcess):
    [(language, text)] = blocks("docs/cli.md")
    run(language, text, folder, platform.url)
    assert len((folder / "squares.csv").read_text().splitlines()) == 1 + PICTURES
