"""The clients at their end of the link: each does one job after the other, until none is left or time is up."""

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Literal

import httpx

from quorate.client import Client
from quorate.errors import ApiError, QuorateError
from quorate.jobs import Job as Recognised
from quorate.retries import RetryPolicy
from quorate.shapes import DetectorFields, QuorumFields, Result
from quorate.uploads import Part

Way = Literal["task", "job", "direct"]
"""`task`: upload to a task, then ask until the detector has labeled it; `job`: submit a job, then ask until it is
recognised, as system B's clients did; `direct`: a request that answers the label."""
USER = "loss"
POLL_S = 0.2
LONGEST_PAUSE_S = 1.0
HEALED_S = 60.0
KEEP_ALIVE_S = 4.0
NOT_FOUND = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One run: these files of a folder, each a job.

    has_retries: whether requests without an answer are sent again, for as long as the run lasts.
    clients: how many jobs are under way at a time, each on a connection of its own.
    timeout_s: how long a client waits for an answer. limit_s: when the run ends, whatever is left.
    user: whose jobs they are.
    """

    url: str
    folder: Path
    names: Sequence[str]
    way: Way
    clients: int
    timeout_s: float
    limit_s: float
    has_retries: bool = True
    user: str = USER


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What became of one picture: its label, and how long that took; `fault` where it got none."""

    name: str
    seconds: float
    label: str | None = None
    fault: str | None = None


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of a run; every client writes to it while it works.

    jobs: those that ended before the limit. wall_s: from the first job's start to the last one's end, or the limit.
    sent, answered: submissions, each repetition for itself, and those of them that got an answer of any kind.
    acknowledged: pictures that the platform said it has, or has looked at. lost: those of them that it did not have,
    or had no label for, once the link was whole again. doubled: pictures that it had more than once.
    lost_share: of packets, meanwhile.
    """

    jobs: list[Job] = field(default_factory=list[Job])
    acknowledged: set[str] = field(default_factory=set[str])
    sent: int = 0
    answered: int = 0
    wall_s: float = 0.0
    lost: Sequence[str] = ()
    doubled: Sequence[str] = ()
    lost_share: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock, compare=False)


class CountingTransport(httpx.HTTPTransport):
    """Sends requests, and counts those that submit something and those of them that are answered."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(limits=httpx.Limits(keepalive_expiry=KEEP_ALIVE_S))
        self._outcome = outcome

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        is_submission = request.method == "POST"
        with self._outcome.lock:
            self._outcome.sent += is_submission
        response = super().handle_request(request)
        with self._outcome.lock:
            self._outcome.answered += is_submission
        return response


class Clients:
    """All clients of one run. A task's work goes to the task of this id."""

    def __init__(self, work: Work, task_id: str = "") -> None:
        self._work = work
        self._task_id = task_id
        self._outcome = Outcome()
        self._end = 0.0
        self._labels = {"task": self._labeled, "job": self._recognised, "direct": self._detected}
        self._names: SimpleQueue[str] = SimpleQueue()
        for name in work.names:
            self._names.put(name)

    def run(self) -> Outcome:
        """Do all jobs. Clients that still wait for an answer when time is up are not waited for."""
        began = time.monotonic()
        self._end = began + self._work.limit_s
        threads = [threading.Thread(target=self._client, daemon=True) for _ in range(self._work.clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, self._end - time.monotonic()))
        self._outcome.wall_s = time.monotonic() - began
        return self._outcome

    def _client(self) -> None:
        """Takes the next picture until there is none."""
        work = self._work
        retries = RetryPolicy(attempts=10**6, for_s=self._left_s(), longest_pause_s=LONGEST_PAUSE_S)
        policy = retries if work.has_retries else RetryPolicy(attempts=1)
        transport = CountingTransport(self._outcome)
        with Client(work.url, work.user, timeout_s=work.timeout_s, retry=policy, transport=transport) as client:
            while self._left_s():
                try:
                    name = self._names.get_nowait()
                except Empty:
                    return
                job = self._job(client, name)
                with self._outcome.lock:
                    if self._left_s():
                        self._outcome.jobs.append(job)

    def _job(self, client: Client, name: str) -> Job:
        began = time.monotonic()
        data = (self._work.folder / name).read_bytes()
        try:
            label = self._labels[self._work.way](client, name, data)
        except (QuorateError, httpx.HTTPError) as error:
            return Job(name=name, seconds=time.monotonic() - began, fault=str(error))
        return Job(name=name, seconds=time.monotonic() - began, label=label)

    def _labeled(self, client: Client, name: str, data: bytes) -> str | None:
        """Upload, then ask for the label until it is there."""
        (image,) = client.upload(self._task_id, [Part(name, len(data), partial(BytesIO, data))])["images"]
        if image["image_id"] is None:
            raise QuorateError(f"{name} was {image['status']}: {image['reason']}")
        self._acknowledge(name)
        while self._left_s():
            time.sleep(POLL_S)
            try:
                subtask = client.subtask(image["image_id"])
            except ApiError as error:
                if error.status != NOT_FOUND:  # it is not: the news of the upload is on its way
                    raise
                continue
            if subtask["result"] is not None:
                return subtask["result"].get("label")
        raise QuorateError("time is up")

    def _recognised(self, client: Client, name: str, data: bytes) -> str | None:
        """Submit a job, then ask for it until the detector has looked."""
        (file,) = client.jobs.submit([Part(name, len(data), partial(BytesIO, data))])["jobs"]
        if file["id"] is None:
            raise QuorateError(f"{name} was {file['status']}: {file['reason']}")
        self._acknowledge(name)
        while self._left_s():
            time.sleep(POLL_S)
            job = client.jobs.get(file["id"])
            if job["state"] == "failed":
                raise QuorateError(f"{name}: {job['reason']}")
            if job["state"] == "finished":
                return job["classes"][0]["label"] if job["classes"] else None
        raise QuorateError("time is up")

    def _detected(self, client: Client, name: str, data: bytes) -> str | None:
        """Ask the detector; the label is that of the surest object, of equally sure ones the first, as in a task."""
        found = client.detect(data, name)["objects"]
        self._acknowledge(name)
        return min(found, key=lambda one: (-one["accuracy"], one["label"]))["label"] if found else None

    def _acknowledge(self, name: str) -> None:
        with self._outcome.lock:
            self._outcome.acknowledged.add(name)

    def _left_s(self) -> float:
        return max(0.0, self._end - time.monotonic())


def new_task(url: str, labels: Mapping[str, str]) -> str:
    """A task in which the detector's label is the result; returns its id."""
    decides = DetectorFields(mode="accept", accept_confidence=0.0, audit_share=0.0)
    with Client(url, USER) as client:
        names = sorted(set(labels.values()))
        return client.create_task("loss", names, quorum=QuorumFields(votes_required=1), detector=decides)["id"]


def audit(outcome: Outcome, url: str, task_id: str) -> None:
    """Note what the platform lost or has twice of a task, now that the link is whole."""
    results = _healed_results(url, task_id)
    labeled = [result["filename"] for result in results if result["label"] is not None]
    _note(outcome, labeled, [result["filename"] for result in results])


def audit_jobs(outcome: Outcome, url: str, user: str) -> None:
    """The same of a user's jobs."""
    jobs = _healed_jobs(url, user)
    _note(outcome, [job["filename"] for job in jobs if job["classes"]], [job["filename"] for job in jobs])


def _note(outcome: Outcome, labeled: Sequence[str], there: Sequence[str]) -> None:
    copies = Counter(there)
    outcome.lost = sorted(outcome.acknowledged.difference(labeled))
    outcome.doubled = sorted(name for name, count in copies.items() if count > 1)


def _healed_results(url: str, task_id: str) -> list[Result]:
    """The task's results, once the detector is through with all of them or has had its time."""
    until = time.monotonic() + HEALED_S
    with Client(url, USER) as client:
        while client.task(task_id)["counts"]["open"] and time.monotonic() < until:
            time.sleep(POLL_S)
        return list(client.results(task_id))


def _healed_jobs(url: str, user: str) -> list[Recognised]:
    """The user's jobs, likewise."""
    until = time.monotonic() + HEALED_S
    with Client(url, user) as client:
        while any(job["state"] == "waiting" for job in client.jobs.all()) and time.monotonic() < until:
            time.sleep(POLL_S)
        return list(client.jobs.all())
