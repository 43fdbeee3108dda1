"""The arrows of the design are held by import-linter, and it would catch who breaks them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("services", "shared", "embedded", "probes", "quorate", "loadtest")


def lint(folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("house")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_the_arrows_hold():
    run = lint(ROOT)
    assert run.returncode == 0, run.stdout + run.stderr


PLANTED = {
    "a service in another": ("services/detector/domain.py", "from services.task_manager import wire"),
    "a service in what is shared": ("shared/clock.py", "import services.detector.domain"),
    "the platform in a service": ("services/task_manager/handlers.py", "import embedded.app"),
    "a probe in the platform": ("embedded/routes.py", "import probes.seed"),
    "a probe in the load test": ("loadtest/samples.py", "import probes.seed"),
    "a service in the client": ("quorate/exits.py", "import services.detector.domain"),
    "what is shared in the load test": ("loadtest/samples.py", "import shared.clock"),
    "a framework in the rules": ("services/subtask_manager/quorum.py", "import fastapi"),
    "a clock in the rules": ("services/subtask_manager/domain.py", "import time"),
    "chance in the rules": ("services/task_manager/domain.py", "import random"),
    "a database in the rules": ("services/subtask_manager/walk.py", "import sqlite3"),
}


@pytest.mark.parametrize(("path", "line"), PLANTED.values(), ids=PLANTED)
def test_a_planted_violation_is_caught(copy: Path, path: str, line: str):
    module = copy / path
    honest = module.read_text(encoding="utf-8")
    module.write_text(f"{honest}\n{line}\n", encoding="utf-8")
    try:
        run = lint(copy)
    finally:
        module.write_text(honest, encoding="utf-8")
    assert run.returncode == 1, run.stdout + run.stderr
    assert "BROKEN" in run.stdout
    name = path.removesuffix(".py").replace("/", ".")
    assert name in run.stdout
