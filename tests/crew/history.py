"""What clients asked and were told, and a checker that holds the platform to it.

Every operation is invoked, and then ends ok (it was answered), fail (it was refused) or info (no answer came: it may
have happened or not). What is promised is in DESIGN 7; the checker names the invariant that was broken.
"""

import hashlib
import itertools
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from quorate.client import Client
from quorate.errors import ApiError, UnreachableError
from shared.terms import QuorumPolicy
from tests import quorum_oracle as oracle
from tests.crew.beliefs import Beliefs, believed

Outcome = Literal["ok", "fail", "info"]
READERS = 3
"""Threads that read while it is checked."""


@dataclass(slots=True)
class Operation:
    """One request. `subtask` and `label` for those that have them; `group`: sent at the same time as others."""

    kind: str
    process: str
    index: int
    group: int
    subtask: str = ""
    label: str = ""
    token: str = ""
    task: str = ""
    sent: Sequence[str] = ()
    outcome: Outcome | None = None
    status: int = 0
    detail: str = ""
    answer: Any = None
    ended_at: float = 0.0
    is_late: bool = False
    """No answer came in time, though the platform lives: it may still happen."""

    def end(self, outcome: Outcome, *, status: int = 0, detail: str = "", answer: Any = None) -> None:
        self.outcome, self.status, self.detail, self.answer = outcome, status, detail, answer
        self.ended_at = time.time()

    def end_by_status(self, status: int, detail: str, answer: Any = None) -> None:
        outcome: Outcome = "ok" if status < 300 else "fail" if status < 500 else "info"
        self.end(outcome, status=status, detail=detail, answer=answer)


class History:
    """All operations of all clients, and what was seen wrong at once."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.violations: list[str] = []
        self.looks: set[tuple[str, str]] = set()
        self.is_every_info_late = False
        """Whether what got no answer may happen later, since something behind the platform still has it in hand."""
        self._sightings: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()
        self._index = itertools.count()
        self._indexed = 0
        self._decisions: dict[str, list[Operation]] = {}

    def invoke(self, kind: str, process: str, *, group: int | None = None, **what: Any) -> Operation:
        with self._lock:
            index = next(self._index)
            operation = Operation(kind, process, index, index if group is None else group, **what)
            self.operations.append(operation)
        return operation

    @contextmanager
    def recorded(self, kind: str, process: str, **what: Any) -> Iterator[Operation]:
        """An operation that the client's errors end; afterwards `outcome` says how."""
        operation = self.invoke(kind, process, **what)
        try:
            yield operation
        except ApiError as error:
            operation.end_by_status(error.status, error.detail)
        except UnreachableError as error:
            operation.is_late = isinstance(error.__cause__, httpx.TimeoutException) and not isinstance(
                error.__cause__, httpx.ConnectTimeout
            )
            operation.end("info", detail=str(error))

    def violated(self, invariant: str, text: str) -> None:
        with self._lock:
            self.violations.append(f"{invariant}: {text}")

    def look(self, subtask: str, content: bytes) -> None:
        """An operator looked at a subtask's picture."""
        self.looks.add((subtask, hashlib.sha256(content).hexdigest()))

    def sight(self, source: str, image_id: str, result: Any) -> None:
        """Somebody read the result of an image that has ended: it stays as it is, until an adjudicator decides anew."""
        seen = self._sightings.setdefault((source, image_id), result)
        if seen == result:
            return
        if result[DECIDED_BY] == "adjudicator" and result[REVISION] > seen[REVISION]:
            self._sightings[source, image_id] = result
        else:
            self.violated("I7", f"the result of {image_id} at the {source} was {seen} and then {result}")

    def decisions(self, subtask: str) -> list[Operation]:
        """What adjudicators may have decided on a subtask."""
        if len(self.operations) != self._indexed:
            self._indexed = len(self.operations)
            self._decisions = defaultdict(list)
            for one in self.operations:
                if one.kind == "adjudicate" and one.outcome != "fail":
                    self._decisions[one.subtask].append(one)
        return self._decisions.get(subtask, [])

    def tally(self) -> Counter[tuple[str, str]]:
        return Counter((one.kind, one.outcome or "info") for one in self.operations)


SHOWN = ("label", "agreement", "votes", "decided_by", "revision", "completed_at")
DECIDED_BY, REVISION = SHOWN.index("decided_by"), SHOWN.index("revision")


def shown(result: dict[str, Any]) -> tuple[Any, ...]:
    """The part of a result that both services tell, and tell alike."""
    values = {name: result[name] for name in SHOWN}
    values["votes"] = sorted((values["votes"] or {}).items())
    return tuple(values.values())


class Checker:
    """Reads everything of a task once the work has ended, and compares."""

    def __init__(
        self,
        history: History,
        client: Client,
        task_id: str,
        labels: Sequence[str],
        pictures: dict[str, bytes],
        policy: QuorumPolicy = oracle.DEFAULT,
    ) -> None:
        self._history = history
        self._client = client
        self._task_id = task_id
        self._labels = tuple(labels)
        self._pictures = pictures
        """Every picture that was ever sent, by the hash of its bytes."""
        self._policy = policy

    def check(self) -> dict[str, int]:
        """Counts of what was checked. Raises AssertionError with everything that is wrong."""
        counts = self.examine(believed(self._history))
        assert not self._history.violations, "\n".join(
            [f"{len(self._history.violations)} violations:", *self._history.violations[:20]]
        )
        return counts

    def examine(self, beliefs: Beliefs) -> dict[str, int]:
        """Counts of what was checked; the history says what is wrong. `beliefs` on subtasks of this task alone."""
        results = {item["image_id"]: dict(item) for item in self._listed()}
        with ThreadPoolExecutor(READERS) as readers:
            found = dict(zip(results, readers.map(self._subtask, results), strict=True))
            list(readers.map(self._check_bytes, results.values()))
        subtasks = {image_id: subtask for image_id, subtask in found.items() if subtask is not None}
        images = self._check_images(results)
        self._check_looks(results)
        votes = self._check_votes(subtasks, beliefs)
        for image_id, subtask in subtasks.items():
            self._check_quorum(image_id, subtask)
            self._check_agreed(results[image_id], subtask)
        self._check_end(results)
        states = Counter(item["state"] for item in results.values())
        return {"images": images, "votes": votes, **states}

    def _broken(self, invariant: str, text: str) -> None:
        self._history.violated(invariant, text)

    def _subtask(self, image_id: str) -> dict[str, Any] | None:
        """I9: every image can be labeled."""
        try:
            return dict(self._client.subtask(image_id))
        except ApiError as error:
            if error.status != 404:
                raise
            self._broken("I9", f"nobody can label {image_id}: {error}")
            return None

    def _listed(self) -> list[Any]:
        items = list(self._client.results(self._task_id))
        for kind in ("image_id", "sha256"):
            twice = [value for value, count in Counter(item[kind] for item in items).items() if count > 1]
            if twice:
                self._broken("I1", f"images are there twice by {kind}: {twice[:5]}")
        return items

    def _check_images(self, results: dict[str, dict[str, Any]]) -> int:
        """I1: what was acknowledged is there, once, as sent. I3: nothing else is."""
        acknowledged: dict[str, str] = {}
        accepted: Counter[str] = Counter()
        for one in self._history.operations:
            if one.kind != "upload" or one.outcome != "ok" or one.task not in ("", self._task_id):
                continue
            reports = one.answer["images"]
            if sorted(report["sha256"] or "" for report in reports) != sorted(one.sent):
                self._broken("I1", f"{one.process} sent {len(one.sent)} pictures and was told of others: {reports}")
            for report in reports:
                if report["status"] not in ("accepted", "duplicate"):
                    self._broken("I1", f"a good picture was refused: {report}")
                    continue
                if acknowledged.setdefault(report["image_id"], report["sha256"]) != report["sha256"]:
                    self._broken("I1", f"two pictures were told the same id: {report}")
                accepted[report["sha256"]] += report["status"] == "accepted"
        for image_id, sha256 in acknowledged.items():
            if results.get(image_id, {}).get("sha256") != sha256:
                self._broken("I1", f"an acknowledged image is lost or another: {image_id} of {sha256}")
        for sha256, count in accepted.items():
            if count > 1:
                self._broken("I1", f"a picture was accepted {count} times: {sha256}")
        for image_id, item in results.items():
            if item["sha256"] not in self._pictures:
                self._broken("I3", f"an image that nobody sent: {image_id}")
        return len(acknowledged)

    def _check_bytes(self, item: dict[str, Any]) -> None:
        """I1: the stored bytes are there and are what they are said to be."""
        image_id = item["image_id"]
        try:
            content = self._client.image_bytes(item["image_url"])
        except ApiError as error:
            self._broken("I1", f"the bytes of {image_id} cannot be read: {error}")
            return
        if hashlib.sha256(content).hexdigest() != item["stored_sha256"]:
            self._broken("I1", f"the bytes of {image_id} are not those that were stored")
        if item["stored_sha256"] == item["sha256"] and content != self._pictures.get(item["sha256"]):
            self._broken("I1", f"the bytes of {image_id} are not those that were sent")

    def _check_looks(self, results: dict[str, dict[str, Any]]) -> None:
        """I1: what operators were shown is what was stored."""
        for subtask, sha256 in self._history.looks:
            if subtask in results and results[subtask]["stored_sha256"] != sha256:
                self._broken("I1", f"an operator was shown another picture for {subtask}")

    def _check_votes(self, subtasks: dict[str, dict[str, Any]], beliefs: Beliefs) -> int:
        """I2, I3, I4: each vote that was acknowledged is there once, and none that nobody cast."""
        present: dict[tuple[str, str], list[str | None]] = defaultdict(list)
        for subtask_id, subtask in subtasks.items():
            for vote in subtask["votes"]:
                present[subtask_id, vote["voter"]].append(vote["label"])
        for key, labels in present.items():
            if len(labels) > 1:
                self._broken("I4", f"{key[1]} counts {len(labels)} times for {key[0]}")
            if key not in beliefs or not set(labels) <= beliefs[key].possible():
                self._broken("I3", f"a vote of {key[1]} for {key[0]} that was not cast, or was undone: {labels}")
        certain = 0
        for key, belief in beliefs.items():
            if None not in belief.possible():
                certain += 1
                if key not in present:
                    self._broken("I2", f"an acknowledged vote of {key[1]} for {key[0]} is lost: {belief.possible()}")
        return certain

    def _check_quorum(self, image_id: str, subtask: dict[str, Any]) -> None:
        """I5: ended when the policy says so, not earlier and not later. I6: as f(votes) says."""
        labels = [vote["label"] for vote in subtask["votes"]]
        if len(labels) > self._policy.max_votes:
            self._broken("I5", f"{image_id} has {len(labels)} votes")
            return
        expected = oracle.outcome(self._policy, labels, self._labels)
        before = oracle.outcome(self._policy, labels[:-1], self._labels)
        if labels and before.state != "open":
            self._broken("I5", f"{image_id} took a vote more than it needed: {labels}")
        decisions = self._history.decisions(image_id)
        if decisions and subtask["result"] is not None:
            self._check_decided(image_id, subtask["result"], labels, decisions)
            return
        if subtask["state"] != expected.state:
            self._broken("I5", f"{image_id} is {subtask['state']} with {labels}, and should be {expected.state}")
            return
        result = subtask["result"]
        if result is None:
            return
        told = oracle.Outcome(subtask["state"], result["label"], result["agreement"], result["decided_by"])
        if told != expected or result["votes"] != dict(Counter(labels)) or result["revision"] != 1:
            self._broken("I6", f"the result of {image_id} is {result}, and should be {expected} of {labels}")

    def _check_decided(
        self, image_id: str, result: dict[str, Any], labels: list[str], decisions: list[Operation]
    ) -> None:
        """I6: the highest revision wins. An adjudicator decides a subtask for one label, however often it is sent."""
        if result["revision"] == 1 and all(one.outcome != "ok" for one in decisions):
            return
        label = decisions[0].label
        told = (result["label"], result["decided_by"], result["revision"], result["agreement"])
        if told != (label, "adjudicator", 2, labels.count(label) / len(labels) if labels else None):
            self._broken("I6", f"{image_id} was decided for {label!r} by an adjudicator and is {result}")

    def _check_agreed(self, item: dict[str, Any], subtask: dict[str, Any]) -> None:
        """I6: both services tell the same; I7: and what they told before."""
        image_id = item["image_id"]
        if item["state"] != subtask["state"]:
            self._broken("I6", f"{image_id} is {item['state']} for the client and {subtask['state']} for operators")
        elif subtask["result"] is not None:
            if shown(item) != shown(subtask["result"]):
                self._broken("I6", f"the result of {image_id} is {shown(item)} and {shown(subtask['result'])}")
            self._history.sight("task manager", image_id, shown(item))
            self._history.sight("subtask manager", image_id, shown(subtask["result"]))
            self._history.sight("an export", image_id, shown(item))

    def _check_end(self, results: dict[str, dict[str, Any]]) -> None:
        """I9: everything has ended, and nothing was given up. I13: the counts are a recount."""
        task = self._client.task(self._task_id)
        states = Counter(item["state"] for item in results.values())
        named = ("open", "completed", "disputed", "processing", "failed")
        recount = {state: states[state] for state in named} | {"images": len(results)}
        if task["counts"] != recount:
            self._broken("I13", f"the counts are {task['counts']}, and should be {recount}")
        if task["state"] != "completed" or states["open"]:
            self._broken("I9", f"the task is {task['state']} with {states['open']} open images")
        dead = self._client.dead()
        if dead:
            self._broken("I9", f"{len(dead)} dead letters, the first: {dead[0]}")
