"""What the pyramid's experiment makes of what it saw."""

import io
from dataclasses import replace

import pytest

from loadtest.broker import Management
from loadtest.experiments.pyramid import audit as audits
from loadtest.experiments.pyramid import replicas
from loadtest.experiments.pyramid.audit import Audit
from loadtest.experiments.pyramid.lease_monitor import Orphan, _vanished
from loadtest.experiments.pyramid.queues import Queues
from loadtest.experiments.pyramid.replicas import Movement
from loadtest.experiments.pyramid.report import Findings, goals, report
from loadtest.experiments.supervisor import Observation
from loadtest.people.options import Options
from loadtest.people.statistics import Act, Sample, Statistics

BEGUN_AT = 1_800_000_000.0


def observed(counts):
    """One service: so many replicas every 10 s from 10 s before the load."""
    figures = {"service": "task_manager", "cpu": 0.5, "queue": 3}
    return [
        Observation(at_s=10.0 * number - 10, replicas=count, ready=count, desired=count, **figures)
        for number, count in enumerate(counts)
    ]


def statistics(median_high_ms=50.0, error=""):
    """600 s of iterations of both kinds, one each second; in the highest steps they take as long as told."""
    samples = {
        ("iteration", kind): [
            Sample(second, median_high_ms if 240 <= second < 360 else 50.0, "") for second in range(600)
        ]
        for kind in ("client", "operator")
    }
    samples["call", "POST /api/tasks"] = [Sample(1.0, 5.0, error)]
    return Statistics(samples=samples, presences=[], acts=[])


def findings(*, audit=None, deaths=0, **told):
    rows = observed([1, 1, 4, 4] + [3] * 70)
    seen = statistics(**told)
    return Findings(statistics=seen, options=Options(), observed=rows, where=["here"], audit=audit, deaths=deaths)


def test_how_replicas_moved():
    rows = observed([1, 1, 3, 4, 4, 4, 2, 1])  # from -10 s to 60 s
    assert replicas.movement(rows, "task_manager", ended_s=35.0) == Movement(
        service="task_manager", least=1, most=4, most_at_s=20.0, fell_s=15.0, last=1
    )
    assert replicas.mean_replicas(rows, "task_manager", 0, 30) == pytest.approx(8 / 3)
    assert replicas.mean_replicas(rows, "nobody", 0, 30) is None


def test_replicas_that_stay_have_not_fallen():
    assert replicas.movement(observed([2, 2, 2, 2]), "task_manager", 10).fell_s is None


def test_all_goals_met():
    assert all(is_met for _, _, is_met in goals(findings()))


@pytest.mark.parametrize(
    ("told", "goal"),
    [
        ({"median_high_ms": 61.0}, "median"),
        ({"median_high_ms": 100.0}, "p95"),
        ({"error": "Refused: 503"}, "no failed request"),
    ],
)
def test_a_goal_that_is_missed_is_named(told, goal):
    missed = [text for text, _, is_met in goals(findings(**told)) if not is_met]
    assert any(goal in text for text in missed)


def test_something_lost_is_a_goal_missed():
    nothing = {"images": 1, "finished": 1, "held": [], "votes": 1, "lost_votes": [], "orphans": 3, "slowest_s": 1.0}
    clean = Audit(**nothing, lost_images=[], late=[])
    assert all(is_met for _, _, is_met in goals(findings(audit=clean, deaths=1)))
    assert not all(is_met for _, _, is_met in goals(findings(audit=clean))), "no replica died"
    nobody = replace(clean, orphans=0)
    assert not all(is_met for _, _, is_met in goals(findings(audit=nobody, deaths=1))), "nobody vanished"
    for lost in ({"lost_images": ["a"], "late": []}, {"lost_images": [], "late": ["a"]}):
        assert not all(is_met for _, _, is_met in goals(findings(audit=Audit(**nothing, **lost), deaths=1)))


def test_the_report_has_a_row_for_every_step_and_no_table_of_another_width():
    found = report(findings())
    tables = [part for part in found.parts if hasattr(part, "rows")]
    steps = next(table for table in tables if table.title == "Iterations by load step")
    assert len(steps.rows) == 10
    assert all(len(row) == len(table.columns) for table in tables for row in table.rows)


# Leases of those who vanished

LATE = {"act": "leased", "task_id": "t", "subtask_id": "s", "detail": ""}


@pytest.mark.parametrize(
    ("offered_s", "leased", "expected"),
    [
        (32.0, [], 2.0),  # to the monitor
        (None, [("bob", 33.0)], 3.0),  # to somebody else
        (34.0, [("bob", 33.0)], 3.0),
        (None, [("bob", 29.0)], None),  # before: that says nothing
        (None, [("ann", 33.0)], None),  # the one who had it
        (None, [("bob", 35.1)], None),  # too late
        (None, [], None),
    ],
)
def test_when_a_subtask_was_served_again(offered_s, leased, expected):
    orphan = Orphan(task_id="t", subtask_id="s", who="ann", expires_at=BEGUN_AT + 30)
    orphan.offered_at = None if offered_s is None else BEGUN_AT + offered_s
    acts = [Act(who=who, at_s=at_s, **LATE) for who, at_s in leased]
    found = orphan.late_s(acts, BEGUN_AT)
    assert found == (None if expected is None else pytest.approx(expected))


def test_lines_are_read_once_they_are_whole():
    file = io.StringIO()
    file.write("1.0,vanished,ann,t,s,2027-01-15T08:00:30+00:00\n2.0,leased,bob,t,s,x\n3.0,vani")
    file.seek(0)
    assert [(one.who, one.expires_at) for one in _vanished(file)] == [("ann", 1800000030.0)]
    at = file.tell()
    file.seek(0, io.SEEK_END)
    file.write("shed,eve,t,u,2027-01-15T08:00:31+00:00\n")
    file.seek(at)
    assert [one.subtask_id for one in _vanished(file)] == ["u"]


# What was acknowledged, and is there


def subtask(name, state="open", *, held=0, **labels):
    votes = [{"voter": voter, "label": label, "at": "x"} for voter, label in labels.items()]
    return {"id": name, "task_id": "t", "state": state, "votes": votes, "live_leases": held, "result": None}


def audited(monkeypatch, there, orphans=()):
    """Five images were accepted, and ann and bob have voted on a; then this was there."""
    images = [("accepted", "client", name, "") for name in "abcde"]
    votes = [("voted", who, "a", "cat") for who in ("ann", "bob")]
    acts = [
        Act(at_s=1.0, act=act, who=who, task_id="t", subtask_id=subtask_id, detail=detail)
        for act, who, subtask_id, detail in [("begun", "", "", str(BEGUN_AT)), *images, *votes]
    ]
    monkeypatch.setattr(audits, "_subtasks", lambda _url, ids: {name: there.get(name) for name in ids})
    return audits.audit("", Statistics(samples={}, presences=[], acts=acts), orphans)


def test_nothing_is_lost(monkeypatch):
    there = {name: subtask(name) for name in "bcde"} | {"a": subtask("a", "completed", ann="cat", bob="cat")}
    found = audited(monkeypatch, there)
    assert (found.is_clean, found.images, found.finished, found.votes) == (True, 5, 1, 2)


def test_everything_that_is_not_there_is_named(monkeypatch):
    there = {"a": subtask("a", ann="dog"), "b": subtask("b", held=1), "d": subtask("d"), "e": subtask("e")}
    found = audited(monkeypatch, there)
    assert not found.is_clean
    assert (found.lost_images, found.held, found.lost_votes) == (["c"], ["b"], ["a", "a"])


def test_an_orphan_is_late_unless_it_was_served_again(monkeypatch):
    there = {name: subtask(name) for name in "abcde"}
    orphans = [
        Orphan(task_id="t", subtask_id=name, who="eve", expires_at=BEGUN_AT + 30, offered_at=offered_at)
        for name, offered_at in (("b", BEGUN_AT + 31.5), ("d", None))
    ]
    found = audited(monkeypatch, there, orphans)
    assert (found.orphans, found.late, found.slowest_s) == (2, ["d"], pytest.approx(1.5))


# Other sources


def test_a_broker_that_does_not_answer_leaves_the_last_figures(unused_tcp_port):
    queues = Queues(Management(f"http://a:b@127.0.0.1:{unused_tcp_port}"))
    queues._depths = {"task_manager.x.v1": 3, "task_manager.y.v1": 4, "task_manager.y.v1.dead": 9, "other.x": 5}
    assert queues.depth("task_manager") == 7
    assert not queues.is_empty(["task_manager"])
