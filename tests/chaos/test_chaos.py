"""A minute of faults on both profiles, whose people have accounts; `make chaos` goes on for an hour."""

import os
import random

import pytest

from deploy.local.errors import ServerNotInstalled
from tests.chaos import campaign
from tests.chaos.campaign import Plan
from tests.chaos.distributed_world import DistributedWorld
from tests.chaos.embedded_world import EmbeddedWorld
from tests.chaos.report import Report
from tests.chaos.servers import gateway_program
from tests.e2e.conftest import tell

EMBEDDED_S = float(os.environ.get("QUORATE_CHAOS_EMBEDDED_S", "25"))
DISTRIBUTED_S = float(os.environ.get("QUORATE_CHAOS_DISTRIBUTED_S", "35"))
SEED = int(os.environ.get("QUORATE_SEED") or random.SystemRandom().randrange(10**9))
DEADLINE_S = 900
"""A bound for what comes before and after the faults, never a measure."""
HEALED_S = 240.0
"""Other tests have the machine, too: `make chaos` alone asks for less."""


@pytest.mark.timeout(EMBEDDED_S + DEADLINE_S)
def test_nothing_is_lost_on_the_embedded_platform(tmp_path):
    report = campaign.run(
        EmbeddedWorld(tmp_path, auth="on"),
        Plan(seconds=EMBEDDED_S, seed=SEED, fault_every_s=3.0, healed_s=HEALED_S),
        tell,
    )
    _check(report)


@pytest.mark.long
@pytest.mark.timeout(DISTRIBUTED_S + DEADLINE_S)
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_nothing_is_lost_on_the_distributed_platform(tmp_path, own_servers):
    world = DistributedWorld(own_servers, tmp_path, keeps_servers=True, has_accounts=True)
    plan = Plan(seconds=DISTRIBUTED_S, seed=SEED, fault_every_s=4.0, backlog=40, healed_s=HEALED_S)
    _check(campaign.run(world, plan, tell))


def _check(report: Report) -> None:
    tell(report.table())
    assert report.is_clean, report.table()
    assert len(report.faults) >= 3
    assert report.acknowledged() > 100, "too little happened to show anything"


def test_the_gateway_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setattr("deploy.local.process.PROGRAM_FOLDERS", ("/nowhere",))
    with pytest.raises(ServerNotInstalled, match="nginx"):
        gateway_program()
