"""Drills side by side: most of a drill is waiting, so a machine of two cores has room for some at once."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.audit import Findings
from tests.chaos.distributed_world import DistributedWorld
from tests.chaos.drill import Drill
from tests.chaos.embedded_world import EmbeddedWorld
from tests.chaos.world import DrillWorld

SEED = 5
SIDE_BY_SIDE = 4
LEASE_S = 30.0
"""Longer than a drill: what is told of a lease holds to its end."""
SWEEP_S = "0.3"
TRIES = 3
"""A defect shows only where messages meet as the drill means them to, which a busy machine may prevent."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is different about a drill's platform: a defect in it, and when it dies."""

    defect: str | None = None
    crash_at: str | None = None
    is_killed: bool = False
    service: str = ""
    """Of the distributed profile: the service that dies at the crash point. Empty: the embedded platform."""
    is_broker_away: bool = False


@dataclass(frozen=True, kw_only=True)
class Drilled:
    findings: Findings
    restarts: int
    log_tail: str

    def __str__(self) -> str:
        return "\n".join([*self.findings.violations, self.log_tail])


@contextmanager
def under_way(
    cases: dict[str, Case], folder: Path, servers: Path | None = None
) -> Iterator[dict[str, Future[Drilled]]]:
    """A drill for each case, by its name; `servers` are for those of the distributed profile."""
    with ThreadPoolExecutor(SIDE_BY_SIDE if servers is None else SIDE_BY_SIDE - 1) as pool:
        yield {
            name: pool.submit(_drill, case, folder / f"{at}", servers) for at, (name, case) in enumerate(cases.items())
        }


def _drill(case: Case, folder: Path, servers: Path | None) -> Drilled:
    came = _drilled(case, folder / "1", servers)
    for number in range(2, TRIES + 1 if case.defect else 0):
        if came.findings.violations:
            break
        came = _drilled(case, folder / f"{number}", servers)
    return came


def _drilled(case: Case, folder: Path, servers: Path | None) -> Drilled:
    world = _world(case, folder, servers)
    try:
        world.start(case.crash_at)
        findings = Drill(world, SEED, is_killed=case.is_killed, is_cut=case.is_broker_away).run()
        return Drilled(findings=findings, restarts=world.restarts, log_tail=world.log_tail())
    finally:
        world.stop()


def _world(case: Case, folder: Path, servers: Path | None) -> DrillWorld:
    arguments = ("--sweep-s", SWEEP_S, *(("--defect", case.defect) if case.defect else ()))
    if not case.service:
        return EmbeddedWorld(folder, arguments=arguments, has_disk=False, has_detector=False, lease_s=LEASE_S)
    assert servers is not None
    return DistributedWorld(
        servers,
        folder,
        replicas=1,
        has_detector=False,
        keeps_servers=True,
        dies=case.service,
        arguments=arguments,
        lease_s=LEASE_S,
    )
