"""Hostile inputs while 32 operators work: then everything is finished, read, checked and weighed."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from loadtest.command import ROOT
from quorate.retries import RetryPolicy
from tests.chaos.campaign import finish
from tests.chaos.run import Say, at_work, audit, started
from tests.crew.crew import Crew
from tests.hostile import watch
from tests.hostile.attackers import Attackers
from tests.hostile.report import Report
from tests.hostile.world import HostileWorld, pod_memory_bytes

PATIENT = RetryPolicy(attempts=60)
"""The honest come back when they are told to: each of their operations is to be acknowledged in the end."""
SETTLE_S = 60.0
LEFT_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Pauses: of each operator or attacker, on average.

    warm_s: the honest alone, before the first look at memory: until SQLite's caches have filled.
    growth_mib: how much more memory there may be in the end.
    stall_s: how long /healthz may take beyond what the machine explains.
    healed_s: as in a campaign.
    """

    seconds: float
    seed: int
    warm_s: float = 60.0
    growth_mib: float = 30.0
    stall_s: float = 1.0
    healed_s: float = 60.0
    operators: int = 32
    uploaders: int = 2
    operator_pause_s: float = 2.0
    attacker_pause_s: float = 0.3
    order_s: float = 10.0
    backlog: int = 60


def run(world: HostileWorld, plan: Plan, say: Say) -> Report:
    report = Report(
        seed=plan.seed, seconds=plan.seconds, allowed_growth_mib=plan.growth_mib, allowed_stall_s=plan.stall_s
    )
    crew = Crew("", plan.seed, order_s=plan.order_s, retry=PATIENT)
    crew.backlog, crew.pause_s = plan.backlog, plan.operator_pause_s
    with started(world, crew, report):
        report.limit_mib = None if world.group is None else pod_memory_bytes() / 2**20
        with at_work(world, crew, operators=plan.operators, uploaders=plan.uploaders):
            _besiege(world, plan, crew, report, say)
        report.findings = audit(world, crew)
        say("everything was read and checked")
        _weigh(world, report)
    return report


def _besiege(world: HostileWorld, plan: Plan, crew: Crew, report: Report, say: Say) -> None:
    time.sleep(plan.warm_s)
    report.before_mib = world.platform.resident_mib()
    say(f"{report.before_mib:.0f} MiB with the honest alone")
    attackers = Attackers(crew, world.platform.port, plan.seed, pause_s=plan.attacker_pause_s)
    with _watched(world, report):
        attackers.begin()
        try:
            time.sleep(plan.seconds)
        finally:
            attackers.end()
    report.shots, report.answers, report.surprises = attackers.shots, attackers.tally, attackers.surprises
    say(f"{attackers.shots} hostile inputs, {world.platform.resident_mib():.0f} MiB after the last")
    finish(world, crew, plan.healed_s, say)


@contextmanager
def _watched(world: HostileWorld, report: Report) -> Iterator[None]:
    file = world.platform.folder / "healthz.jsonl"
    command = [sys.executable, "-P", "-m", "tests.hostile.watch", str(world.platform.port), str(world.platform.pid)]
    with subprocess.Popen([*command, str(file)], cwd=ROOT, stdin=subprocess.PIPE, env={"PYTHONPATH": str(ROOT)}) as run:
        try:
            yield
        finally:
            run.communicate(timeout=2 * watch.PATIENCE_S)
    report.probes = watch.read(file)


def _weigh(world: HostileWorld, report: Report) -> None:
    report.leftovers = world.leftovers(LEFT_S)
    report.after_mib = world.settled_mib(report.before_mib + report.allowed_growth_mib, SETTLE_S)
    report.peak_mib = world.peak_mib()
    report.errors = world.errors()
