"""Drills on the distributed platform: it dies within its own write paths, and the checker sees its own defects."""

import pytest

from tests.chaos.defects_distributed import DEFECTS
from tests.chaos.drills import Case

DISTRIBUTED = (
    ("subtask_manager", "mongo.before_save", 3),
    ("subtask_manager", "mongo.after_save", 3),
    ("task_manager", "mongo.after_insert", 4),
)
CRASHES = {
    f"{service} at {point}:{at}": Case(service=service, crash_at=f"{point}:{at}") for service, point, at in DISTRIBUTED
}
BROKER_AWAY = "the broker is away"
CASES = (
    CRASHES
    | {BROKER_AWAY: Case(service="task_manager", is_broker_away=True)}
    | {
        name: Case(service=defect.service, defect=name, crash_at=defect.crash_at, is_broker_away=defect.is_broker_away)
        for name, defect in DEFECTS.items()
    }
)
pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.mark.long
@pytest.mark.parametrize("name", CRASHES)
def test_nothing_is_lost_where_it_dies(name, drilled):
    came = drilled(name)
    assert came.restarts == 1, f"{name} was never reached\n{came}"
    assert not came.findings.violations, str(came)


@pytest.mark.long
@pytest.mark.parametrize("name", [BROKER_AWAY])
def test_nothing_is_lost_where(name, drilled):
    came = drilled(name)
    assert not came.findings.violations, str(came)


@pytest.mark.long
@pytest.mark.parametrize("name", DEFECTS)
def test_the_checker_sees(name, drilled):
    came = drilled(name)
    assert came.findings.invariants() & DEFECTS[name].caught_as, str(came)
