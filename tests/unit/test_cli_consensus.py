"""`quorate consensus` is the consensus service's own command, in its place."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from quorate import becoming
from quorate.cli import main

QUORATE = str(Path(sys.executable).with_name("quorate"))
VOTES = "task,worker,label\na,ann,cat\na,bob,cat\nb,ann,dog\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "votes.csv").write_text(VOTES)
    (tmp_path / "gold.csv").write_text("task,label\na,cat\n")
    return tmp_path


def test_it_becomes_the_services_command(folder: Path, monkeypatch: pytest.MonkeyPatch):
    become: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda path, argv: become.append([path, *argv]))
    CliRunner().invoke(main, ["consensus", "votes.csv", "--gold", "gold.csv", "-o", "-x.csv", "--json"])
    arguments = ["--methods=majority,ds,one-coin,mace,glad", "--gold=gold.csv", "--output=-x.csv", "--json"]
    command = [sys.executable, "-P", "-m", "services.consensus", *arguments, "--", "votes.csv"]
    assert become == [[sys.executable, *command]]


def test_without_the_server_it_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(becoming, "find_spec", lambda _: None)
    result = CliRunner().invoke(main, ["consensus", "votes.csv"])
    assert (result.exit_code, "pip install 'quorate[server]'" in result.stderr) == (2, True)


def test_json_and_labels_have_one_stdout(folder: Path):
    result = CliRunner().invoke(main, ["--json", "consensus", "votes.csv"])
    assert (result.exit_code, "--output says where the labels go" in result.stderr) == (2, True)


def test_end_to_end(folder: Path):
    wanted = [QUORATE, "consensus", "votes.csv", "--gold", "gold.csv", "--methods", "ds,mace", "-o", "labels.csv"]
    done = subprocess.run(wanted, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("3 votes of 2 workers on 2 tasks, 2 labels\n")
    assert (folder / "labels.csv").read_text() == "task,ds,mace\na,cat,cat\nb,dog,dog\n"
    wrong = subprocess.run([QUORATE, "consensus", "gold.csv"], capture_output=True, text=True, check=False)
    assert (wrong.returncode, wrong.stderr[:40]) == (1, "quorate: gold.csv, line 1: the column wo")
    unknown = subprocess.run([*wanted[:3], "--methods", "best"], capture_output=True, text=True, check=False)
    assert (unknown.returncode, "there is no method 'best'" in unknown.stderr) == (2, True)
