"""What clients asked and were told, and a checker that holds the platform to it.

Every operation is invoked, and then ends ok (it was answered), fail (it was refused) or info (no answer came: it may
have happened or not). What is promised is in DESIGN 7; the checker names the invariant that was broken.
"""

import hashlib
import itertools
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import httpx

from quorate.client import Client
from quorate.errors import ApiError, UnreachableError
from tests.e2e import oracle

Outcome = Literal["ok", "fail", "info"]
LEASE_MARGIN_S = 0.1
"""A lease that ended so shortly after an answer may have ended before it."""


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
        self._sightings: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()
        self._index = itertools.count()

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
        """Somebody read the result of an image that has ended: it stays as it is."""
        seen = self._sightings.setdefault((source, image_id), result)
        if seen != result:
            self.violated("I7", f"the result of {image_id} at the {source} was {seen} and then {result}")

    def tally(self) -> Counter[tuple[str, str]]:
        return Counter((one.kind, one.outcome or "info") for one in self.operations)


@dataclass(slots=True)
class _Belief:
    """What one voter may have cast for one subtask, None for nothing; and the lease it was last told of."""

    labels: set[str | None] = field(default_factory=lambda: {None})
    late: set[str | None] = field(default_factory=set[str | None])
    token: str = ""
    expires_at: float = 0.0

    def possible(self) -> set[str | None]:
        return self.labels | self.late


def shown(result: dict[str, Any]) -> tuple[Any, ...]:
    """The part of a result that both services tell, and tell alike."""
    names = ("label", "agreement", "votes", "decided_by", "revision", "completed_at")
    values = {name: result[name] for name in names}
    values["votes"] = sorted((values["votes"] or {}).items())
    return tuple(values.values())


class Checker:
    """Reads everything once the work has ended, and compares."""

    def __init__(
        self, history: History, client: Client, task_id: str, labels: Sequence[str], pictures: dict[str, bytes]
    ) -> None:
        self._history = history
        self._client = client
        self._task_id = task_id
        self._labels = tuple(labels)
        self._pictures = pictures
        """Every picture that was ever sent, by the hash of its bytes."""

    def check(self) -> dict[str, int]:
        """Counts of what was checked. Raises AssertionError with everything that is wrong."""
        results = {item["image_id"]: dict(item) for item in self._listed()}
        subtasks = {image_id: dict(self._client.subtask(image_id)) for image_id in results}
        images = self._check_images(results)
        self._check_bytes(results)
        votes = self._check_votes(subtasks)
        for image_id, subtask in subtasks.items():
            self._check_quorum(image_id, subtask)
            self._check_agreed(results[image_id], subtask)
        self._check_end(results)
        assert not self._history.violations, "\n".join(
            [f"{len(self._history.violations)} violations:", *self._history.violations[:20]]
        )
        states = Counter(item["state"] for item in results.values())
        return {"images": images, "votes": votes, **states}

    def _broken(self, invariant: str, text: str) -> None:
        self._history.violated(invariant, text)

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
            if one.kind != "upload" or one.outcome != "ok":
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

    def _check_bytes(self, results: dict[str, dict[str, Any]]) -> None:
        """I1: the stored bytes are there and are what they are said to be."""
        for image_id, item in results.items():
            try:
                content = self._client.image_bytes(item["image_url"])
            except ApiError as error:
                self._broken("I1", f"the bytes of {image_id} cannot be read: {error}")
                continue
            if hashlib.sha256(content).hexdigest() != item["stored_sha256"]:
                self._broken("I1", f"the bytes of {image_id} are not those that were stored")
            if item["stored_sha256"] == item["sha256"] and content != self._pictures.get(item["sha256"]):
                self._broken("I1", f"the bytes of {image_id} are not those that were sent")
        for subtask, sha256 in self._history.looks:
            if subtask not in results or results[subtask]["stored_sha256"] != sha256:
                self._broken("I1", f"an operator was shown another picture for {subtask}")

    def _check_votes(self, subtasks: dict[str, dict[str, Any]]) -> int:
        """I2, I3, I4: each vote that was acknowledged is there once, and none that nobody cast."""
        beliefs = self._believed()
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

    def _believed(self) -> dict[tuple[str, str], _Belief]:
        beliefs: dict[tuple[str, str], _Belief] = defaultdict(_Belief)
        fold: dict[str, Callable[[Operation, _Belief], None]] = {
            "vote": self._fold_vote,
            "undo": self._fold_undo,
            "lease": lambda _one, _belief: None,
            "return": _fold_return,
        }
        in_order = sorted(self._history.operations, key=lambda one: (one.group, one.outcome != "ok", one.index))
        for one in in_order:
            if one.kind == "lease" and one.outcome == "ok":
                for lease in one.answer["leases"]:
                    _fold_lease(lease, beliefs[lease["subtask_id"], one.process])
            elif one.kind in fold and one.subtask:
                fold[one.kind](one, beliefs[one.subtask, one.process])
        return beliefs

    def _fold_vote(self, one: Operation, belief: _Belief) -> None:
        if one.outcome == "ok":
            if not belief.possible() & {None, one.label}:
                self._broken("I4", f"{one.process} was told that {one.label!r} counts after {belief.labels}: {one}")
            belief.labels, belief.token = {one.label}, ""
        elif one.outcome != "fail":
            if None in belief.possible():
                belief.labels = belief.labels | {one.label}
                belief.late |= {one.label} if one.is_late else set()
        elif one.status == 409:
            others = belief.possible() - {None, one.label}
            if "another label" in one.detail and not others:
                self._broken("I3", f"{one.process} was told of a vote that it never cast: {one}")
            is_live = one.token == belief.token != "" and one.ended_at < belief.expires_at - LEASE_MARGIN_S
            if is_live and not others:
                self._broken("I8", f"{one.process} was turned away though its lease lives: {one}")

    def _fold_undo(self, one: Operation, belief: _Belief) -> None:
        if one.outcome == "ok":
            belief.labels = {None}
            _fold_lease(one.answer, belief)
        elif one.outcome != "fail":
            belief.labels = belief.labels | {None}
            belief.late |= {None} if one.is_late else set()

    def _check_quorum(self, image_id: str, subtask: dict[str, Any]) -> None:
        """I5: ended when the policy says so, not earlier and not later. I6: as f(votes) says."""
        labels = [vote["label"] for vote in subtask["votes"]]
        if len(labels) > oracle.MAX_VOTES:
            self._broken("I5", f"{image_id} has {len(labels)} votes")
            return
        expected = oracle.outcome(labels, self._labels)
        if subtask["state"] != expected.state:
            self._broken("I5", f"{image_id} is {subtask['state']} with {labels}, and should be {expected.state}")
            return
        before = oracle.outcome(labels[:-1], self._labels)
        if labels and before.state != "open":
            self._broken("I5", f"{image_id} took a vote more than it needed: {labels}")
        result = subtask["result"]
        if result is None:
            return
        told = oracle.Outcome(subtask["state"], result["label"], result["agreement"], result["decided_by"])
        if told != expected or result["votes"] != dict(Counter(labels)) or result["revision"] != 1:
            self._broken("I6", f"the result of {image_id} is {result}, and should be {expected} of {labels}")

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

    def _check_end(self, results: dict[str, dict[str, Any]]) -> None:
        """I9: everything has ended, and nothing was given up. I13: the counts are a recount."""
        task = self._client.task(self._task_id)
        states = Counter(item["state"] for item in results.values())
        recount = {state: states[state] for state in ("open", "completed", "disputed")} | {"images": len(results)}
        if task["counts"] != recount:
            self._broken("I13", f"the counts are {task['counts']}, and should be {recount}")
        if task["state"] != "completed" or states["open"]:
            self._broken("I9", f"the task is {task['state']} with {states['open']} open images")
        dead = self._client.dead()
        if dead:
            self._broken("I9", f"{len(dead)} dead letters, the first: {dead[0]}")


def _fold_return(_one: Operation, belief: _Belief) -> None:
    belief.token = ""


def _fold_lease(lease: dict[str, Any], belief: _Belief) -> None:
    belief.token = lease["token"]
    belief.expires_at = datetime.fromisoformat(lease["expires_at"]).timestamp()
