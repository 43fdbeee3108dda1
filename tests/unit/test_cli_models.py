"""`quorate models` is the detector's own command, in its place."""

import os
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from quorate import becoming
from quorate.cli import main

QUORATE = str(Path(sys.executable).with_name("quorate"))


def test_it_becomes_the_detectors_command(monkeypatch):
    become: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda path, argv: become.append([path, *argv]))
    CliRunner().invoke(main, ["models", "--cache", "/y", "pull", "x", "--help"])
    arguments = ["-P", "-m", "services.detector", "models", "--cache", "/y", "pull", "x", "--help"]
    assert become == [[sys.executable, sys.executable, *arguments]]


def test_without_the_server_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(becoming, "find_spec", lambda _: None)
    result = CliRunner().invoke(main, ["models", "list"])
    assert (result.exit_code, "pip install 'quorate[server]'" in result.stderr) == (2, True)


def test_end_to_end(tmp_path):
    run = subprocess.run(
        [QUORATE, "models", "list"],
        env=os.environ | {"QUORATE_MODEL_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert "yolov3-tiny" in run.stdout
    wrong = subprocess.run([QUORATE, "models", "pull"], capture_output=True, text=True, check=False)
    assert (wrong.returncode, "usage: quorate models pull" in wrong.stderr) == (2, True)
