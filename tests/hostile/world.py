"""The embedded platform under a pod's limits of memory and processors, and what it leaves behind."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import yaml

from loadtest import cgroups
from loadtest.cgroups import Cgroup, NoCgroups, Quota
from loadtest.command import ROOT
from tests.chaos.embedded_world import EmbeddedWorld

DEPLOYMENT = ROOT / "deploy/k8s/base/task-manager/deployment.yaml"
CORES = 2.0
UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
KEPT = re.compile(r"\.?lock|secret|clock|ballast|\w+\.sqlite(-wal|-shm)?")
"""What a data folder holds beside objects."""
CACHE_BYTES = 4_000_000
"""Of images used last: as little as fills up before memory is first looked at, so that what grows is not the cache."""
POLL_S = 1.0
ADDRESS = re.compile(r" 0x[0-9a-f]+")
SHOWN = 1_000


def pod_memory_bytes() -> int:
    """The limit of the task manager's pod. The embedded platform has to get by with it, though it is all services."""
    [deployment] = [one for one in yaml.safe_load_all(DEPLOYMENT.read_text()) if one["kind"] == "Deployment"]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    said = container["resources"]["limits"]["memory"]
    return int(said[:-2]) * UNITS[said[-2:]]


class HostileWorld(EmbeddedWorld):
    """In a control group, where root may make one; `left_out` says where not."""

    def __init__(self, folder: Path, **settings: object) -> None:
        no_memories = ("--remembered", "0")  # events that wait for a fault that is not injected here were 30 MB
        super().__init__(folder, arguments=no_memories, has_disk=False, image_cache_bytes=CACHE_BYTES, **settings)
        self.left_out = {}
        self.group: Cgroup | None = None
        self._stack = ExitStack()

    def start(self, crash_at: str | None = None) -> None:
        quota = Quota(cores=CORES, memory_bytes=pod_memory_bytes())
        try:
            self.group = self._stack.enter_context(cgroups.limited("hostile", quota))
        except NoCgroups as reason:
            self.left_out["limits of memory and processors"] = str(reason)
        else:
            self.platform.command = self.group.inside(self.platform.command)
        super().start(crash_at)

    def stop(self) -> None:
        try:
            super().stop()
        finally:
            self._stack.close()

    def peak_mib(self) -> float:
        """The most memory that it had."""
        return self.platform.peak_mib()

    def settled_mib(self, enough_mib: float, patience_s: float) -> float:
        """Its memory as soon as it is no more than this, or after some time."""
        deadline = time.monotonic() + patience_s
        while (resident_mib := self.platform.resident_mib()) > enough_mib and time.monotonic() < deadline:
            time.sleep(POLL_S)
        return resident_mib

    def errors(self) -> list[str]:
        """What it logged as an error, each by its event and the last line of its traceback."""
        logged = [json.loads(line) for line in self.platform.errors()]
        return [f"{one['event'].strip()} {ADDRESS.sub('', one.get('exception', ''))[-SHOWN:]}" for one in logged]

    def leftovers(self, patience_s: float) -> list[str]:
        """Files that nothing refers to, also such as are deleted and still open."""
        deadline = time.monotonic() + patience_s
        while (found := [*self._strays(), *self._open_deleted()]) and time.monotonic() < deadline:
            time.sleep(POLL_S)
        return found

    def _strays(self) -> Iterator[str]:
        named = {f"objects/{key}" for key in self.references()}
        for path in self.data_dir.rglob("*"):
            name = str(path.relative_to(self.data_dir))
            if path.is_file() and name not in named and not KEPT.fullmatch(name):
                yield name

    def _open_deleted(self) -> Iterator[str]:
        for descriptor in Path(f"/proc/{self.platform.pid}/fd").iterdir():
            try:
                target = str(descriptor.readlink())
            except FileNotFoundError:
                continue
            if target.startswith(str(self.data_dir)) and target.endswith("(deleted)"):
                yield target
