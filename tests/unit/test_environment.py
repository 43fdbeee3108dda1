"""What the environment tells a service that it should not miss."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from services.accounts.settings import AccountsSettings
from services.task_manager.settings import TaskManagerSettings
from shared.http.environment import HIDDEN, misspelt, told, unread
from tests.unit.test_settings_documented import TITLES

ROOT = Path(__file__).parents[2]
OTHERS = {
    f"QUORATE_{name}"
    for name in (
        *("BIND", "CRASH_AT", "DELIVERIES", "HOSTILE_S", "IMAGES", "KEY", "KILLS", "MODEL_DIR", "OPERATORS"),
        *("REQUIRE_SERVICES", "SCHEMATHESIS_S", "SCHEMATHESIS_SEED", "SEED", "URL", "USER", "VERSION"),
    )
}
"""Of the command line, of compose and of tests."""
SLIPS = {
    "QUORATE_LOGLEVEL": "QUORATE_LOG_LEVEL",
    "QUORATE_MAX_IMAGES_BYTES": "QUORATE_MAX_IMAGE_BYTES",
    "QUORATE_MONGO_DATABSE": "QUORATE_MONGO_DATABASE",
    "QUORATE_AMPQ_URL": "QUORATE_AMQP_URL",
    "quorate_hosts": "QUORATE_HOST",
}


def names(kind) -> set[str]:
    return {f"QUORATE_{name.upper()}" for name in kind.model_fields}


def test_a_slip_is_told_with_what_was_meant():
    assert misspelt(TaskManagerSettings, [*SLIPS, "QUORATE_MONGO_DATABASE", "PATH", "quorate_port"]) == SLIPS


@pytest.mark.parametrize("kind", TITLES.values())
def test_no_name_that_another_part_reads_is_taken_for_a_slip(kind):
    assert misspelt(kind, set.union(OTHERS, *map(names, TITLES.values()))) == {}


def test_what_nothing_here_reads_is_told():
    assert unread(TaskManagerSettings, ["QUORATE_DATABASE", "QUORATE_PORT", "HOME"]) == ["QUORATE_DATABASE"]


def test_what_is_set_is_told_without_secrets(monkeypatch):
    monkeypatch.setenv("QUORATE_MONGO_URL", "mongodb://u:s3cret@host")
    monkeypatch.setenv("QUORATE_PORT", "1234")
    monkeypatch.setenv("QUORATE_AMQP_URL", "amqp://u:s3cret@host")
    monkeypatch.setenv("QUORATE_SIGNING_KEYS", "s3cret")
    monkeypatch.setenv("QUORATE_PUBLIC_URL", "https://label.example")
    shown = told(AccountsSettings())
    assert shown["port"] == 1234
    assert shown["mongo_url"] == HIDDEN
    assert "s3cret" not in str(shown)
    assert "log_level" not in shown


def test_the_platform_does_not_start_with_a_slip(tmp_path: Path):
    done = _start(tmp_path, QUORATE_DATA_DIRR="elsewhere")
    assert done.returncode == 2
    assert done.stderr == "QUORATE_DATA_DIRR: there is no such setting; QUORATE_DATA_DIR is one\n"
    assert not (tmp_path / "data").exists()


def test_an_address_that_is_taken_is_named(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = _start(tmp_path, QUORATE_PORT=str(port))
    assert done.returncode == 2
    assert f"nothing can listen on 127.0.0.1, port {port}: Address already in use" in done.stderr


def _start(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("QUORATE_")}
    environment = clean | {"QUORATE_DATA_DIR": str(folder / "data"), **settings}
    command = [sys.executable, "-P", "-m", "embedded"]
    return subprocess.run(
        command,
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=folder,
    )
