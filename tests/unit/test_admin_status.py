"""What the reports of all replicas add up to."""

import json

from shared.admin.replicas import FORGOTTEN_S, SILENT_S, Replicas
from shared.admin.reports import QueueStatus, Report
from shared.admin.services import listed
from shared.admin.status import summed
from shared.clock import iso

T0 = 1_000_000.0


class Clock:
    now = T0

    def __call__(self) -> float:
        return self.now


def report(name: str, service: str, **told: object) -> Report:
    fields = {
        "version": "1",
        "requests_per_minute": 10,
        "errors_per_minute": 1,
        "busy": 0.5,
        "queues": (),
        "dead_letters": 0,
        "outbox": 0,
        "outbox_lag_s": 0.0,
    }
    return Report(name=name, services=(service,), **{**fields, **told})


def queue(name: str, messages: int, age_s: float, handled: int) -> QueueStatus:
    return QueueStatus(queue=name, messages=messages, age_s=age_s, handled_per_minute=handled)


def status(own: Report, *others: Report):
    replicas = Replicas(Clock())
    for other in others:
        replicas.heard(other.model_dump_json().encode())
    return summed(replicas.with_own(own))


def test_every_service_and_replica_is_told_of():
    told = status(
        report("t1", "tasks", queues=(queue("t", 1, 0.5, 3),), outbox=4, outbox_lag_s=2.0),
        report("t2", "tasks", queues=(queue("t", 2, 0.1, 4),), outbox=4, outbox_lag_s=2.0),
        report("s1", "subtasks", queues=(queue("s", 7, 9.0, 1),), outbox=1, outbox_lag_s=5.0, dead_letters=3),
    )
    assert [(one.queue, one.messages, one.age_s, one.handled_per_minute) for one in told.queues] == [
        ("s", 7, 9.0, 1),
        ("t", 2, 0.5, 7),
    ]
    assert (told.outbox, told.outbox_lag_s) == (5, 5.0)  # replicas of one service share its outbox
    assert told.requests_per_minute == 30
    assert [(one.name, one.services, one.errors_per_minute, one.busy) for one in told.replicas] == [
        ("s1", ["subtasks"], 1, 0.5),
        ("t1", ["tasks"], 1, 0.5),
        ("t2", ["tasks"], 1, 0.5),
    ]


def test_what_one_cannot_tell_another_does():
    told = status(report("a", "x", queues=None, dead_letters=None), report("b", "y", queues=(), dead_letters=2))
    assert (told.queues, told.dead_letters) == ([], 2)


def test_what_nobody_can_tell_is_null():
    told = status(report("a", "x", queues=None, dead_letters=None, outbox=None, outbox_lag_s=None), report("b", "y"))
    assert (told.outbox, told.outbox_lag_s) == (None, None)
    told = status(report("a", "x", queues=None, dead_letters=None), report("b", "y", queues=None, dead_letters=None))
    assert (told.queues, told.dead_letters) == (None, None)


def test_a_silent_replica_is_shown_but_not_counted_and_then_forgotten():
    clock = Clock()
    replicas = Replicas(clock)
    replicas.heard(report("gone", "x").model_dump_json().encode())
    own = report("own", "x")
    for silent_s, names, requests in (
        (SILENT_S - 0.1, ["gone", "own"], 20),
        (SILENT_S, ["gone", "own"], 10),
        (FORGOTTEN_S - 0.1, ["gone", "own"], 10),
        (FORGOTTEN_S, ["own"], 10),
    ):
        clock.now = T0 + silent_s
        told = summed(replicas.with_own(own))
        assert ([one.name for one in told.replicas], told.requests_per_minute) == (names, requests)


def test_the_last_report_counts_and_what_is_none_is_passed_over():
    replicas = Replicas(Clock())
    for body in (b"", b"{}", b"\xff", report("a", "x").model_dump_json().encode()):
        replicas.heard(body)
    replicas.heard(report("a", "x", requests_per_minute=99).model_dump_json().encode())
    replicas.heard(json.dumps(report("b", "x").model_dump() | {"a_field_of_later": 1}).encode())
    own = report("own", "x")
    assert [one.report.requests_per_minute for one in replicas.with_own(own)] == [99, 10, 10]


def test_replicas_are_listed_by_service_each_as_it_reported_itself():
    clock = Clock()
    replicas = Replicas(clock)
    model = {"started_at": T0 - 5, "p95_ms": 12.5, "model": "detector:m@1"}
    for one in (report("d2", "detector"), report("d1", "detector", **model)):
        replicas.heard(one.model_dump_json().encode())
    older = json.loads(report("d0", "detector").model_dump_json())
    replicas.heard(json.dumps({name: older[name] for name in older if name not in model}).encode())
    told = listed(replicas.with_own(report("a", "archive", queues=(queue("q", 1, 0.5, 3),))), T0)
    assert [(one["service"], one["replica"]) for one in told["services"]] == [
        ("archive", "a"),
        ("detector", "d0"),
        ("detector", "d1"),
        ("detector", "d2"),
    ]
    own, oldest, first, _ = told["services"]
    assert (own["queues"][0]["queue"], own["profile"], own["model"]) == ("q", "distributed", None)
    assert (first["started_at"], first["p95_ms"], first["model"]) == (iso(T0 - 5), 12.5, "detector:m@1")
    assert (oldest["started_at"], oldest["p95_ms"]) == (None, None), "of a version that does not tell"
