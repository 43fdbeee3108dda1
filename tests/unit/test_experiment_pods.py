"""The search for the most users, what they do, and what is said of it."""

import base64
import json
import threading
from argparse import Namespace
from contextlib import contextmanager
from dataclasses import asdict, replace

from hypothesis import given
from hypothesis import strategies as st

from loadtest.crowd.detection import Load, Seen, Users, brief
from loadtest.experiments.pods.report import Findings, report
from loadtest.experiments.pods.search import Found, largest
from loadtest.experiments.pods.trial import Outcome
from loadtest.measures import Times
from tests.unit.http_server import answering

SEEN = Seen(failure="", per_s=20.0, times=Times.of_ms([40.0, 60.0]))


# The search


@given(limit=st.integers(0, 3000), first=st.integers(1, 64))
def test_it_finds_the_limit_closely_in_few_tries(limit, first):
    tried = []
    found = largest(lambda users: tried.append(users) or users <= limit, first=first, most=1024)
    if limit >= 1024:
        assert (found.works, found.fails) == (1024, None)
    else:
        assert found.works <= limit < found.fails
        assert found.fails - found.works <= max(1, 0.03 * limit + 1)
    assert len(tried) <= 20
    assert len(tried) == len(set(tried))


def test_nothing_works():
    assert largest(lambda _: False, first=16, most=1024) == Found(works=0, fails=1)


def test_time_is_over():
    clock = iter([False, False, True])
    assert largest(lambda _: True, first=1, most=1024, is_over=lambda: next(clock)) == Found(works=2, fails=None)


# The users


@contextmanager
def detector(statuses):
    """A server that gives these statuses one after the other, the last one for ever, and no answer for None."""
    left, is_over = list(statuses), threading.Event()

    def answer(_method, _path, body):
        assert base64.b64decode(json.loads(body)["image"])
        status = left.pop(0) if len(left) > 1 else left[0]
        if status is None:
            is_over.wait(60)
            return None
        return status, b'{"title":"x","detail":"too much work"}'

    with answering(answer) as url:
        yield int(url.rpartition(":")[2])
        is_over.set()


async def use(statuses, **told):
    body = json.dumps({"id": "a", "image": base64.b64encode(b"picture").decode()}).encode()
    with detector(statuses) as port:
        load = Load(host="127.0.0.1", port=port, users=4, spawn_per_s=100, hold_s=0.1, timeout_s=5)
        return await Users(replace(load, **told), [body]).run()


async def test_users_who_are_all_answered():
    seen = await use([200])
    assert seen.failure == ""
    assert seen.per_s > 0
    assert 0 < seen.times.mean <= seen.times.max
    assert Seen.from_json(json.dumps(asdict(seen))) == seen


async def test_the_first_failure_ends_it_and_is_named():
    seen = await use([200, 200, 503], hold_s=60)
    assert seen.failure == "/api/object_detection answered 503: too much work"


async def test_an_answer_that_takes_too_long_is_a_failure():
    seen = await use([200, None], hold_s=60, timeout_s=0.2)
    assert seen.failure == "TimeoutError"


async def test_nobody_is_there(unused_tcp_port):
    load = Load(host="127.0.0.1", port=unused_tcp_port, users=2, spawn_per_s=100, hold_s=60, timeout_s=5)
    seen = await Users(load, [b"{}"]).run()
    assert seen.per_s == 0
    assert seen.failure


def test_a_failure_in_few_words():
    assert brief(OSError("no route")) == "no route"
    assert brief(TimeoutError()) == "TimeoutError"


# The report


def outcome(pods, client, **told):
    found = Outcome(
        pods=pods, client=client, repeat=1, users=64 * pods, fails=70 * pods, failure="503", spawn_per_s=1.0,
        seen=SEEN, answered=[50] * pods,
    )  # fmt: skip
    return replace(found, **told)


def findings(outcomes, **told):
    options = Namespace(
        timeout_s=10, hold_s=8, longest_spawn_s=60, client_namespace="", no_far="no root", far_mbit=100, far_loss=0.001
    )
    return Findings(options=options, model="nano", outcomes=outcomes, peaks_mib={1: 98.0, 4: 99.0}, **told)


def test_the_report_says_why_something_is_missing():
    nothing_held = outcome(4, "near", users=0, answered=[])
    page = report(findings([outcome(1, "near"), nothing_held], deaths=2))
    assert "There is no far client: no root." in page.paragraphs
    tables = [part for part in page.parts if hasattr(part, "rows")]
    assert [len(table.rows) for table in tables] == [2, 1]
    assert all(len(row) == len(table.columns) for table in tables for row in table.rows)


def test_repeats_are_averaged_in_plots_and_clients_kept_apart():
    outcomes = [outcome(1, "near"), outcome(1, "near", users=100, repeat=2), outcome(1, "far", users=10)]
    page = report(findings(outcomes))
    users = next(part for part in page.parts if part.title == "Users with 100 % success")
    assert [(one.name, list(one.y)) for one in users.series] == [("near", [82]), ("far", [10])]
