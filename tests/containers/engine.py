"""A Docker engine of one's own: Debian's, in a root file system, mounts and a network of its own."""

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deploy.local.process import LongProcess
from tests.containers.errors import NoEngine
from tests.containers.programs import run

PACKAGES = ("docker.io", "docker-cli", "docker-compose", "docker-buildx", "iptables", "iproute2", "ca-certificates")
WORK = "/trial"
START_S = 60.0
POLL_S = 0.2

Network = Literal["machine", "own"]
"""machine: this machine's, to build images, which takes package registries; containers get no network of their own.
own: a network namespace with bridges, names and published ports, from which nothing gets out."""

# pivot_root, not chroot: the engine's containers pivot once more, and a folder that is no mount does not let them.
_BEGIN = """
set -eu
mount --rbind "$1" "$1"
cd "$1"
for each in proc sys dev; do mount --rbind "/$each" "$each"; done
mkdir -p ".$WORK" before
mount --bind "$2" ".$WORK"
mount -t tmpfs tmpfs run
pivot_root . before
umount --lazy /before
if [ "$3" = own ]; then ip link set lo up; fi
shift 3
exec "$@"
"""

_DAEMON = (
    "dockerd",
    "--storage-driver=overlay2",
    "--exec-opt=native.cgroupdriver=cgroupfs",
    "--cgroup-parent=/quorate-images",
    "--log-level=warn",
)
_WITHOUT_NETWORKS = ("--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false")


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """It runs from `start` to `stop`; its images stay in its root.

    root: Debian with the engine's packages. work: what is exchanged with it, which it finds as /trial.
    """

    root: Path
    work: Path

    @property
    def process(self) -> LongProcess:
        return LongProcess(folder=self.work, name="engine")

    def start(self, network: Network) -> None:
        """Start it, or again with another network; its images stay. Raises NoEngine with what its log says."""
        self.stop()
        namespaces = ["--mount", "--propagation=private"] + (["--net"] if network == "own" else [])
        daemon = [*_DAEMON, *(_WITHOUT_NETWORKS if network == "machine" else ())]
        arguments = [str(self.root), str(self.work), network, *daemon]
        self.process.start(["unshare", *namespaces, "sh", "-c", _BEGIN, "sh", *arguments], {"WORK": WORK})
        until = time.monotonic() + START_S
        while not self.is_up():
            if self.process.pid() is None or time.monotonic() > until:
                self.stop()
                raise NoEngine(f"Docker's engine does not start here:\n{self.process.tail()}")
            time.sleep(POLL_S)

    def stop(self) -> None:
        """Stop it and what its containers still run."""
        self.process.stop()

    def is_up(self) -> bool:
        """Whether it answers."""
        pid = self.process.pid()
        if pid is None:
            return False
        asked = subprocess.run([*_inside(pid), "docker", "version"], capture_output=True, check=False)
        return asked.returncode == 0

    def docker(self, *arguments: str, check: bool = True, told: bytes | None = None) -> str:
        """What a docker command printed. Raises TrialFailed."""
        return run([*self.inside(), "docker", *arguments], told=told, log=self.work / "docker.log", check=check)

    def inside(self) -> list[str]:
        """What a command begins with that is to run where the engine runs. Raises NoEngine."""
        pid = self.process.pid()
        if pid is None:
            raise NoEngine(f"the engine has ended:\n{self.process.tail()}")
        return _inside(pid)

    def network(self) -> list[str]:
        """What a command begins with that is to run with this machine's files and the engine's network."""
        return ["nsenter", f"--target={self.process.pid()}", "--net"]

    def version(self) -> str:
        """What runs, for people."""
        engine = self.docker("version", "--format", "Engine {{.Server.Version}}").strip()
        compose = self.docker("compose", "version", "--short").strip()
        return f"{engine}, Compose {compose}"


def _inside(pid: int) -> list[str]:
    return ["nsenter", f"--target={pid}", "--mount", "--net"]


def need_root() -> None:
    """Raises NoEngine where this user may start none."""
    if os.geteuid() != 0:
        raise NoEngine("an engine takes root: mounts, network namespaces and cgroups")
