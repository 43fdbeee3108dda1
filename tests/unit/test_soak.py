"""What counts as level, and what a soak makes of it."""

import math
import os
import random
import time

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.report import Verdict
from loadtest.soak import known, looks
from loadtest.soak.levels import Allowance, theil_sen, trend
from loadtest.soak.report import Soak, report
from loadtest.soak.series import FILES, MEMORY, SERVERS, Samples
from loadtest.soak.watcher import Watcher
from shared.sqlite import CHECKPOINT_PAGES
from tests.unit.http_server import answering

ALLOWANCE = Allowance(share=0.02, least=1.0)
TIMES = [6.0 * number for number in range(300)]
WELL = Verdict(is_well=True, sentence="It went well.")


def judged(values):
    return trend(TIMES[: len(values)], values, ALLOWANCE).judgement


def noisy(value):
    rng = random.Random(1)
    return [value(at_s) + rng.uniform(-1, 1) for at_s in TIMES]


@pytest.mark.parametrize(
    ("values", "judgement"),
    [
        (noisy(lambda _: 100.0), "level"),
        (noisy(lambda at_s: 100 + at_s / 60), "grows"),  # 1 MiB a minute
        (noisy(lambda at_s: 200 - at_s / 60), "falls"),
        (noisy(lambda at_s: 200 - 100 * math.exp(-at_s / 200)), "level"),  # warm-up
        (noisy(lambda at_s: 100 + 3 * (at_s % 18)), "level"),  # a sawtooth
        (noisy(lambda at_s: 5000.0 if at_s == 1500 else 100.0), "level"),  # a peak
        ([0.0] * 300, "level"),
        ([1.0] * 10, "too few"),
        ([], "too few"),
    ],
)
def test_judgements(values, judgement):
    assert judged(values) == judgement


def test_a_trend_says_how_fast():
    found = trend(TIMES, [100 + at_s / 3600 for at_s in TIMES], ALLOWANCE)
    assert found.per_hour == pytest.approx(1.0)
    assert found.rise == pytest.approx(600 / 3600, rel=0.02)
    assert (found.first, found.most) == (100, found.last)


@given(
    slope=st.floats(-10, 10),
    start=st.floats(-1000, 1000),
    peaks=st.dictionaries(st.integers(0, 99), st.floats(-1e6, 1e6), max_size=10),
)
def test_a_few_peaks_hardly_move_the_slope(slope, start, peaks):
    line = [(float(at), start + slope * at) for at in range(100)]
    bent = [(at, peaks.get(int(at), value)) for at, value in line]
    assert theil_sen(line) == pytest.approx(slope, abs=1e-9)
    if not peaks:
        assert theil_sen(bent) == theil_sen(line)
    assert theil_sen([(at, value + 7) for at, value in bent]) == pytest.approx(theil_sen(bent), abs=1e-6)


def soaked(values, key=(MEMORY, "platform"), load=WELL, failed_looks=0, seconds=1800):
    samples = Samples()
    for at_s, value in zip(TIMES, values, strict=False):
        samples.add(at_s, {key: value})
    return report(Soak(profile="embedded", seconds=seconds, samples=samples, failed_looks=failed_looks, load=load))


GROWING = [150 + at_s / 60 for at_s in TIMES]


def test_what_grows_without_a_bound_is_the_verdict():
    found = soaked(GROWING)
    assert not found.verdict.is_well
    assert "memory of platform grows" in found.verdict.reasons[0]
    assert [row[-2] for row in found.parts[0].rows] == ["grows"]
    assert [part.title for part in found.parts] == ["Levels", "Memory"]


def test_what_is_level_goes_well():
    assert soaked([100.0] * 300).verdict.is_well


@pytest.mark.parametrize(("level", "least"), [(100.0, 9), (800.0, 48)])
def test_the_page_says_the_least_leak_that_it_could_tell(level, least):
    """A process may rise by 1.5 MiB in a third of half an hour, or by 1 % where that is more."""
    assert f"of less than {least} MiB an hour" in soaked([level] * 300).paragraphs[1]


def test_what_grows_by_design_says_why_and_only_up_to_its_bound():
    logs = [value / 11 for value in GROWING]
    found = soaked(logs, (FILES, "tasks.sqlite-wal"))
    assert found.verdict.is_well
    assert "begins anew" in found.verdict.notes[0]
    assert not soaked(logs, (FILES, "objects/")).verdict.is_well
    assert not soaked(GROWING, (FILES, "tasks.sqlite-wal")).verdict.is_well


def test_the_bound_of_a_log_is_that_of_the_databases():
    """A restart of the log waits for readers, so it may pass its bound a little."""
    bound_mib = CHECKPOINT_PAGES * 4096 / looks.MIB
    log = next(one for one in known.KNOWN if one.ending == ".sqlite-wal")
    assert bound_mib < log.most < 1.2 * bound_mib


def test_servers_are_shown_and_not_judged():
    found = soaked(GROWING, (SERVERS, "mongodb"))
    assert not found.verdict.reasons or "too short" in found.verdict.reasons[0]
    assert [part.title for part in found.parts] == ["Levels", "Memory of the servers"]


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"failed_looks": 2}, "2 looks failed"),
        ({"seconds": 1900}, "the samples end after 1794 of 1900 s"),
        ({"load": Verdict(is_well=False, sentence="No.", reasons=["98 failed"])}, "load test: 98 failed"),
    ],
)
def test_a_soak_in_which_something_failed_did_not_go_well(told, reason):
    found = soaked([100.0] * 300, **told)
    assert not found.verdict.is_well
    assert reason in found.verdict.reasons[0]


METRICS = """# TYPE quorate_queue_messages gauge
quorate_queue_messages{queue="a.b"} 3.0
# TYPE quorate_dead_letters gauge
quorate_dead_letters{queue="a.b"} 1.0
quorate_dead_letters{queue="a.c"} 1.0
# TYPE quorate_file_bytes gauge
quorate_file_bytes{file="tasks.sqlite"} 1048576.0
# TYPE quorate_outbox_pending gauge
quorate_outbox_pending 2.0
"""


def test_gauges_are_read():
    found = looks.gauges("platform", METRICS)
    assert {(group.title, name): value for (group, name), value in found.items()} == {
        ("Queues", "a.b"): 3,
        ("Queues", "dead letters"): 2,
        ("Files", "tasks.sqlite"): 1,
        ("Outboxes and writes", "platform: outbox"): 2,
    }


def test_folders_and_processes_are_looked_at(tmp_path):
    (tmp_path / "objects/a").mkdir(parents=True)
    (tmp_path / "objects/a/b").write_bytes(bytes(2**20))
    (tmp_path / "tasks.sqlite").write_bytes(b"not a folder")
    assert {name: value for (_, name), value in looks.folders(tmp_path).items()} == {"objects/": 1}
    with (tmp_path / "holes").open("wb") as file:
        file.truncate(2**30)
    assert 1 <= looks.disk_mib(tmp_path) < 2
    found = looks.process("me", os.getpid())
    assert all(value > 0 for value in found.values())


@pytest.mark.parametrize("failure", [httpx.ConnectError("refused"), ValueError("no JSON"), KeyError("queue")])
def test_looks_that_fail_are_counted_and_the_others_kept(tmp_path, failure):
    def fails():
        raise failure

    with answering(lambda *_: (200, METRICS.encode())) as url:
        several = [fails, lambda: looks.metrics("platform", url)]
        with Watcher(several, 0.01, tmp_path / "samples.csv") as watcher:
            ends_at = time.monotonic() + 10
            while not watcher.samples.values and time.monotonic() < ends_at:
                time.sleep(0.01)
    assert watcher.failed >= 1
    assert (tmp_path / "samples.csv").read_text().startswith("at_s,group,name,value\n")
    assert "Outboxes and writes,platform: outbox,2.0" in (tmp_path / "samples.csv").read_text()
