"""Jobs while a detector dies: what it held is looked at by the others, and nothing is lost or done twice."""

import os
import signal
import time
import uuid
from collections import Counter
from collections.abc import Callable

import pytest

from deploy.local import env_file
from deploy.local.errors import ServerNotInstalled
from deploy.local.gateway import Gateway
from deploy.local.packages import need as need_program
from deploy.local.platform import Platform
from loadtest import samples
from quorate.client import Client
from quorate.uploads import Part, parts
from tests import servers

pytestmark = pytest.mark.long

JOBS, DETECTORS, BATCH = 100, 4, 25
PATIENCE_S = 120
LOOKED_AT = 60
"""A detector that was stopped is killed once the others have looked at so many jobs. The broker deals them out in turn:
it holds about a third as many by then, and at most the 24 that it takes ahead, so the others come to this number."""


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


class Farm(Platform):
    """A platform with one replica of each service, and so many detectors, each on one thread."""

    def members(self):
        others = [self._replica(service, 0) for service in self._services() if service != "detector"]
        return others + [self._replica("detector", number) for number in range(DETECTORS)]


def test_jobs_of_a_killed_detector_are_looked_at_by_the_others_once(environment, tmp_path):
    samples.draw(tmp_path / "samples", JOBS, seed=4)
    pictures = [one for one in parts([tmp_path / "samples"]) if isinstance(one, Part)][:JOBS]
    settings = {"QUORATE_DETECTOR_THREADS": "1"}
    model = samples.write_model(tmp_path / "model")
    platform = Farm(folder=tmp_path / "platform", environment=environment, replicas=1, model=model, settings=settings)
    try:
        url = platform.start()
        with Client(url, f"owner-{uuid.uuid4().hex}") as owner:  # the servers may know others from before
            stopped = platform.members()[-1].process.pid()
            os.kill(stopped, signal.SIGSTOP)  # it holds what it was given, and answers nothing
            submitted = [
                one["id"]
                for start in range(0, JOBS, BATCH)
                for one in owner.jobs.submit(pictures[start : start + BATCH])["jobs"]
            ]
            until(lambda: states(owner)["finished"] >= LOOKED_AT, owner)
            os.kill(stopped, signal.SIGKILL)
            until(lambda: states(owner) == {"finished": JOBS}, owner)
            jobs = list(owner.jobs.all())
            [task_id] = {job["id"][:32] for job in jobs}
            task, results = owner.task(task_id), list(owner.results(task_id))
            votes = [owner.subtask(one["image_id"])["votes"] for one in results]
    finally:
        platform.stop()
    assert sorted(job["id"] for job in jobs) == sorted(submitted)
    assert (len(results), task["counts"]["open"]) == (JOBS, 0)
    assert {one["decided_by"] for one in results if one["state"] == "completed"} == {"detector"}
    assert {one["revision"] for one in results} == {1}
    assert Counter(map(len, votes)).keys() <= {0, 1}


def states(owner: Client) -> Counter[str]:
    """How many jobs are in which state."""
    return Counter(job["state"] for job in owner.jobs.all())


def until(is_so: Callable[[], bool], owner: Client) -> None:
    """Look again and again, for so long as people are patient."""
    end = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < end, f"it never came to be: {states(owner)}"
        time.sleep(0.2)
