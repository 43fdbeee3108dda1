"""So many pods of the detector behind the balancer, and the most users that they serve."""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.server_folder import HOST
from loadtest.experiments.balancer import Balancer
from loadtest.experiments.cgroups import Quota, names
from loadtest.experiments.fleet import Fleet
from loadtest.experiments.fleet_keeper import Keeper
from loadtest.experiments.pods.search import Found, largest
from loadtest.experiments.pods.users import Seen

CORES, MEMORY_BYTES = 0.5, 512 * 2**20
"""Of each pod: request and limit, as in system D's Deployment."""
FIRST_USERS = 16
SEARCH_SPAWN_S = 3.0
"""In which all users of one try of the search join."""
CONFIRMATIONS = 4
FEWER = 0.95
TRY_S = 300.0
NOTHING = Seen(answered=0, failure="", per_s=0.0, mean_ms=0.0, p95_ms=0.0, most_ms=0.0)


class TrialFailed(Exception):
    """A trial could not be carried out; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What all trials have in common. longest_s: of one search. longest_spawn_s: of the joining before a measurement.

    timeout_s: of a request; one that takes longer has failed.
    """

    model: str
    pictures: Path
    folder: Path
    hold_s: float
    most_users: int
    longest_s: float
    longest_spawn_s: float
    timeout_s: float


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
    """Pods that are up, and what is asked of them."""

    keeper: Keeper
    fleet: Fleet
    plan: Plan

    def trial(self, client: Client, repeat: int) -> Outcome:
        """Search, and then measure what was found, with fewer users where it does not hold."""
        failures: list[str] = []

        def works(users: int) -> bool:
            seen = self._ask(client, users, spawn_per_s=max(1.0, users / SEARCH_SPAWN_S))
            failures.extend(filter(None, [seen.failure]))
            print(f"  {client.name} {users:5} users: {seen.failure or 'all answered'}", flush=True)
            return not seen.failure

        ends_at = time.monotonic() + self.plan.longest_s
        found = largest(works, first=FIRST_USERS, most=self.plan.most_users, is_over=lambda: time.monotonic() > ends_at)
        return self._measure(client, repeat, found, failures)

    def peak_mib(self) -> list[float]:
        return [member.cgroup.peak_bytes() / 2**20 for member in self.fleet.members()]

    def deaths(self) -> int:
        return self.fleet.deaths

    def _measure(self, client: Client, repeat: int, found: Found, failures: list[str]) -> Outcome:
        users, spawn_per_s, seen, answered = found.works, 0.0, NOTHING, list[int]()
        for _ in range(CONFIRMATIONS if users else 0):
            spawn_per_s = max(1.0, users / self.plan.longest_spawn_s)
            before = self._answered()
            seen = self._ask(client, users, spawn_per_s=spawn_per_s)
            if not seen.failure:
                answered = [after - one for one, after in zip(before, self._answered(), strict=True)]
                break
            failures.append(seen.failure)
            users = min(users - 1, int(FEWER * users))
        is_good = bool(answered)
        print(f"  {client.name} {users:5} users: {seen.mean_ms:.0f} ms on average, by pod {answered}", flush=True)
        return Outcome(
            pods=len(self.fleet.members()),
            client=client.name,
            repeat=repeat,
            users=users if is_good else 0,
            fails=found.fails,
            failure=failures[0] if failures else "",
            spawn_per_s=spawn_per_s,
            seen=seen if is_good else NOTHING,
            answered=answered,
        )

    def _ask(self, client: Client, users: int, *, spawn_per_s: float) -> Seen:
        self.keeper.await_ready()
        options = {
            "host": client.host,
            "port": self.keeper.balancer.port,
            "users": users,
            "spawn-per-s": spawn_per_s,
            "hold-s": self.plan.hold_s,
            "timeout-s": self.plan.timeout_s,
            "pictures": self.plan.pictures,
        }
        told = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        command = [*client.inside, sys.executable, "-P", "-m", "loadtest.experiments.pods.users", *told]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TRY_S, check=False)
        self.keeper.check()
        if done.returncode:
            raise TrialFailed(f"the users ended with {done.returncode}: {done.stderr[-1000:]}")
        return Seen(**json.loads(done.stdout))

    def _answered(self) -> list[int]:
        return [_answered(port) for port in sorted(self.fleet.ports())]


@contextmanager
def pods(replicas: int, plan: Plan, *, host: str | None) -> Iterator[Pods]:
    """So many pods, ready; ended with the block. host: where the balancer listens besides loopback."""
    fleet = Fleet(
        "detector",
        folder=plan.folder,
        environment={"QUORATE_MODEL": plan.model},
        quota=Quota(cores=CORES, memory_bytes=MEMORY_BYTES),
        names=names(f"pods-{replicas}"),
    )
    balancer = Balancer(plan.folder, host=host)
    try:
        fleet.scale(replicas, time.monotonic())
        with Keeper(balancer, record=plan.folder / f"record-{replicas}.csv", others=[fleet]) as keeper:
            yield Pods(keeper, fleet, plan)
    finally:
        fleet.stop()  # where no keeper came to do it


def _answered(port: int) -> int:
    """How many pictures a detector has looked at since it started."""
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", "/api/models")
        return json.loads(connection.getresponse().read())["load"]["answered"]
    finally:
        connection.close()
