"""Replicas of a service as processes in control groups, restarted and drained as in a cluster."""

import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.local.errors import ServerNotUp
from deploy.local.platform import Replica
from deploy.local.process import LongProcess
from deploy.local.server_folder import ServerFolder
from loadtest.cgroups import Cgroup, Quota

DRAIN_S = 1.0
"""From when the balancer is told that a member leaves until the member is told."""
GRACE_S = 30.0
MOST_RESTARTS = 5
"""Of one member."""


@dataclass(slots=True, kw_only=True)
class Member:
    """One replica, its group, and how far it has come; times on the clock of the caller of `Fleet.tend`."""

    replica: Replica
    cgroup: Cgroup
    began_at: float
    ready_at: float | None = None
    leaving_at: float | None = None
    told_at: float | None = None
    restarts: int = 0

    @property
    def is_serving(self) -> bool:
        return self.ready_at is not None and self.leaving_at is None

    @property
    def is_running(self) -> bool:
        return self.replica.process.pid() is not None


class Fleet:
    """Replicas of one service. Nothing here waits: `tend` has to be called several times a second.

    environment: what the service has to be told. names: for the groups of the members. deaths: how many members died
    by themselves, or were killed, and were started again.
    """

    def __init__(
        self, service: str, *, folder: Path, environment: Mapping[str, str], quota: Quota, names: Iterator[str]
    ) -> None:
        self.service = service
        self.quota = quota
        self.deaths = 0
        self._folder = folder
        self._environment = environment
        self._names = names
        self._members: list[Member] = []

    def members(self) -> list[Member]:
        """Those that are to stay, ready or not."""
        return [member for member in self._members if member.leaving_at is None]

    def ports(self) -> list[int]:
        """Where requests may go."""
        return [member.replica.port for member in self._members if member.is_serving]

    def cpu_s(self) -> float:
        """Processor seconds that all present members have used."""
        return sum(member.cgroup.cpu_s() for member in self._members)

    def scale(self, replicas: int, now: float) -> None:
        """Have so many members: the youngest leave, or new ones start."""
        staying = self.members()
        for member in staying[replicas:]:
            member.leaving_at = now
        for _ in range(replicas - len(staying)):
            self._add_member(now)

    def tend(self, now: float) -> None:
        """Note which members became ready, restart those that died, and stop those that leave.

        Raises ServerNotUp where a member dies again and again.
        """
        for member in list(self._members):
            if member.leaving_at is not None:
                self._let_go(member, now)
            elif not member.is_running:
                self.deaths += 1
                _restart(member)
            elif member.ready_at is None and member.replica.is_ready():
                member.ready_at = now

    def kill_one(self) -> int:
        """End one serving member without warning, as a crash would; returns its port."""
        victim = next(member for member in self._members if member.is_serving)
        if pid := victim.replica.process.pid():
            os.kill(pid, signal.SIGKILL)
        return victim.replica.port

    def stop(self) -> None:
        """Stop all members and remove their groups."""
        running = [member for member in self._members if member.is_running]
        for member in running:
            _tell(member)  # all at once; `stop` below waits for one after the other
        for member in self._members:
            member.replica.process.stop()
            member.cgroup.remove()
        self._members.clear()

    def _add_member(self, now: float) -> None:
        taken = {member.replica.name for member in self._members}
        name = next(name for number in range(len(taken) + 1) if (name := f"{self.service}_{number}") not in taken)
        cgroup = Cgroup(next(self._names))
        replica = Replica(
            service=self.service,
            folder=self._folder,
            name=name,
            port=ServerFolder(self._folder).port(cgroup.name),
            environment=self._environment,
        )
        member = Member(replica=replica, cgroup=cgroup, began_at=now)
        self._members.append(member)  # before there is anything of it that would have to be ended
        member.cgroup.make(self.quota)
        _launch(member)

    def _let_go(self, member: Member, now: float) -> None:
        if not member.is_running:
            member.cgroup.remove()
            self._members.remove(member)
        elif member.told_at is None:
            if now - (member.leaving_at or 0) >= DRAIN_S:
                member.told_at = now
                _tell(member)
        elif now - member.told_at > GRACE_S:
            member.replica.process.kill()


def clear(folder: Path) -> None:
    """End what an experiment that was killed left running in its folder, and empty the folder."""
    for file in [*folder.glob("*.pid"), *folder.glob("gateway/*.pid")]:
        LongProcess(folder=file.parent, name=file.stem).stop()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _launch(member: Member) -> None:
    member.replica.start()
    if pid := member.replica.process.pid():
        member.cgroup.take(pid)


def _restart(member: Member) -> None:
    if member.restarts >= MOST_RESTARTS:
        raise ServerNotUp(f"{member.replica.name} dies again and again:\n{member.replica.process.tail()}")
    member.restarts += 1
    member.ready_at = None
    # Another process may have taken its port meanwhile.
    port = ServerFolder(member.replica.folder).port(f"{member.cgroup.name}-{member.restarts}")
    member.replica = replace(member.replica, port=port)
    _launch(member)


def _tell(member: Member) -> None:
    if pid := member.replica.process.pid():
        with suppress(ProcessLookupError):  # it has just ended by itself
            os.kill(pid, signal.SIGTERM)
