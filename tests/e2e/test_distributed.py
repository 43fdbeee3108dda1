"""The distributed platform, as people run it: two replicas of each service behind a gateway, on real servers."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from deploy.local import env_file
from deploy.local.errors import ServerNotInstalled
from deploy.local.gateway import Gateway
from deploy.local.packages import need as need_program
from deploy.local.platform import SERVICES, Platform
from deploy.local.server_folder import is_listening
from loadtest import samples
from quorate.client import Client
from quorate.simulate import Plan, simulate
from quorate.truths import Truths
from quorate.uploads import Part, parts
from tests import servers
from tests.e2e.test_demo import exported, run

OPERATORS = 6
EXACT = {"votes_required": 3, "stop": "exact"}
BATCH = 5
PICTURES = 12
PLENTY = 400
PATIENCE_S = 30
ROUNDS = 8
RUNNING = set(SERVICES) - {"accounts"}
"""Nobody has an account here."""


@pytest.fixture
def environment():
    """Where the servers are; without them, or without nginx, the test says what it lacks."""
    for name in servers.NAMES:
        servers.need(name)
    try:
        need_program(Gateway)
    except ServerNotInstalled as lack:
        servers.lacks(str(lack))
    return env_file.read(servers.ENV_FILE.parent)


def test_the_demonstration_comes_out_as_in_one_process(environment, tmp_path):
    run("--profile", "distributed", "--count", PICTURES, "--out", tmp_path)
    results = exported(tmp_path)
    assert len(results) == PICTURES
    assert {result["state"] for result in results} <= {"completed", "disputed"}
    assert sum(result["state"] == "completed" for result in results) > PICTURES / 2
    assert_nothing_runs(Platform(folder=tmp_path / "platform", environment={}))


def test_every_process_is_restarted_while_a_batch_runs(environment, tmp_path):
    """Clients repeat what was not answered, as they always do, and notice nothing else; no vote is lost or doubled."""
    samples.draw(tmp_path / "samples", PLENTY, seed=1)
    platform = Platform(
        folder=tmp_path / "platform", environment=environment, model=samples.write_model(tmp_path / "model")
    )
    try:
        url = platform.start()
        with Client(url, "owner") as owner, ThreadPoolExecutor(2) as threads:
            task_id = owner.create_task("rolling", samples.CLASSES, quorum=EXACT)["id"]
            restarts = threads.submit(restart, platform.members())
            work = threads.submit(label, url, task_id)
            accepted = upload_until(restarts, owner, task_id, tmp_path / "samples")
            owner.seal(task_id)
            restarts.result()
            tallies = work.result()
            assert owner.task(task_id)["state"] == "completed"
            results = list(owner.results(task_id))
            assert_the_status_tells_of_all_services(url)
            votes = [vote["voter"] for one in results for vote in owner.subtask(one["image_id"])["votes"]]
    finally:
        platform.stop()
    assert_nothing_runs(platform)
    assert len(results) == accepted
    assert {one["state"] for one in results} <= {"completed", "disputed"}
    assert sum(one.refused for one in tallies) == 0
    assert Counter(votes) == {one.name: one.votes for one in tallies}


def test_reads_right_after_a_write_see_it(environment, tmp_path):
    """Nobody waits in between; where a read cannot tell, it says so."""
    samples.draw(tmp_path / "samples", ROUNDS, seed=2)
    pictures = [one for one in parts([tmp_path / "samples"]) if isinstance(one, Part)]
    platform = Platform(folder=tmp_path / "platform", environment=environment)
    try:
        url = platform.start()
        with Client(url, "owner") as owner:
            seen = [read_after_vote(owner, url, picture) for picture in pictures]
    finally:
        platform.stop()
    assert {said for said, _ in seen} <= {"likely", "no"}
    assert {read for said, read in seen if said == "likely"} == {"completed"}


@pytest.mark.parametrize("order", ["finish", "fewer votes"])
def test_reads_right_after_an_order_see_what_it_led_to(environment, tmp_path, order):
    samples.draw(tmp_path / "samples", ROUNDS, seed=3)
    pictures = [one for one in parts([tmp_path / "samples"]) if isinstance(one, Part)]
    platform = Platform(folder=tmp_path / "platform", environment=environment)
    try:
        url = platform.start()
        with Client(url, "owner") as owner:
            seen = [read_after_order(owner, url, picture, order) for picture in pictures]
    finally:
        platform.stop()
    assert {said for said, _ in seen} <= {"likely", "no"}
    assert {read for said, read in seen if said == "likely"} == {"completed"}


def lease_of(owner, task_id):
    """The lease of the only image, which may be on its way to be opened for longer than a request waits."""
    until = time.monotonic() + PATIENCE_S
    while not (leases := owner.lease(1, task_id)["leases"]):
        assert time.monotonic() < until, "the image was never opened"
    return leases[0]


def read_after_order(owner, url, picture, order):
    """The same after an order that ended the only image, which has a vote of two."""
    task_id = owner.create_task("two", ["a"], quorum={"votes_required": 2}, detector={"mode": "off"})["id"]
    owner.upload(task_id, [picture])
    lease = lease_of(owner, task_id)
    owner.vote(lease["subtask_id"], "a", lease["token"])
    if order == "finish":
        owner.finish(task_id, "it will do")
    else:
        owner.edit(task_id, {"votes_required": 1})
    answer = httpx.get(f"{url}/api/tasks/{task_id}/export").raise_for_status()
    return answer.headers["x-quorate-up-to-date"], answer.json()["state"]


def read_after_vote(owner, url, picture):
    """What the export says, and whether it knows all, right after a vote that ended the only image."""
    task_id = owner.create_task("one", ["a"], quorum={"votes_required": 1}, detector={"mode": "off"})["id"]
    owner.upload(task_id, [picture])
    lease = lease_of(owner, task_id)
    assert owner.vote(lease["subtask_id"], "a", lease["token"])["subtask_state"] == "completed"
    answer = httpx.get(f"{url}/api/tasks/{task_id}/export").raise_for_status()
    return answer.headers["x-quorate-up-to-date"], answer.json()["state"]


def assert_the_status_tells_of_all_services(url):
    """A task manager that has just started hears of the others when they next report."""
    until = time.monotonic() + PATIENCE_S
    named = set()
    while named < RUNNING and time.monotonic() < until:
        time.sleep(0.2)
        status = httpx.get(f"{url}/api/admin/status").raise_for_status().json()
        named = {service for replica in status["replicas"] for service in replica["services"]}
    assert named == RUNNING
    assert {queue["queue"].partition(".")[0] for queue in status["queues"]} == RUNNING


def assert_nothing_runs(platform):
    assert not [one.name for one in platform.members() if one.process.pid()]
    assert not is_listening(platform.gateway().port)


def restart(members):
    """Each in turn, as an upgrade does."""
    for member in members:
        member.process.stop()
        member.start()
        member.await_ready()


def label(url, task_id):
    """Operators who vote until the task is completed."""
    plan = Plan(task_id=task_id, skills=(0.9,) * OPERATORS, pause_s=0.1, timeout_s=240)
    with Client(url, "owner") as owner:
        return simulate(owner, lambda name: Client(url, name), plan, Truths({}, samples.CLASSES, list), lambda _: None)


def upload_until(ended, owner, task_id, folder):
    """Send a batch now and then until something has ended; returns how many pictures were accepted."""
    pictures = [one for one in parts([folder]) if isinstance(one, Part)]
    accepted = 0
    for start in range(0, len(pictures), BATCH):
        report = owner.upload(task_id, pictures[start : start + BATCH])
        assert report["rejected"] == 0
        accepted += report["accepted"]
        if ended.done():
            break
        time.sleep(0.3)
    return accepted
