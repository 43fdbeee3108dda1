"""The wheel, put into an empty environment in a foreign folder, serves."""

import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
READY = "Quorate is ready on "
PAGE = ROOT / "shared/page"
INDEX = next(path for path in (PAGE / "dist/index.html", PAGE / "plain/index.html") if path.is_file())
"""The web page that this checkout has: built, or the one that says how to build it."""


def run(*command: object, cwd: Path, **environment: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=clean | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the programs of an environment that has the locked requirements and the wheel."""
    environment = tmp_path_factory.mktemp("foreign") / "env"
    run(UV, "venv", "-q", "--python", sys.executable, environment, cwd=environment.parent)
    into = {"cwd": environment.parent, "VIRTUAL_ENV": str(environment)}
    run(UV, "pip", "install", "-q", "--require-hashes", "-r", ROOT / "requirements/server.txt", **into)
    run(UV, "pip", "install", "-q", "--no-deps", wheel, **into)
    return environment / "bin"


def test_it_holds_the_application_and_nothing_else(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"services", "shared", "embedded", "quorate"}
    code = [name for name in names if not name.startswith("shared/page/dist/")]  # there the names are the build's
    assert [name for name in code if "test" in name or name.startswith("probes/") or name.endswith(".pyc")] == []
    for package in (
        "services/task_manager/store/sqlite/schema.py",
        "quorate/cli.py",
        "embedded/__main__.py",
        "shared/page/plain/index.html",
    ):
        assert package in names
    built = {path.relative_to(ROOT).as_posix() for path in (PAGE / "dist").rglob("*") if path.is_file()}
    assert built <= set(names)


def test_it_serves_from_a_foreign_folder(installed: Path, tmp_path: Path):
    (tmp_path / "shared.py").write_text("raise ImportError('this is not the platform')")
    data = tmp_path / "data"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("QUORATE", "PYTHON"))}
    process = subprocess.Popen(
        [installed / "quorate", "serve", "--port", "0", "--data-dir", data],
        cwd=tmp_path,
        env=clean,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        said = json.loads(line)["event"]
        assert said.startswith(READY)
        with httpx.Client(base_url=said.removeprefix(READY)) as http:
            assert http.get("/healthz").json() == {"status": "ok"}
            assert http.get("/").content == INDEX.read_bytes()
            task = http.post("/api/tasks", json={"name": "n", "labels": ["cat"]}).json()
            assert http.get(f"/api/tasks/{task['id']}").json() == task
        assert data.is_dir()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert process.stdout.read() == ""
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_the_client_answers_without_a_server(installed: Path, tmp_path: Path):
    assert "serve" in run(installed / "quorate", "--help", cwd=tmp_path)
