"""What a campaign and a siege have in common: a world that is started and ended, a crew at work, and what was found."""

import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from quorate.retries import RetryPolicy
from tests.chaos.audit import Audit, Findings
from tests.chaos.world import World
from tests.crew.crew import Crew
from tests.crew.people import People

IDLE_S = (0.2, 0.6)
CLOSER, AUDITOR = "closer", "auditor"
Say = Callable[[str], None]


@dataclass(kw_only=True)
class Run:
    """`tally`: the crew's operations, by kind and outcome. `failures`: what kept the harness itself from going on."""

    seed: int
    seconds: float
    tally: Counter[tuple[str, str]] = field(default_factory=Counter)
    findings: Findings = field(default_factory=Findings)
    left_out: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


@contextmanager
def started(world: World, crew: Crew, report: Run) -> Iterator[None]:
    """Start the world, and end it whatever happens: what ends the block is reported, with what was seen by then."""
    has_begun = False
    try:
        world.start()
        crew.url, crew.idle_s = world.url, IDLE_S
        report.left_out = dict(world.left_out)
        has_begun = True
        yield
    except Exception:
        if not has_begun:
            raise
        report.failures.append(f"{traceback.format_exc()}\n{world.log_tail()}")
        report.findings.violations = crew.history.violations
    finally:
        world.stop()
        report.failures += crew.failures
        report.tally = crew.history.tally()


@contextmanager
def at_work(world: World, crew: Crew, *, operators: int, uploaders: int) -> Iterator[None]:
    if links := world.first_links():
        crew.people = People(world.url, links)
        for name in (*crew.names(operators=operators, uploaders=uploaders), CLOSER, AUDITOR):
            crew.people.join(name)
    crew.begin(operators=operators, uploaders=uploaders)
    try:
        yield
    finally:
        crew.end()


def audit(world: World, crew: Crew) -> Findings:
    """Everything is read and checked, by many threads: where one of them closes a connection that another was just
    given, as httpcore may, the other reads again."""
    with crew.client(AUDITOR, RetryPolicy()) as client:
        return Audit(crew, world, client).check()
