"""The checker is proven: it sees every planted defect, and nothing where there is none."""

import pytest

from tests.chaos.defects import DEFECTS
from tests.chaos.drills import Case

CLEAN = {"undisturbed": Case(), "killed after an answer": Case(is_killed=True)}
CASES = CLEAN | {
    name: Case(defect=name, crash_at=defect.crash_at, is_killed=defect.is_killed) for name, defect in DEFECTS.items()
}


def test_there_are_defects_against_every_promise():
    assert len(DEFECTS) >= 12
    caught = {invariant for defect in DEFECTS.values() for invariant in defect.caught_as}
    assert caught == {f"I{number}" for number in range(1, 14)}


@pytest.mark.parametrize("name", CLEAN)
def test_a_platform_without_defects_is_clean(name, drilled):
    came = drilled(name)
    assert not came.findings.violations, str(came)
    checked = came.findings.checked
    assert {kind: checked[kind] for kind in ("completed", "disputed", "erased")} == {
        "completed": 6,
        "disputed": 1,
        "erased": 1,
    }


@pytest.mark.long
@pytest.mark.parametrize("name", DEFECTS)
def test_the_checker_sees(name, drilled):
    came = drilled(name)
    assert came.findings.invariants() & DEFECTS[name].caught_as, str(came)
