"""`quorate serve`: it becomes the server, and says what is missing for that."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from quorate import becoming
from tests.unit.cli_runs import refused, run


def test_serve_becomes_the_server(monkeypatch, tmp_path: Path):
    became = []
    monkeypatch.setattr(os, "execv", lambda *args: became.append(args))
    monkeypatch.setattr(becoming, "find_spec", lambda name: name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", environ := {})
    assert run(refused, "serve", "--port", "9000", "--data-dir", "here").exit_code == 0
    assert became == [(sys.executable, [sys.executable, "-P", "-m", "embedded"])]
    found = {name: environ[name] for name in environ if name.startswith("QUORATE_")}
    assert found == {"QUORATE_HOST": "127.0.0.1", "QUORATE_PORT": "9000", "QUORATE_DATA_DIR": str(tmp_path / "here")}


@pytest.mark.parametrize("missing", ["embedded", "uvicorn"])
def test_serve_says_what_is_missing(monkeypatch, missing):
    monkeypatch.setattr(becoming, "find_spec", lambda name: None if name == missing else name)
    result = run(refused, "serve")
    assert result.exit_code == 2
    assert "pip install 'quorate[server]'" in result.stderr


@pytest.mark.parametrize("modules", ["quorate.cli", "quorate.cli, quorate.serve"])
def test_serving_loads_neither_the_http_client_nor_the_tables(modules):
    code = f"import sys, {modules}; print({{'httpx', 'rich', 'ssl', 'fastapi'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_the_platform_loads_nothing_that_it_does_not_use():
    unused = {"aio_pika", "minio", "onnxruntime", "opentelemetry.sdk", "pygments", "pymongo", "rich"}
    code = f"import sys, embedded.app; print({unused} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
