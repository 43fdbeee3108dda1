"""Slots by confidence: in order, within bounds, and without a word about what is audited."""

import pytest

from services.subtask_manager import domain, ranking
from services.task_manager.domain import check_policies
from shared.errors import Invalid
from shared.terms import DetectorPolicy, Terms
from tests.unit.subtask_builders import T0, brief, detector, opened, prelabel


@pytest.mark.parametrize("order", ["uncertain", "confident"])
def test_slots_follow_confidence(order):
    of = brief(order=order, detector=detector("suggest"))
    sure = [None, 0.0, 0.25, 0.2500001, 0.5, 0.999999, 1.0]
    slots = [ranking.slot_by(of, prelabel(None if one is None else "cat", one), "5b" * 16) for one in sure]
    assert slots == sorted(slots, reverse=order == "confident")
    assert all(0 <= slot < 2**62 for slot in slots)


def test_what_is_audited_stays_where_it_is():
    of = brief(order="confident", detector=detector("suggest", audit_share=1.0))
    before = opened(of)
    after = domain.apply_prelabel(before, of, T0, prelabel=prelabel()).state
    assert (before.offered_at, after.slot, after.available_at) == (T0, before.slot, T0)


def test_other_orders_stay():
    of = brief(order="random", detector=detector("suggest"))
    before = opened(of)
    assert domain.apply_prelabel(before, of, T0, prelabel=prelabel()).state.slot == before.slot


@pytest.mark.parametrize("order", ["uncertain", "confident"])
def test_without_a_detector_there_is_no_such_order(order):
    with pytest.raises(Invalid) as raised:
        check_policies(Terms(labels=("a",), order=order, detector=DetectorPolicy(mode="off")))
    assert raised.value.pointer == "/order"
