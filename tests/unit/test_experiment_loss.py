import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import cv2
import numpy as np
import pytest

from loadtest.errors import MeasurementFailed
from loadtest.experiments.loss import link as links
from loadtest.experiments.loss.clients import Clients, Job, Outcome, Work
from loadtest.experiments.loss.report import PUBLISHED, figures, report
from loadtest.pictures import own, sampled
from tests.unit.http_server import answering

TRUTH = {"a.png": "cat", "b.png": "dog", "c.png": "cat"}


def outcome(**changed) -> Outcome:
    jobs = [
        Job(name="a.png", seconds=1.0, label="cat"),
        Job(name="b.png", seconds=3.0, label="cat"),
        Job(name="c.png", seconds=9.0, fault="no answer after 1 tries: timed out"),
    ]
    fields = {"jobs": jobs, "wall_s": 4.0, "sent": 6, "answered": 3, "acknowledged": {"a.png", "b.png"}}
    return Outcome(**(fields | changed))


def test_goodput_counts_finished_jobs_and_throughput_answered_submissions():
    row = figures("once", 0.2, outcome(lost=["b.png"], lost_share=0.19), TRUTH)
    assert (row.goodput_per_s, row.throughput_per_s) == (0.5, 0.75)
    assert (row.accuracy, row.job_s, row.finished) == (0.5, 2.0, 2)
    assert (row.lost, row.doubled, row.sent, row.lost_share) == (1, 0, 6, 0.19)
    assert row.fault == "1 x no answer after 1 tries: timed out"


def test_nothing_finished_has_no_accuracy_and_no_time():
    row = figures("once", 0.6, outcome(jobs=[]), TRUTH)
    assert (row.goodput_per_s, row.accuracy, row.job_s, row.fault) == (0.0, None, None, "")


def test_the_table_has_the_published_figures_beside_those_rates_that_have_some():
    rows = [figures("task", rate, outcome(), TRUTH) for rate in (0.4, 0.5)]
    table = report(rows, ["why"]).parts[-1]
    cells = [dict(zip(table.columns[:3], row[:3], strict=True)) for row in table.rows]
    assert [one["published"] for one in cells] == [2.44, None]
    assert all(len(row) == len(table.columns) for row in table.rows)


def test_what_was_published_falls_with_the_loss():
    goodput = [one["goodput_per_s"] for one in PUBLISHED.values()]
    assert sorted(PUBLISHED) == list(PUBLISHED)
    assert goodput == sorted(goodput, reverse=True)
    assert all(one["goodput_per_s"] <= one["throughput_per_s"] for one in PUBLISHED.values())


def test_samples_show_one_colour_and_are_never_faint(tmp_path):
    pictures = sampled(tmp_path, 100)
    assert len(set(pictures.names)) == 100
    assert set(pictures.names) == set(pictures.truth or ())
    drawn = json.loads((tmp_path / "truth.json").read_text())
    assert all(drawn[name] == label for name, label in (pictures.truth or {}).items())
    assert not any(int(name[7:10]) % 8 == 0 or int(name[7:10]) % 5 == 0 for name in pictures.names)


@pytest.mark.parametrize(("rate", "said"), [(0.0, "< 0 "), (0.067, "< 670 "), (0.6, "< 6000 ")])
def test_the_rules_drop_the_share_that_was_asked_for(rate, said):
    assert f"numgen random mod 10000 {said}" in links.rules(rate)


def test_only_root_may_make_a_link(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(links.NoLink, match="root"), links.link():
        pytest.fail("a link was made")


@pytest.fixture
def flaky(tmp_path):
    """Hangs up on every first request for a picture, and answers the second."""
    for name in TRUTH:
        (tmp_path / name).write_bytes(b"picture")
    seen = set()

    def answer(_method, _path, body):
        asked = json.loads(body)["id"]
        if asked not in seen:
            seen.add(asked)
            return None
        return 200, json.dumps({"id": asked, "objects": [{"label": "cat", "accuracy": 0.9}]}).encode()

    with answering(answer) as url:
        yield Work(
            url=url,
            folder=tmp_path,
            names=list(TRUTH),
            way="direct",
            has_retries=False,
            clients=2,
            timeout_s=3.0,
            limit_s=20.0,
        )


def test_with_retries_every_job_comes_to_its_end(flaky):
    done = Clients(replace(flaky, has_retries=True)).run()
    assert {job.name: job.label for job in done.jobs} == dict.fromkeys(TRUTH, "cat")
    assert (done.sent, done.answered, done.acknowledged) == (6, 3, set(TRUTH))


def test_without_retries_a_request_without_an_answer_ends_the_job(flaky):
    done = Clients(flaky).run()
    assert len(done.jobs) == 3
    assert all(job.label is None and job.fault for job in done.jobs)
    assert (done.sent, done.answered, done.acknowledged) == (3, 0, set())


def test_a_job_is_submitted_and_asked_for_until_it_is_recognised(flaky):
    looks = Counter()

    def answer(method, path, body):
        if method == "POST":
            name = body.partition(b'filename="')[2].partition(b'"')[0].decode()
            return 201, json.dumps({"jobs": [{"id": name, "status": "accepted", "filename": name}]}).encode()
        name = path.rpartition("/")[2]
        looks[name] += 1
        state = "finished" if looks[name] > 1 else "waiting"
        return 200, json.dumps({"state": state, "classes": [{"label": TRUTH[name], "confidence": 0.9}]}).encode()

    with answering(answer) as url:
        done = Clients(replace(flaky, url=url, way="job")).run()
    assert {job.name: job.label for job in done.jobs} == TRUTH
    assert (done.sent, done.acknowledged) == (3, set(TRUTH))
    assert set(looks.values()) == {2}


def test_own_pictures_are_of_the_size_that_was_asked_for(tmp_path):
    for name, side in (("a.png", 640), ("b.png", 639), ("c.png", 700)):
        cv2.imwrite(str(tmp_path / name), np.zeros((10, side, 3), np.uint8))
    assert own(tmp_path, 2, "m", side=640).names == ("a.png", "c.png")
    assert own(tmp_path, 5, "m").names == ("a.png", "b.png", "c.png")
    with pytest.raises(MeasurementFailed, match="holds 2 pictures"):
        own(tmp_path, 3, "m", side=640)


def need_link_tools():
    if os.geteuid() != 0 or not all(map(shutil.which, links.LinkTools.programs)):
        pytest.skip("network namespaces take root, and the programs ip, tc and nft")


@pytest.fixture
def made_link():
    need_link_tools()
    try:
        with links.link() as made:
            yield made
    except links.NoLink as error:
        pytest.skip(f"no link can be made here: {error}")


ECHO = """
import socket
with socket.create_server(("10.99.0.2", 7)) as server:
    print("listening", flush=True)
    caller, _ = server.accept()
    with caller:
        while data := caller.recv(65536):
            caller.sendall(b"." * len(data))
"""
SEND = """
import socket
with socket.create_connection(("10.99.0.2", 7)) as there:
    for _ in range(20):
        there.sendall(b"x" * 20_000)
        left = 20_000
        while left:
            left -= len(there.recv(left))
"""


def test_a_link_carries_single_packets_and_loses_as_many_as_it_is_told(made_link):
    python = [sys.executable, "-P", "-c"]
    with subprocess.Popen(made_link.inside_server([*python, ECHO]), stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "listening\n"
        made_link.lose(0.02)
        subprocess.run(made_link.inside_client([*python, SEND]), check=True, timeout=60)
        assert server.wait(20) == 0
    seen = links._counters(made_link.client)["seen"] + links._counters(made_link.server)["seen"]
    assert seen > 2 * 20 * 20_000 / 1500, "more than 1,500 bytes came as one packet"
    assert 0 < made_link.lost_share() < 0.2


def test_a_link_is_gone_after_an_interruption():
    need_link_tools()
    names = []

    def interrupted():
        with links.link() as made:
            names.extend([made.client, made.server])
            raise KeyboardInterrupt

    try:
        with pytest.raises(KeyboardInterrupt):
            interrupted()
    except links.NoLink as error:
        pytest.skip(f"no link can be made here: {error}")
    assert len(names) == 2
    assert not any((links.NAMESPACES / name).exists() for name in names)


def test_what_a_killed_run_left_behind_is_removed(made_link):
    left = f"{links.PREFIX}{2**22 + 1}-client"  # no process has such a number
    links._ip("netns", "add", left)
    links._remove_left_over()
    assert not (links.NAMESPACES / left).exists()
    assert (links.NAMESPACES / made_link.client).exists()
