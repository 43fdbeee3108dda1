"""Whether a run went well: an outage cannot hide."""

from itertools import pairwise

import httpx
import pytest

from loadtest.people import summary
from loadtest.people.comparison import Comparison
from loadtest.people.failures import grouped, kind_of
from loadtest.people.options import Options
from loadtest.people.outages import outages, shades
from loadtest.people.recording import RecordedRetries
from loadtest.people.statistics import Presence, Sample, Statistics
from loadtest.report import Plot, Table
from quorate.client import Client
from quorate.errors import BrokenOffError

REFUSED = "UnreachableError: no answer after 5 tries: [Errno 111] Connection refused"
ALL = [("iteration", "operator"), ("call", "POST /api/leases"), ("attempt", "POST /api/leases")]
OPTIONS = Options(shape="steps", clients=0, operators=5, minutes=1, operator_pause=2.0)


def statistics(ended, presences_s=60, acts=()):
    """Operators' iterations, each of one call: when each ended, and its error."""
    samples = [Sample(at_s, 1.0 if error else 50.0, error) for at_s, error in ended]
    there = [Presence(at_s=float(at), clients=0, operators=5, detectors=0, cores=0.1) for at in range(presences_s)]
    return Statistics(samples=dict.fromkeys(ALL, samples), presences=there, acts=acts)


WELL = [(second / 2, "") for second in range(120)]
DOWN = [(at_s, REFUSED if at_s >= 30 else "") for at_s, _ in WELL]
GAP = [(at_s, "") for at_s, _ in WELL if not 20 <= at_s < 45]


def report(ended, **told):
    found = summary.report(statistics(ended), OPTIONS, **told)
    return found, {part.title: part for part in found.parts}


def test_what_went_well_is_said_to_have_gone_well():
    found, parts = report(WELL)
    assert found.verdict.is_well
    assert not found.verdict.reasons
    assert parts["Failures"].rows == []
    assert not any(part.shades for part in found.parts if isinstance(part, Plot))


def test_a_platform_that_is_down_for_half_of_the_run_shows_everywhere():
    found, parts = report(DOWN)
    assert not found.verdict.is_well
    assert "60 of 120 iterations failed" in found.verdict.sentence
    assert any("from 30 s to 60 s" in reason and "60 failed" in reason for reason in found.verdict.reasons)
    assert all(
        any(shade.begin <= 31 and shade.end >= 58 for shade in part.shades)
        for part in found.parts
        if isinstance(part, Plot)
    )
    steps = parts["Iterations by load step"]
    median, failed, good = (steps.columns.index(name) for name in ("median [ms]", "failed", "good per s"))
    assert [row[median] for row in steps.rows] == [50, 50, 50, float("inf"), float("inf")]
    p95 = steps.columns.index("p95 [ms]")
    assert [row[p95] for row in steps.rows][2:] == [float("inf")] * 3
    assert sum(row[failed] for row in steps.rows) == 60
    assert [row[good] for row in steps.rows][3:] == [0, 0]
    for table in (part for part in found.parts if isinstance(part, Table) and part.title in {"Iterations", "Requests"}):
        assert [row[table.columns.index("failed")] for row in table.rows] == [60]
    assert [row[:2] for row in parts["Failures"].rows] == [["no answer", "call"], ["no answer", "iteration"]]


def test_silence_is_an_outage_though_nothing_failed():
    assert [(one.begin_s, one.end_s, one.failures) for one in outages(statistics(GAP), 2.0)] == [(19.5, 45.0, 0)]
    assert not outages(statistics(GAP), 15.0)  # people pause longer than that
    assert not report(GAP)[0].verdict.is_well


def test_a_single_failure_is_no_outage_and_no_success():
    ended = [(at_s, REFUSED if at_s == 30 else "") for at_s, _ in WELL]
    assert not outages(statistics(ended), 2.0)
    assert not report(ended)[0].verdict.is_well
    assert [one.share for one in shades(statistics(ended), 1.0, [])] == [0.5]


def test_shades_do_not_lie_on_each_other():
    of = statistics(DOWN)
    shaded = sorted((one.begin, one.end) for one in shades(of, 7.0, outages(of, 2.0)))
    assert all(end <= begin for (_, end), (begin, _) in pairwise(shaded))


def test_a_run_that_was_cut_off_did_not_go_well():
    found = summary.report(statistics(WELL[:60], presences_s=30), OPTIONS)
    assert found.verdict.reasons == ["the run ended after 30 s of 60 s"]


def test_a_run_in_which_nothing_happened_did_not_go_well():
    found = summary.report(Statistics(samples={}, presences=[], acts=[]), OPTIONS)
    assert "not a single iteration went well" in found.verdict.reasons


def test_tries_that_were_made_again_are_told():
    of = statistics(WELL)
    samples = {**of.samples, ALL[2]: [*of.samples[ALL[2]], Sample(1.0, 1.0, "ConnectError: refused")]}
    found = summary.report(Statistics(samples=samples, presences=of.presences, acts=[]), OPTIONS)
    assert found.verdict.is_well
    assert any(note.startswith("1 tries failed") for note in found.verdict.notes)


def test_operators_without_work_are_told():
    of = statistics(WELL)
    samples = {**of.samples, ("iteration", "operator, no lease"): [Sample(1.0, 5.0, "")] * 40}
    found = summary.report(Statistics(samples=samples, presences=of.presences, acts=[]), OPTIONS)
    assert any("asked 160 times, and 40 times (25%)" in note for note in found.verdict.notes)
    steps = next(part for part in found.parts if part.title == "Iterations by load step")
    assert sum(row[steps.columns.index("no lease")] for row in steps.rows) == 40


@pytest.mark.parametrize(
    ("comparison", "reason"),
    [
        (Comparison(tasks=3, compared=3, images=15, lacking=2), "2 are lacking"),
        (Comparison(tasks=3, compared=3, images=15, altered=1), "1 altered"),
        (Comparison(tasks=3, compared=3, images=15, foreign=1), "1 are there that nobody uploaded"),
        (Comparison(tasks=3, compared=3, votes=9, votes_lacking=1), "1 of 9 votes"),
        (Comparison(tasks=3, compared=1, unanswered="refused"), "2 of 3 tasks could not be compared: refused"),
    ],
)
def test_what_is_lacking_after_the_run_is_a_reason(comparison, reason):
    found, _ = report(WELL, comparison=comparison)
    assert not found.verdict.is_well
    assert reason in " ".join(found.verdict.reasons)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (REFUSED, "no answer"),
        ("ReadTimeout: timed out", "no answer"),
        ("Refused: 500 Internal Server Error", "server error"),
        ("ApiError: 503 Unavailable: busy", "too busy"),
        ("Refused: 429 Too Many Requests", "too busy"),
        ("ApiError: 404 Not Found", "refused"),
        ("BrokenOff: peer closed connection", "broke off"),
        ("BrokenOffError: the export broke off", "broke off"),
        ("WrongAnswer: 3 of 5 pictures were taken", "wrong answer"),
    ],
)
def test_kinds(error, kind):
    assert kind_of(error) == kind


def test_failures_that_differ_by_an_id_are_alike():
    errors = [f"ApiError: 500 Broken (request {number:032x})" for number in range(3)]
    found = grouped(statistics([(1.0, error) for error in errors]))
    assert [(one.measure, one.count) for one in found] == [("call", 3), ("iteration", 3)]


class Cut(httpx.SyncByteStream):
    """A body that ends too early, if it is told to."""

    def __init__(self, error):
        self._error = error

    def __iter__(self):
        yield b'{"image_id": "a"}\n'
        if self._error is not None:
            raise self._error


def exported(error, tmp_path, patience_s=30.0):
    found = []
    retry = RecordedRetries(attempts=1, sleep=lambda _: None, report=found.append, patience_s=patience_s)
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Cut(error)))
    with Client("http://platform", "ann", retry=retry, transport=transport) as client:
        if error is None:
            client.export("t", tmp_path / "a")
        else:
            with pytest.raises(BrokenOffError):
                client.export("t", tmp_path / "a")
    return [(one.measure, one.name, str(one.error or "")) for one in found]


def test_an_export_that_breaks_off_is_a_failed_call(tmp_path):
    name = "GET /api/tasks/{id}/export"
    before = [("attempt", name, ""), ("call", name, "")]
    assert exported(None, tmp_path) == [*before, ("call", f"{name}, to its end", "")]
    broken = exported(httpx.RemoteProtocolError("peer closed"), tmp_path)
    assert broken == [*before, ("call", f"{name}, to its end", "peer closed")]


def test_who_gives_up_on_a_stream_early_is_not_let_down(tmp_path):
    assert exported(httpx.ReadTimeout("late"), tmp_path, patience_s=1000.0)[2][2] == ""
    assert exported(httpx.ReadTimeout("late"), tmp_path, patience_s=30.0)[2][2] == "late"
