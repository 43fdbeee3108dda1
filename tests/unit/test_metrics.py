"""What is measured of what waits, also while nobody can see it."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from shared.telemetry.metrics import Metrics
from shared.telemetry.seen import Rarely, Seen

QUEUE = "task_manager.subtask.completed.v1"


class Now:
    at = 100.0

    def __call__(self) -> float:
        return self.at


def shown(registry: CollectorRegistry) -> dict[str, float]:
    lines = [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_a_failed_look_leaves_no_sample():
    registry = CollectorRegistry()
    alone, labelled = Seen("alone", "One.", registry), Seen("by_label", "Many.", registry, label="at")
    assert shown(registry) == {}
    alone.set(2)
    labelled.set_all({"x": 1, "y": 0})
    assert shown(registry) == {"alone": 2, 'by_label{at="x"}': 1, 'by_label{at="y"}': 0}
    with pytest.raises(TimeoutError), alone.or_none():
        raise TimeoutError
    labelled.forget()
    assert shown(registry) == {}


def test_gauges_of_what_nobody_can_see_have_no_samples():
    metrics = Metrics()
    metrics.depths({QUEUE: 3})
    metrics.outbox(2, 1.5)
    metrics.dead({QUEUE: 1})
    dead = f'quorate_dead_letters{{queue="{QUEUE}"}}'
    assert {"quorate_outbox_pending": 2, dead: 1}.items() <= shown(metrics.registry).items()
    metrics.depths(None)
    metrics.outbox(None, None)
    metrics.dead(None)
    left = [
        name for name in shown(metrics.registry) if name.startswith(("quorate_queue", "quorate_outbox", "quorate_d"))
    ]
    assert left == []


def test_what_waits_grows_old_though_nobody_takes_it():
    now = Now()
    metrics = Metrics(now)
    metrics.depths({QUEUE: 0})
    assert metrics.age_s(QUEUE) == 0
    metrics.depths({QUEUE: 4})
    now.at += 50
    assert metrics.age_s(QUEUE) == 50
    metrics.delivery(QUEUE, outcome="ok", took_s=0.1, age_s=7_000)  # an old one, but it waits no longer
    assert metrics.age_s(QUEUE) == 50
    metrics.depths({QUEUE: 3}, {QUEUE: 5.0})
    assert metrics.age_s(QUEUE) == 5
    now.at += 71
    assert metrics.age_s(QUEUE) == 76
    metrics.depths({QUEUE: 3}, {QUEUE: 400.0})  # one is tried again and again, while others are handled
    metrics.delivery(QUEUE, outcome="ok", took_s=0.1, age_s=0.1)
    assert metrics.age_s(QUEUE) == 400
    metrics.depths({QUEUE: 0})
    assert metrics.age_s(QUEUE) == 0
    now.at += 100
    metrics.depths({QUEUE: 1})
    assert metrics.age_s(QUEUE) == 0


async def test_a_look_that_costs_something_is_made_rarely_and_again_at_once_where_it_failed():
    now, looks, fails = Now(), [], [True]

    async def look() -> None:
        looks.append(now.at)
        if fails and fails.pop():
            raise TimeoutError

    rarely = Rarely(look, 30.0, now)
    with pytest.raises(TimeoutError):
        await rarely()
    for _ in range(4):
        await rarely()
        now.at += 10
    assert looks == [100.0, 100.0, 130.0]


def test_one_service_does_not_hide_what_another_has_to_erase():
    metrics = Metrics()
    metrics.erasing("task_manager", 2)
    metrics.erasing("subtask_manager", 0)
    metrics.erasing("task_manager", None)
    told = shown(metrics.registry)
    assert [name for name in told if "erasures" in name] == ['quorate_erasures_pending{at="subtask_manager"}']


def test_calls_of_servers_are_timed_and_those_that_fail_counted():
    metrics = Metrics()
    observed = metrics.calls.of("S3")
    observed("GET", 0.02, is_failed=False)
    observed("GET", 3.0, is_failed=True)
    told = shown(metrics.registry)
    labels = 'dependency="S3",operation="GET"'
    assert told[f"quorate_dependency_seconds_count{{{labels}}}"] == 2
    assert told['quorate_dependency_seconds_bucket{dependency="S3",le="0.025",operation="GET"}'] == 1
    assert told[f"quorate_dependency_errors_total{{{labels}}}"] == 1


def test_servers_that_answer_are_told_from_those_that_do_not():
    metrics = Metrics()
    metrics.dependencies({"MongoDB": False, "S3": True})
    told = shown(metrics.registry)
    assert told['quorate_dependency_up{dependency="MongoDB"}'] == 0
    assert told['quorate_dependency_up{dependency="S3"}'] == 1
