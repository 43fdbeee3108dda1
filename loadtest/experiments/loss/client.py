"""`python -P -m loadtest.experiments.loss.client`: the client at the end of the link, a process of its own.

It reads its orders from the first line of its input and prepares; then says `prepared`, and waits for a line. It works
until all jobs have ended, says `worked`, and waits for a line again; then it looks what the platform has, and prints
that. Between, the link is made worse and whole again.
"""

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from io import BytesIO
from queue import Empty, SimpleQueue

import httpx

from loadtest.experiments.loss.orders import Job, Orders, Outcome
from quorate.client import Client
from quorate.errors import ApiError, QuorateError
from quorate.retries import RetryPolicy
from quorate.shapes import DetectorFields, QuorumFields, Result
from quorate.uploads import Part

PREPARED, WORKED = "prepared", "worked"
USER = "loss"
POLL_S = 0.2
LONGEST_PAUSE_S = 1.0
HEALED_S = 20.0
KEEP_ALIVE_S = 4.0
NOT_FOUND = 404


@dataclass(slots=True)
class Seen:
    """What the clients saw so far; every thread writes to it."""

    jobs: list[Job] = field(default_factory=list[Job])
    acknowledged: set[str] = field(default_factory=set[str])
    sent: int = 0
    answered: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class CountingTransport(httpx.HTTPTransport):
    """Sends requests, and counts those that submit something and those of them that are answered."""

    def __init__(self, seen: Seen) -> None:
        super().__init__(limits=httpx.Limits(keepalive_expiry=KEEP_ALIVE_S))
        self._seen = seen

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        is_submission = request.method == "POST"
        with self._seen.lock:
            self._seen.sent += is_submission
        response = super().handle_request(request)
        with self._seen.lock:
            self._seen.answered += is_submission
        return response


def work(orders: Orders, task_id: str) -> Outcome:
    """Do all jobs, so many at a time, until the limit."""
    names: SimpleQueue[str] = SimpleQueue()
    for name in orders.names:
        names.put(name)
    seen = Seen()
    began = time.monotonic()
    end = began + orders.limit_s
    # They are daemons: who still waits for an answer when time is up is not waited for.
    threads = [
        threading.Thread(target=_jobs, args=(orders, task_id, names, end, seen), daemon=True)
        for _ in range(orders.clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    with seen.lock:
        return Outcome(
            jobs=list(seen.jobs),
            wall_s=time.monotonic() - began,
            sent=seen.sent,
            answered=seen.answered,
            acknowledged=sorted(seen.acknowledged),
        )


def audited(outcome: Outcome, url: str, task_id: str) -> Outcome:
    """The outcome, with what the platform lost or has twice, now that the link is whole."""
    results = _healed_results(url, task_id)
    labeled = {result["filename"] for result in results if result["label"] is not None}
    copies = Counter(result["filename"] for result in results)
    return replace(
        outcome,
        lost=sorted(set(outcome.acknowledged) - labeled),
        doubled=sorted(name for name, count in copies.items() if count > 1),
    )


def _jobs(orders: Orders, task_id: str, names: SimpleQueue[str], end: float, seen: Seen) -> None:
    """One client: takes the next picture until there is none."""
    left_s = max(0.0, end - time.monotonic())
    retries = RetryPolicy(attempts=10**6, for_s=left_s, longest_pause_s=LONGEST_PAUSE_S)
    policy = retries if orders.has_retries else RetryPolicy(attempts=1)
    job = _task_job if orders.way == "task" else _direct_job
    transport = CountingTransport(seen)
    with Client(orders.url, USER, timeout_s=orders.timeout_s, retry=policy, transport=transport) as client:
        while time.monotonic() < end:
            try:
                name = names.get_nowait()
            except Empty:
                return
            done = _done(name, partial(job, client, orders, task_id, name, end, seen))
            with seen.lock:
                if time.monotonic() < end:
                    seen.jobs.append(done)


def _done(name: str, job: Callable[[], str | None]) -> Job:
    began = time.monotonic()
    try:
        label = job()
    except (QuorateError, httpx.HTTPError) as error:
        return Job(name=name, seconds=time.monotonic() - began, fault=str(error))
    return Job(name=name, seconds=time.monotonic() - began, label=label)


def _task_job(client: Client, orders: Orders, task_id: str, name: str, end: float, seen: Seen) -> str | None:
    """Upload, then ask for the label until it is there."""
    data = orders.picture(name)
    (image,) = client.upload(task_id, [Part(name, len(data), partial(BytesIO, data))])["images"]
    if image["image_id"] is None:
        raise QuorateError(f"{name} was {image['status']}: {image['reason']}")
    with seen.lock:
        seen.acknowledged.add(name)
    while time.monotonic() < end:
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


def _direct_job(client: Client, orders: Orders, _task_id: str, name: str, _end: float, seen: Seen) -> str | None:
    """Ask the detector; the label is that of the surest object, and of equally sure ones the first, as in a task."""
    found = client.detect(orders.picture(name), name)["objects"]
    with seen.lock:
        seen.acknowledged.add(name)
    return min(found, key=lambda one: (-one["accuracy"], one["label"]))["label"] if found else None


def _healed_results(url: str, task_id: str) -> list[Result]:
    """The task's results, once the detector is through with all of them or has had its time."""
    until = time.monotonic() + HEALED_S
    with Client(url, USER) as client:
        while client.task(task_id)["counts"]["open"] and time.monotonic() < until:
            time.sleep(POLL_S)
        return list(client.results(task_id))


def _task(orders: Orders) -> str:
    """A task in which the detector's label is the result."""
    decides = DetectorFields(mode="accept", accept_confidence=0.0, audit_share=0.0)
    with Client(orders.url, USER) as client:
        return client.create_task("loss", orders.labels, quorum=QuorumFields(votes_required=1), detector=decides)["id"]


def _says(word: str) -> None:
    print(word, flush=True)
    if not sys.stdin.readline():
        raise SystemExit(f"nobody says what comes after {word!r}")


def main() -> int:
    """Do as ordered; returns the exit status."""
    try:
        _obey()
    except QuorateError as error:
        print(f"loss client: {error}", file=sys.stderr)
        return 1
    return 0


def _obey() -> None:
    orders = Orders.from_json(sys.stdin.readline())
    task_id = _task(orders) if orders.way == "task" else ""
    _says(PREPARED)
    outcome = work(orders, task_id)
    _says(WORKED)
    print((audited(outcome, orders.url, task_id) if task_id else outcome).to_json(), flush=True)


if __name__ == "__main__":
    sys.exit(main())
