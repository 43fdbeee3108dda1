"""Reads everything once the work has ended, and holds it to what is promised: I1 to I13 of DESIGN 7."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from quorate.client import Client
from quorate.errors import ApiError, NotInTimeError
from shared.objects.keys import kept_renditions, original_of, with_renditions
from tests.chaos.world import World
from tests.crew.beliefs import Beliefs, believed
from tests.crew.crew import Crew
from tests.crew.history import Checker
from tests.crew.operators import LABELS
from tests.crew.orders import Order

PATIENCE_S = 30.0
NOT_FOUND, GONE = 404, 410
RUN_S = 120.0
"""So long a run may take to end: it waits for the claim of a process that was killed, twice at the most."""
KEPT_RUNS = 10
POLL_S = 0.1


@dataclass
class Findings:
    """What an audit saw. `recovered`: what a request without an answer had saved after all."""

    violations: list[str] = field(default_factory=list)
    checked: Counter[str] = field(default_factory=Counter)
    recovered: int = 0

    def invariants(self) -> set[str]:
        return {violation.partition(":")[0] for violation in self.violations}

    def count(self, kind: str) -> int:
        return sum(kind_of(violation) == kind for violation in self.violations)


def kind_of(violation: str) -> str:
    """Whether something was lost, is there twice, or came from nowhere; `broken` is every other promise."""
    invariant, _, text = violation.partition(": ")
    if invariant == "I3":
        return "unexpected"
    if invariant == "I4" or "twice" in text or " times" in text:
        return "duplicated"
    if invariant in ("I1", "I2"):
        return "lost"
    return "broken"


class Audit:
    """`patience_s`: how long what is erased and collected after the end may take."""

    def __init__(self, crew: Crew, world: World, client: Client, *, patience_s: float = PATIENCE_S) -> None:
        self._crew = crew
        self._history = crew.history
        self._world = world
        self._client = client
        self._patience_s = patience_s
        self._findings = Findings()

    def check(self) -> Findings:
        """Everything; what is wrong is in the findings, and nothing is raised for it."""
        by_task = self._by_task(believed(self._history))
        for order in self._crew.orders:
            if not order.id:
                self._broken("I9", f"nobody was ever told of the task {order.name} of {order.owner}")
            elif order.is_cancelled:
                self._check_erased(order)
            else:
                self._check_task(order, by_task.get(order.id, {}))
        self._check_tasks()
        self._check_runs()
        self._check_objects()
        self._check_looks()
        for ailment in self._world.ailments():
            self._broken(*ailment.split(": ", 1))
        self._findings.violations = self._history.violations
        return self._findings

    def _broken(self, invariant: str, text: str) -> None:
        self._history.violated(invariant, text)

    def _by_task(self, beliefs: Beliefs) -> dict[str, Beliefs]:
        found: dict[str, Beliefs] = defaultdict(dict)
        for (subtask, voter), belief in beliefs.items():
            found[self._crew.tasks_of.get(subtask, "")][subtask, voter] = belief
        return found

    def _check_task(self, order: Order, beliefs: Beliefs) -> None:
        checker = Checker(self._history, self._client, order.id, LABELS, self._crew.pictures, order.policy)
        try:
            self._findings.checked.update(checker.examine(beliefs))
        except ApiError as error:
            self._broken("I1", f"{order.id} cannot be read: {error}")
            return
        self._findings.recovered += self._count_recovered(order, beliefs)
        owner = self._client.task(order.id)["owner"]
        if owner != order.owner:
            self._broken("I12", f"{order.id} of {order.owner} belongs to {owner}")

    def _count_recovered(self, order: Order, beliefs: Beliefs) -> int:
        """Images and votes whose requests had no answer, and that are there."""
        uploads = [upload for upload in self._history.operations if upload.kind == "upload" and upload.task == order.id]
        reports = [image for upload in uploads if upload.outcome == "ok" for image in upload.answer["images"]]
        told = {image["sha256"] for image in reports if image["status"] == "accepted"}
        images = [item["sha256"] for item in self._client.results(order.id)]
        doubtful = {subtask for (subtask, _), belief in beliefs.items() if None in belief.possible()}
        voters = {key for key, belief in beliefs.items() if None in belief.possible() and len(belief.possible()) > 1}
        votes = sum(
            (subtask, vote["voter"]) in voters
            for subtask in doubtful & {subtask for subtask, _ in voters}
            for vote in self._client.subtask(subtask)["votes"]
        )
        return sum(sha256 not in told for sha256 in images) + votes

    def _check_erased(self, order: Order) -> None:
        """A cancelled task has nothing left, for anybody."""
        if order.id not in self._crew.cancelled:
            self._broken("I9", f"{order.id} was never cancelled")
            return
        task = self._client.task(order.id)
        if task["state"] != "cancelled":
            self._broken("I7", f"{order.id} was cancelled and is {task['state']}")
        if not self._in_time(lambda: not any(self._client.task(order.id)["counts"].values())):
            self._broken("I9", f"the images of {order.id} were not erased: {self._client.task(order.id)['counts']}")
        elif not self._is_gone(lambda: list(self._client.results(order.id)), GONE):
            self._broken("I9", f"{order.id} is erased and has results")
        of_task = [subtask_id for subtask_id, task_id in self._crew.tasks_of.items() if task_id == order.id]
        if not self._in_time(
            lambda: all(self._is_gone(lambda at=subtask_id: self._client.subtask(at)) for subtask_id in of_task)
        ):
            self._broken("I11", f"subtasks of the cancelled {order.id} are still there")
        self._findings.checked["erased"] += 1

    def _is_gone(self, ask: Callable[[], object], status: int = NOT_FOUND) -> bool:
        try:
            ask()
        except ApiError as error:
            return error.status == status
        return False

    def _check_tasks(self) -> None:
        """I3, I10: the tasks that are there are those that were asked for, each once."""
        known = {order.id: order for order in self._crew.orders}
        listed = [task["id"] for task in self._client.tasks()]
        strangers = set(listed) - set(known)
        if strangers:
            self._broken("I10", f"{len(strangers)} tasks that nobody was told of: {sorted(strangers)[:3]}")
        if len(listed) != len(set(listed)) or not {known_id for known_id in known if known_id} <= set(listed):
            self._broken("I1", "tasks are missing from the list, or are there twice")
        if len(known) != len(self._crew.orders):
            self._broken("I12", "two orders were given the same task")

    def _check_runs(self) -> None:
        """I9: every consensus run that was acknowledged ends, and has each image once; of each task the latest are
        kept."""
        cancelled = {order.id for order in self._crew.orders if order.is_cancelled}
        for run_id, task_id in self._crew.runs.items():
            if task_id in cancelled:
                continue
            kept = [one["id"] for one in self._client.consensus.runs(task_id)]
            if len(kept) != len(set(kept)):
                self._broken("I9", f"a run of {task_id} is there twice: {kept}")
            if run_id in kept:
                self._check_run(run_id)
            elif len(kept) < KEPT_RUNS:
                self._broken("I9", f"the run {run_id} of {task_id} is gone")

    def _check_run(self, run_id: str) -> None:
        try:
            run = self._client.consensus.wait(run_id, RUN_S)
        except NotInTimeError as error:
            self._broken("I9", str(error))
            return
        images = [one["image_id"] for one in self._client.consensus.results(run_id)] if run["images"] else []
        if run["state"] == "failed" and not run["why"]:
            self._broken("I9", f"the run {run_id} failed and does not say why")
        if len(images) != (run["images"] or 0) or len(set(images)) != len(images):
            self._broken("I9", f"the run {run_id} tells of {len(images)} images, and should of {run['images']}")
        self._findings.checked[f"runs {run['state']}"] += 1

    def _check_objects(self) -> None:
        """I11: after collection there is an object for every image, and no other."""
        self._world.collect()
        self._in_time(lambda: not self._strangers())
        objects, strangers = self._world.objects(), self._strangers()
        stored = {one for key in self._world.references() for one in with_renditions(key)[: 1 + kept_renditions(key)]}
        if stored - objects:
            self._broken("I11", f"images lost {len(stored - objects)} of their objects: {_some(stored - objects)}")
        if strangers:
            self._broken("I11", f"{len(strangers)} objects belong to nobody: {_some(strangers)}")
        self._findings.checked["objects"] = len(objects)

    def _strangers(self) -> set[str]:
        """The objects that are neither an image's nor its renditions."""
        references = self._world.references()
        return {key for key in self._world.objects() if original_of(key) not in references}

    def _check_looks(self) -> None:
        """I1: nobody was ever shown a picture that was not sent, or not for a subtask that they were given."""
        for subtask, _ in self._history.looks:
            if subtask not in self._crew.tasks_of:
                self._broken("I1", f"a picture of an unknown subtask was shown: {subtask}")

    def _in_time(self, is_so: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + self._patience_s
        while not is_so():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True


def _some(keys: set[str]) -> list[str]:
    return sorted(keys)[:3]
