"""The process dies at each named point of the write paths, and nothing that was acknowledged is lost."""

import pytest

from shared.crash_points import POINTS
from tests.chaos.drills import Case
from tests.chaos.test_distributed_drills import DISTRIBUTED
from tests.e2e.test_import_kill import POINTS as OF_IMPORTS

TIMES = {
    "filesystem.before_rename": (4,),
    "filesystem.after_rename": (4,),
    "ingest.before_objects": (1,),
    "ingest.after_objects": (1,),
    "ingest.after_images": (1,),
    "sqlite.before_commit": (1, 40),
    "sqlite.after_commit": (1, 40),
    "relay.before_publish": (1, 4),
    "relay.after_publish": (1, 4),
    "relay.after_clear": (4,),
    "consumer.before_handler": (9,),
    "consumer.after_handler": (9,),
}
"""At which passages it dies; within the work of a drill."""
CASES = {f"{point}:{at}": Case(crash_at=f"{point}:{at}") for point, passages in TIMES.items() for at in passages}


def test_every_point_is_tried():
    assert set(TIMES) | {point for _, point, _ in DISTRIBUTED} | set(OF_IMPORTS) == set(POINTS)


@pytest.mark.long
@pytest.mark.parametrize("name", CASES)
def test_nothing_is_lost_by_dying_at(name, drilled):
    came = drilled(name)
    assert came.restarts == 1, f"{name} was never reached\n{came}"
    assert not came.findings.violations, str(came)
