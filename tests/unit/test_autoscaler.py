"""The HPA's algorithm against the examples of the Kubernetes documentation, and what must hold whatever happens."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.experiments.hpa import (
    AverageValue,
    Direction,
    Hpa,
    Pod,
    Policy,
    Utilization,
    begun,
    decide,
    for_average_value,
    for_utilization,
    recommend,
)

TARGET = Utilization(share=0.5)
UP = Direction(
    window_s=0,
    policies=[Policy(kind="Pods", value=4, period_s=15), Policy(kind="Percent", value=100, period_s=15)],
)
DOWN = Direction(window_s=300, policies=[Policy(kind="Percent", value=100, period_s=15)])
HPA = Hpa(service="task-manager", least=1, most=100, targets=[TARGET], up=UP, down=DOWN)


def pods(*used, unready=0, missing=0):
    ready = [Pod(used=one) for one in used]
    return ready + [Pod(used=None)] * missing + [Pod(used=0.9, is_ready=False)] * unready


def follow(hpa, start, wishes, step_s=15):
    """Replicas after each step, where the metrics ask for these numbers one after another."""
    current, history, found = start, begun(start, -1e6), []
    for number, wish in enumerate(wishes):
        current, history = decide(hpa, history, current=current, recommended=wish, now=number * step_s)
        found.append(current)
    return found


# The ratio to the target


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        ((1.0, 1.0), 4),  # twice the target doubles them
        ((0.25, 0.25), 1),  # half of it halves them
        ((0.6, 0.6, 0.6), 4),  # 3.6, rounded up
        ((0.55,) * 10, 10),  # the tolerance: 10 % above ...
        ((0.45,) * 10, 10),  # ... and below
        ((0.56,) * 10, 12),
        ((0.44,) * 10, 9),
        ((0.0, 0.0), 0),
    ],
)
def test_replicas_follow_the_ratio_to_the_target(used, expected):
    assert for_utilization(TARGET, pods(*used), HPA) == expected


def test_a_sum_in_binary_fractions_is_not_rounded_up():
    assert for_utilization(Utilization(share=0.1), pods(*[0.1 + 0.2] * 1), HPA) == 3


def test_no_figures_no_proposal():
    assert for_utilization(TARGET, [], HPA) is None
    assert for_utilization(TARGET, pods(unready=2, missing=1), HPA) is None


def test_pods_that_are_not_ready_count_as_idle_when_scaling_up():
    assert for_utilization(TARGET, pods(1.0, 1.0, unready=2), HPA) == 4  # as much as there will be
    assert for_utilization(TARGET, pods(1.0, 1.0, unready=1), HPA) == 4
    assert for_utilization(TARGET, pods(0.7, unready=1), HPA) == 2  # turned round: nothing changes


def test_pods_that_are_not_ready_do_not_count_when_scaling_down():
    assert for_utilization(TARGET, pods(0.25, 0.25, unready=2), HPA) == 1


def test_missing_figures_dampen_both_ways():
    assert for_utilization(TARGET, pods(1.0, 1.0, missing=1), HPA) == 4
    assert for_utilization(TARGET, pods(0.1, 0.1, 0.1, missing=1), HPA) == 3  # as if one used all it requested
    assert for_utilization(TARGET, pods(0.3, missing=1), HPA) == 2


def test_a_pod_that_starts_and_has_no_figure_yet_counts_as_missing():
    assert for_utilization(TARGET, [Pod(used=0.3), Pod(used=None, is_ready=False)], HPA) == 2
    assert for_utilization(TARGET, [Pod(used=1.0), Pod(used=None, is_ready=False)], HPA) == 2


def test_utilization_is_in_whole_per_cent():
    assert for_utilization(Utilization(share=0.7), pods(0.775), HPA) == 1  # 77 of 70 is within the tolerance
    assert for_utilization(Utilization(share=0.7), pods(0.78), HPA) == 2


def test_an_external_metric_is_shared_out():
    queue = AverageValue(metric="messages", value=30)
    assert for_average_value(queue, 0, 3, HPA) == 0
    assert for_average_value(queue, 300, 3, HPA) == 10
    assert for_average_value(queue, 98, 3, HPA) == 3  # within the tolerance
    assert for_average_value(queue, 31, 0, HPA) == 2


def test_the_greatest_of_several_metrics_wins():
    assert recommend([3, 5, 2], 4) == 5
    assert recommend([1, 2], 4) == 2


def test_an_unknown_metric_forbids_scaling_down_only():
    assert recommend([None, 2], 4) == 4
    assert recommend([None, 6], 4) == 6
    assert recommend([None], 4) == 4
    assert recommend([], 4) == 4


# Behaviour


def test_up_by_default_the_greater_of_four_pods_and_double():
    assert follow(HPA, 1, [100] * 6) == [5, 10, 20, 40, 80, 100]


def test_down_by_default_after_five_minutes():
    assert follow(HPA, 10, [10] + [2] * 21) == [10] * 20 + [2, 2]


def test_a_dip_within_the_window_changes_nothing():
    assert set(follow(HPA, 10, [10, 2, 2, 9] * 10)) == {10}


def test_down_by_policies_as_the_documentation_counts():
    policies = [Policy(kind="Pods", value=4, period_s=60), Policy(kind="Percent", value=10, period_s=60)]
    hpa = replace(HPA, down=Direction(window_s=0, policies=policies))
    found = follow(hpa, 80, [10] * 14, step_s=60)
    assert found[:3] == [72, 64, 57]  # 10 % of 72 is 7.2, rounded up to 8
    small = [one for one in found if one <= 40]
    assert all(before - after == 4 for before, after in pairwise(small) if after > 10)


def test_a_policy_holds_over_its_whole_period():
    hpa = replace(HPA, up=Direction(window_s=0, policies=[Policy(kind="Pods", value=2, period_s=60)]))
    assert follow(hpa, 1, [9] * 9) == [3, 3, 3, 3, 5, 5, 5, 5, 7]


def test_the_slowest_policy_or_none():
    slow = replace(HPA, up=replace(UP, select="Min"))
    assert follow(slow, 1, [100, 100]) == [2, 4]
    assert follow(replace(HPA, up=replace(UP, select="Disabled")), 3, [9, 9]) == [3, 3]
    assert follow(replace(HPA, down=replace(DOWN, select="Disabled")), 3, [1] * 30) == [3] * 30


def test_an_up_window_waits_for_the_least_that_was_asked_for():
    hpa = replace(HPA, up=replace(UP, window_s=60))
    assert follow(hpa, 2, [2, 9, 8, 7, 9, 9]) == [2, 2, 2, 2, 6, 7]


def test_replicas_outside_the_bounds_are_brought_in_at_once():
    hpa = replace(HPA, least=2, most=4)
    assert follow(hpa, 9, [9]) == [4]
    assert follow(hpa, 1, [1]) == [2]


# Properties

policy = st.builds(
    Policy, kind=st.sampled_from(["Pods", "Percent"]), value=st.integers(1, 200), period_s=st.integers(1, 120)
)
direction = st.builds(
    Direction,
    window_s=st.integers(0, 300),
    policies=st.lists(policy, min_size=1, max_size=3),
    select=st.sampled_from(["Max", "Min", "Disabled"]),
)
hpas = st.builds(
    lambda least, more, up, down: Hpa(service="s", least=least, most=least + more, targets=[TARGET], up=up, down=down),
    st.integers(1, 10),
    st.integers(0, 50),
    direction,
    direction,
)
wishes = st.lists(st.integers(0, 80), min_size=1, max_size=40)


@given(hpa=hpas, start=st.integers(0, 70), asked=wishes, step_s=st.integers(1, 60))
def test_never_outside_the_bounds(hpa, start, asked, step_s):
    assert all(hpa.least <= one <= hpa.most for one in follow(hpa, start, asked, step_s))


@given(hpa=hpas, asked=wishes, step_s=st.integers(1, 60))
def test_never_beyond_what_is_asked_for(hpa, asked, step_s):
    before = hpa.least
    highest = hpa.least
    for wish, after in zip(asked, follow(hpa, hpa.least, asked, step_s), strict=True):
        highest = max(highest, min(wish, hpa.most))
        assert after <= highest
        assert after >= min(before, max(wish, hpa.least))
        before = after


@given(hpa=hpas, asked=wishes, step_s=st.integers(1, 60))
def test_never_faster_up_than_the_fastest_policy(hpa, asked, step_s):
    found = [hpa.least, *follow(hpa, hpa.least, asked, step_s)]
    for last in rises(found):
        assert hpa.up.select != "Disabled"
        allowed = [farthest(one, found[began(last, one, step_s)], is_up=True) for one in hpa.up.policies]
        assert found[last] <= (max if hpa.up.select == "Max" else min)(allowed)


@given(hpa=hpas, asked=wishes, step_s=st.integers(1, 60))
def test_never_faster_down_than_the_fastest_policy(hpa, asked, step_s):
    found = [hpa.most, *follow(hpa, hpa.most, asked, step_s)]
    for last in rises([-one for one in found]):
        assert hpa.down.select != "Disabled"
        allowed = [farthest(one, found[began(last, one, step_s)], is_up=False) for one in hpa.down.policies]
        assert found[last] >= (min if hpa.down.select == "Max" else max)(allowed)


def rises(found):
    """The steps at which there were more than before."""
    return [number for number in range(1, len(found)) if found[number] > found[number - 1]]


def began(last, policy, step_s):
    """The step that was in force when the policy's period before this step began."""
    return max(0, last - 1 - (policy.period_s - 1) // step_s)


def farthest(policy, base, *, is_up):
    """How far one policy lets replicas go from what they were at the beginning of its period."""
    share = policy.value if policy.kind == "Pods" else -(-base * policy.value // 100)
    return base + share if is_up else base - share
