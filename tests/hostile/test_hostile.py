"""Some seconds of hostile inputs while 32 operators work; `make hostile` goes on for as long as it is told."""

import os
import random
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.conftest import tell
from tests.hostile import siege
from tests.hostile.attackers import NOUNS, draw
from tests.hostile.report import Report
from tests.hostile.shots import Prey
from tests.hostile.siege import Plan
from tests.hostile.watch import Probe
from tests.hostile.world import HostileWorld, pod_memory_bytes

SECONDS = float(os.environ.get("QUORATE_HOSTILE_S", "12"))
SEED = int(os.environ.get("QUORATE_SEED") or random.SystemRandom().randrange(10**9))
DEADLINE_S = 300
"""A bound for what comes before and after, never a measure."""
HASTE = {"header_s": 3, "body_s": 4}
"""The platform's time-outs, so that those who stall do not hold up the test."""
SHORT_S = 60.0
SHORT = {"warm_s": 5.0, "growth_mib": 60.0, "stall_s": 3.0, "healed_s": 240.0}
"""Of a siege that leaves no time to warm up, so that caches fill meanwhile, and beside which other tests run, whose
processes hold up the threads that the loop waits for. Bodies that stay are hundreds of megabytes, and what holds up the
loop for good does so for longer."""
PROBE = Probe(at=0.0, took_s=2.0, status=200, idle_s=0.5, unscheduled_s=0.2, resident_mib=100.0)
PREY = Prey("a" * 32, "b" * 32)


@pytest.mark.long
@pytest.mark.timeout(SECONDS + DEADLINE_S)
def test_nothing_gives_way_to_hostile_inputs(tmp_path: Path):
    plan = Plan(seconds=SECONDS, seed=SEED, **(SHORT if SECONDS < SHORT_S else {}))
    report = siege.run(HostileWorld(tmp_path, **HASTE), plan, tell)
    tell(report.words())
    broken = report.broken()
    assert not broken, "\n".join(broken)
    assert report.shots > 50
    assert report.tally["vote", "ok"] > 100, "too little happened to show anything"


@pytest.mark.parametrize("noun", NOUNS)
def test_a_seed_draws_the_same_inputs_again(noun, monkeypatch):
    """Whenever it does: archives hold the time in which they are written, if they are not told another."""
    first = [draw(noun, number, 7, PREY) for number in range(20)]
    monkeypatch.setattr(time, "time", lambda: 1_000_000_000.0)
    assert first == [draw(noun, number, 7, PREY) for number in range(20)]
    assert len({shot.kind for shot in first}) > 2


def test_the_limit_is_that_of_the_pod():
    assert pod_memory_bytes() == 2**30


def test_a_stall_is_what_the_machine_does_not_explain():
    assert PROBE.stall_s == 1.5
    assert replace(PROBE, unscheduled_s=3.0).stall_s == 0


def test_every_broken_promise_is_told():
    report = Report(seed=1, seconds=1, before_mib=100, after_mib=131, leftovers=["spool/x"])
    report.probes = [replace(PROBE, status=503)]
    report.surprises, report.tally["vote", "info"] = ["forms 1: 500"], 1
    told = [one.partition(":")[0] for one in report.broken()]
    assert told == ["answer", "honest", "left over", "stall", "stall", "memory"]
