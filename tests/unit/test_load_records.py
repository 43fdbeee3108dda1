import math
import random
import zipfile
from io import BytesIO

import cv2
import httpx
import numpy as np
import pytest

from loadtest.errors import MeasurementFailed
from loadtest.measures import percentile
from loadtest.people import statistics, summary
from loadtest.people.options import Options
from loadtest.people.recording import ACTS, PEOPLE, REQUESTS, RecordedRetries, Records, Stopwatch, described, route
from loadtest.people.statistics import Sample, entry
from loadtest.pictures import archive, read
from loadtest.report import Plot
from quorate.client import Client
from quorate.errors import ApiError, UnreachableError


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def folder(tmp_path):
    """Records of two seconds: calls that get slower, one of which fails, and one that was tried twice."""
    clock = Clock()
    records = Records(tmp_path, clock)
    records.start()
    records.add(ACTS, "begun", "", "", "", "1000000100.5")
    records.add(PEOPLE, 2, 1, 0, 0.25)
    for number in range(100):
        clock.now = 100.0 + number / 50
        error = "Refused: 500 Internal Server Error" if number == 99 else ""
        records.add(REQUESTS, "attempt", "POST /api/leases", number + 1.0, error)
        records.add(REQUESTS, "call", "POST /api/leases", number + 1.0, error)
        records.add(REQUESTS, "iteration", "operator", 2 * (number + 1.0), error)
    records.add(REQUESTS, "attempt", "POST /api/leases", 5.0, "")
    records.close()
    return tmp_path


@pytest.mark.parametrize(
    ("method", "url", "name"),
    [
        ("POST", "http://h:1/api/tasks", "POST /api/tasks"),
        ("GET", "http://h/api/tasks/abc/results?limit=5&cursor=x", "GET /api/tasks/{id}/results"),
        ("POST", "http://h/api/tasks/abc/uploads/def/commit", "POST /api/tasks/{id}/uploads/{id}/commit"),
        ("POST", "http://h/prefix/api/subtasks/abc/vote", "POST /prefix/api/subtasks/{id}/vote"),
        ("DELETE", "http://h/api/leases/abc?skip=true", "DELETE /api/leases/{id}"),
        ("POST", "http://h/api/leases/renew", "POST /api/leases/renew"),
        ("GET", "http://storage/quorate/abc/def?X-Amz-Signature=secret", "GET image"),
        ("POST", "http://storage/quorate", "POST object"),
    ],
)
def test_a_request_is_named_by_its_route(method, url, name):
    assert route(method, url) == name


def recorded(answers, *, attempts):
    """What is reported of a lease request to which these statuses (or no answer) come, and what it ends with."""
    left, found = iter(answers), []

    def answer(request):
        status = next(left)
        if status is None:
            raise httpx.ConnectError("refused", request=request)
        return httpx.Response(status, json={"leases": [], "more": False, "waiting_for_others": 0})

    retry = RecordedRetries(attempts=attempts, sleep=lambda _: None, report=found.append)
    with Client("http://platform", "ann", retry=retry, transport=httpx.MockTransport(answer)) as client:
        try:
            client.lease(5)
        except (ApiError, UnreachableError) as error:
            return found, error
    return found, None


def test_what_went_well_in_the_end_is_a_success_with_failed_attempts():
    found, error = recorded([None, 503, 200], attempts=5)
    assert error is None
    assert [(one.measure, bool(one.error)) for one in found] == [
        ("attempt", True),
        ("attempt", True),
        ("attempt", False),
        ("call", False),
    ]
    assert {one.name for one in found} == {"POST /api/leases"}


@pytest.mark.parametrize("answers", [[500], [404], [302], [None], [503]])
def test_what_is_no_success_is_a_failure(answers):
    found, error = recorded(answers, attempts=1)
    assert error is not None
    assert [(one.measure, one.name, bool(one.error)) for one in found] == [
        ("attempt", "POST /api/leases", True),
        ("call", "POST /api/leases", True),
    ]


def test_errors_are_described_on_one_line():
    assert described(None) == ""
    assert described(ValueError("a\nb")) == "ValueError: a b"


def test_a_stopwatch_adds_up_and_stops_for_errors_too():
    watch = Stopwatch()
    for _ in range(2):
        with pytest.raises(KeyError), watch:
            raise KeyError
    before = watch.time_ms
    assert before > 0
    with watch:
        pass
    assert watch.time_ms > before


def test_percentiles_are_values_that_were_seen():
    assert [percentile([1, 2, 3, 4], share) for share in (0, 0.25, 0.26, 0.5, 0.95, 1)] == [1, 1, 2, 2, 4, 4]
    assert math.isnan(percentile([], 0.5))


def test_what_failed_counts_as_slower_than_anything():
    found = entry([Sample(0, 10, ""), Sample(1, 30, "no")])
    assert (found.count, found.failures, found.mean, found.p50, found.max) == (2, 1, 10, 10, 10)
    assert found.p95 == found.p99 == math.inf
    assert entry([]).count == 0


def test_refusing_at_once_makes_no_time_short():
    """A platform that is down refuses in no time, and what it refuses comes first in order of time."""
    well = [Sample(second, 50.0, "") for second in range(157)]
    down = [Sample(second, 1.0, "ConnectError: refused") for second in range(98)]
    assert entry([*well, *down]).p50 == 50
    assert entry([*well, *down]).p95 == math.inf
    assert entry(down).p50 == math.inf


def test_records_are_read_back(folder):
    found = statistics.read(folder)
    assert found.begun_at == 1000000100.5
    assert found.names("call") == ["POST /api/leases"]
    whole = found.entry("call", "POST /api/leases")
    assert (whole.count, whole.failures, whole.p50, whole.p95, whole.p99, whole.max) == (100, 1, 50, 95, 99, 99)
    assert found.entry("attempt", "POST /api/leases").count == 101
    assert found.failures == 1  # not the attempt, not the iteration
    assert [one.people for one in found.presences] == [3]
    second = found.entry("call", "POST /api/leases", 1.0, 2.0)
    assert (second.count, second.p50, second.failures) == (50, 75, 1)
    assert found.entry("call", "nothing").count == 0


def test_a_line_that_was_cut_off_is_left_out(folder):
    with (folder / REQUESTS).open("a") as file:
        file.write("1.99,call,POST")
    assert statistics.read(folder).entry("call", "POST /api/leases").count == 100


def test_no_records_are_said_to_be_none(tmp_path):
    with pytest.raises(MeasurementFailed, match=REQUESTS):
        statistics.read(tmp_path)
    (tmp_path / REQUESTS).touch()
    with pytest.raises(MeasurementFailed, match="empty"):
        statistics.read(tmp_path)


def test_records_without_a_folder_are_not_kept(tmp_path):
    records = Records(None)
    records.add(PEOPLE, 1, 2, 3, 0.5)
    records.close()
    assert not list(tmp_path.iterdir())


def test_the_summary_has_all_steps_failures_and_what_was_sampled(folder, tmp_path):
    sampled = tmp_path / "queue_depth.csv"
    sampled.write_text("time,images,votes\n1000000100.5,1,\n1000000101.5,2,3\n")
    options = Options(shape="steps", minutes=2 / 60, detectors=0)
    report = summary.report(statistics.read(folder), options, sampled=[sampled])
    parts = {part.title: part for part in report.parts}
    assert [row[1] for row in parts["Iterations by load step"].rows] == [5, 10, 15, 20, 25]
    at = parts["Iterations by load step"].columns.index("operator: pause [s]")
    assert sum(row[at + 1] for row in parts["Iterations by load step"].rows) == 100
    assert sum(row[at + 2] for row in parts["Iterations by load step"].rows) == 1
    assert [row[:5] for row in parts["Failures"].rows] == [
        ["server error", "call", "POST /api/leases", "Refused: 500 Internal Server Error", 1],
        ["server error", "iteration", "operator", "Refused: 500 Internal Server Error", 1],
    ]
    depth = parts["Queue depth"]
    assert [(one.name, list(one.x), list(one.y)) for one in depth.series] == [
        ("images", [0, 1], [1, 2]),
        ("votes", [0, 1], [None, 3]),
    ]
    assert not report.verdict.is_well
    assert "1 of 100 iterations failed" in report.verdict.sentence
    assert all(part.shades for part in report.parts if isinstance(part, Plot))


def test_drawn_pictures_are_pictures_and_differ(tmp_path):
    rng = random.Random(1)
    with zipfile.ZipFile(BytesIO(archive(rng, 5))) as packed:
        contents = [packed.read(name) for name in packed.namelist()]
    assert len(set(contents)) == 5
    assert archive(random.Random(2), 3) == archive(random.Random(2), 3)
    for data in contents:
        assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED).shape == (64, 64, 3)
    (tmp_path / "a.png").write_bytes(contents[0])
    (tmp_path / "notes.txt").write_text("no picture")
    assert read(tmp_path) == [contents[0]]


def test_a_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(MeasurementFailed, match="holds no pictures"):
        read(tmp_path)
