"""What is measured of what waits, also while nobody can see it."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from shared.telemetry.metrics import Metrics
from shared.telemetry.seen import Seen

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
    metrics.dead(1)
    assert {"quorate_outbox_pending": 2, "quorate_dead_letters": 1}.items() <= shown(metrics.registry).items()
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
    metrics.delivery(QUEUE, outcome="ok", took_s=0.1, age_s=70)
    assert metrics.age_s(QUEUE) == 70
    now.at += 71
    assert metrics.age_s(QUEUE) == 71
    metrics.depths({QUEUE: 0})
    assert metrics.age_s(QUEUE) == 0
    now.at += 100
    metrics.depths({QUEUE: 1})
    assert metrics.age_s(QUEUE) == 0


def test_servers_that_answer_are_told_from_those_that_do_not():
    metrics = Metrics()
    metrics.dependencies({"MongoDB": False, "S3": True})
    told = shown(metrics.registry)
    assert told['quorate_dependency_up{dependency="MongoDB"}'] == 0
    assert told['quorate_dependency_up{dependency="S3"}'] == 1
