"""Simulated operators of different skill, each with an identity of its own, who work over HTTP as people do."""

import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from threading import Event

from quorate.client import Client
from quorate.following import FINISHED
from quorate.shapes import Ballot, Lease, Task
from quorate.truths import Truths

MOST_LEASES = 5
OK = 200
IDLE_S = 3.0
"""Once no operator has got a lease for so long, nothing is left for any of them."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 0.5
WATCH_S = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Who works on what: as many operators as there are skills; the same seed gives the same choices."""

    task_id: str
    skills: Sequence[float]
    seed: int = 0
    pause_s: float = 0.0
    timeout_s: float = 600.0


@dataclass(slots=True)
class Tally:
    """What one operator did. `right` and `known` count the votes on images whose truth is known."""

    name: str
    skill: float
    votes: int = 0
    refused: int = 0
    right: int = 0
    known: int = 0


@dataclass(slots=True)
class Shift:
    """What all operators share while they work."""

    plan: Plan
    truths: Truths
    stop: Event = field(default_factory=Event)
    busy: set[str] = field(default_factory=set[str])
    last_busy_at: float = field(default_factory=time.monotonic)

    @contextmanager
    def occupied(self, operator: str) -> Generator[None]:
        self.busy.add(operator)
        try:
            yield
        finally:
            self.last_busy_at = time.monotonic()
            self.busy.discard(operator)

    def idle_s(self) -> float:
        """For how long nobody has held a lease."""
        return 0.0 if self.busy else time.monotonic() - self.last_busy_at


@dataclass(frozen=True, slots=True)
class Operator:
    """One simulated person."""

    client: Client
    shift: Shift
    tally: Tally

    def work(self) -> None:
        """Leases, looks and votes until told to stop; an error stops everybody."""
        try:
            self._work()
        except BaseException:
            self.shift.stop.set()
            raise

    def _work(self) -> None:
        pause_s, rounds = FIRST_PAUSE_S, 0
        while not self.shift.stop.is_set():
            rounds += 1
            answer = self.client.lease(
                1 + int(MOST_LEASES * self._chance("count", str(rounds))), self.shift.plan.task_id
            )
            if answer["leases"]:
                pause_s = FIRST_PAUSE_S
                with self.shift.occupied(self.tally.name):
                    self._vote(answer["leases"])
            else:
                if answer.get("opening"):
                    self.shift.last_busy_at = time.monotonic()
                # Others hold what is left, or more is still to come: look again, ever more rarely.
                self.shift.stop.wait(pause_s)
                pause_s = FIRST_PAUSE_S if answer["more"] else min(LONGEST_PAUSE_S, pause_s * 2)

    def _vote(self, leases: Sequence[Lease]) -> None:
        chosen = dict[str, str]()
        ballots = list[Ballot]()
        for lease in leases:
            self.client.image_bytes(lease["image_url"])
            if self.shift.stop.wait(self.shift.plan.pause_s):
                self.client.give_back(lease["subtask_id"])
                continue
            label = self.choose(lease)
            chosen[lease["subtask_id"]] = label
            ballots.append(Ballot(subtask_id=lease["subtask_id"], label=label, token=lease["token"]))
        for outcome in self.client.votes(ballots) if ballots else ():
            if outcome["status"] == OK:
                self._count(outcome["subtask_id"], chosen[outcome["subtask_id"]])
            else:
                self.tally.refused += 1

    def choose(self, lease: Lease) -> str:
        """The truth as often as the operator's skill says, else some other label.

        Where the truth is not known, the pre-label stands for it, or a label that all operators see in this image.
        """
        subtask_id, labels = lease["subtask_id"], lease["labels"]
        right = self.shift.truths.label(subtask_id)
        if right is None and lease["prelabel"] is not None:
            right = lease["prelabel"]["label"]
        if right not in labels:
            right = labels[int(chance("consensus", subtask_id) * len(labels))]
        others = [label for label in labels if label != right]
        if not others or self._chance("right", subtask_id) < self.tally.skill:
            return right
        return others[int(self._chance("other", subtask_id) * len(others))]

    def _count(self, subtask_id: str, label: str) -> None:
        self.tally.votes += 1
        truth = self.shift.truths.label(subtask_id)
        if truth is not None:
            self.tally.known += 1
            self.tally.right += truth == label

    def _chance(self, *what: str) -> float:
        return chance(str(self.shift.plan.seed), self.tally.name, *what)


def chance(*what: str) -> float:
    """A number from 0 to below 1, the same for the same words."""
    digest = blake2b("\0".join(what).encode("utf-8", "surrogatepass"), digest_size=6).digest()
    return int.from_bytes(digest, "big") / 2**48


def simulate(
    owner: Client, connect: Callable[[str], Client], plan: Plan, truths: Truths, watch: Callable[[Task], None]
) -> list[Tally]:
    """Lets the operators work until the task is finished, nothing is left for them, or the time is over.

    `connect` makes the client of a named operator; `watch` sees the task now and then.
    """
    shift = Shift(plan, truths)
    tallies = [Tally(f"sim-{number}", skill) for number, skill in enumerate(plan.skills, 1)]
    with ThreadPoolExecutor(len(tallies), "operator") as threads, _stopped(shift):
        working = [threads.submit(_employ, connect, shift, tally) for tally in tallies]
        _oversee(owner, shift, working, watch)
    for future in working:
        future.result()
    return tallies


def _employ(connect: Callable[[str], Client], shift: Shift, tally: Tally) -> None:
    with connect(tally.name) as client:
        Operator(client, shift, tally).work()


@contextmanager
def _stopped(shift: Shift) -> Generator[None]:
    """However the block ends, the operators stop: the pool waits for them."""
    try:
        yield
    finally:
        shift.stop.set()


def _oversee(owner: Client, shift: Shift, working: Sequence[Future[None]], watch: Callable[[Task], None]) -> None:
    plan = shift.plan
    end = time.monotonic() + plan.timeout_s
    idle_s = IDLE_S
    while not shift.stop.wait(WATCH_S) and time.monotonic() < end:
        task = owner.task(plan.task_id)
        watch(task)
        detector = task["detector"]
        if detector.get("mode") in {"vote", "accept"}:
            # Images may still be held back for their pre-label.
            idle_s = IDLE_S + detector.get("prelabel_wait_s", 0.0)
        if task["state"] in FINISHED or shift.idle_s() > idle_s:
            return
        if any(future.done() for future in working):
            return
