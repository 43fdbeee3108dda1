"""So many pods of the detector behind the balancer, and the most users that they serve."""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from deploy.local.server_folder import HOST
from loadtest.cgroups import SMALL_POD, names
from loadtest.crowd.detection import Load, Seen
from loadtest.errors import MeasurementFailed
from loadtest.experiments.balancer import Balancer
from loadtest.experiments.fleet import Fleet
from loadtest.experiments.pods.search import Found, largest
from loadtest.experiments.supervisor import Supervisor
from loadtest.measures import Times

FIRST_USERS = 16
SEARCH_SPAWN_S = 3.0
"""In which all users of one try of the search join."""
CONFIRMATIONS = 4
FEWER = 0.95
TRY_S = 300.0
NOTHING = Seen(failure="", per_s=0.0, times=Times.of([0.0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Where users are: the address that they ask, and the command that runs another where they are."""

    name: str
    host: str = HOST
    inside: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One row: the most users with 100 % success, what they saw, and how many requests each pod answered then.

    fails: the smallest number of users with which the search saw a failure, and `failure` the first one it saw.
    """

    pods: int
    client: str
    repeat: int
    users: int
    fails: int | None
    failure: str
    spawn_per_s: float
    seen: Seen
    answered: Sequence[int]


@dataclass(frozen=True, slots=True)
class Pods:
    """Pods that are up, and the pictures that they are asked about; `options` are the command's."""

    supervisor: Supervisor
    fleet: Fleet
    pictures: Path
    options: argparse.Namespace

    def trial(self, client: Client, repeat: int) -> Outcome:
        """Search, and then measure what was found, with fewer users where it does not hold."""
        failures: list[str] = []

        def works(users: int) -> bool:
            seen = self._ask(client, users, spawn_per_s=max(1.0, users / SEARCH_SPAWN_S))
            failures.extend(filter(None, [seen.failure]))
            print(f"  {client.name} {users:5} users: {seen.failure or 'all answered'}", flush=True)
            return not seen.failure

        ends_at, most = time.monotonic() + self.options.longest_s, self.options.most_users
        found = largest(works, first=FIRST_USERS, most=most, is_over=lambda: time.monotonic() > ends_at)
        return self._measure(client, repeat, found, failures)

    def peak_mib(self) -> float:
        """The most memory that any of them ever held."""
        return max(member.cgroup.peak_bytes() / 2**20 for member in self.fleet.members())

    def _measure(self, client: Client, repeat: int, found: Found, failures: list[str]) -> Outcome:
        users, spawn_per_s, seen, answered = found.works, 0.0, NOTHING, list[int]()
        for _ in range(CONFIRMATIONS if users else 0):
            spawn_per_s = max(1.0, users / self.options.longest_spawn_s)
            before = self._answered()
            seen = self._ask(client, users, spawn_per_s=spawn_per_s)
            if not seen.failure:
                answered = [after - one for one, after in zip(before, self._answered(), strict=True)]
                break
            failures.append(seen.failure)
            users = min(users - 1, int(FEWER * users))
        if not answered:
            users, seen = 0, NOTHING
        print(f"  {client.name} {users:5} users: {seen.times.mean:.0f} ms on average, by pod {answered}", flush=True)
        return Outcome(
            pods=len(self.fleet.members()),
            client=client.name,
            repeat=repeat,
            users=users,
            fails=found.fails,
            failure=failures[0] if failures else "",
            spawn_per_s=spawn_per_s,
            seen=seen,
            answered=answered,
        )

    def _ask(self, client: Client, users: int, *, spawn_per_s: float) -> Seen:
        self.supervisor.await_ready()
        load = Load(
            host=client.host,
            port=self.supervisor.balancer.port,
            users=users,
            spawn_per_s=spawn_per_s,
            hold_s=self.options.hold_s,
            timeout_s=self.options.timeout_s,
            pictures=str(self.pictures),
        )
        users_command = [sys.executable, "-P", "-m", "loadtest.crowd.detection", json.dumps(asdict(load))]
        done = subprocess.run(
            [*client.inside, *users_command], capture_output=True, text=True, timeout=TRY_S, check=False
        )
        self.supervisor.check()
        if done.returncode:
            raise MeasurementFailed(f"the users ended with {done.returncode}: {done.stderr[-1000:]}")
        return Seen.from_json(done.stdout)

    def _answered(self) -> list[int]:
        return [_answered(port) for port in sorted(self.fleet.ports())]


@contextmanager
def pods(
    replicas: int, model: str, pictures: Path, options: argparse.Namespace, *, folder: Path, host: str | None
) -> Iterator[Pods]:
    """So many pods, ready; ended with the block. host: where the balancer listens besides loopback."""
    fleet = Fleet(
        "detector",
        folder=folder,
        environment={"QUORATE_MODEL": model},
        quota=SMALL_POD,
        names=names(f"pods-{replicas}"),
    )
    try:
        fleet.scale(replicas, time.monotonic())
        with Supervisor(Balancer(folder, host=host), others=[fleet]) as supervisor:
            yield Pods(supervisor, fleet, pictures, options)
    finally:
        fleet.stop()  # where there was no supervisor yet to do it


def _answered(port: int) -> int:
    """How many pictures a detector has looked at since it started."""
    return httpx.get(f"http://{HOST}:{port}/api/models", timeout=10, trust_env=False).json()["load"]["answered"]
