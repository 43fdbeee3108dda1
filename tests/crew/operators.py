"""Operators who lease, look and vote, many of them out of turn."""

import hashlib
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from quorate.client import Client
from tests.crew.history import Operation

if TYPE_CHECKING:
    from tests.crew.crew import Crew

LABELS = ("cat", "dog", "a.b", "$inc", "__proto__", "größer")
HARD_SHARE = 0.3
"""The share of pictures at which operators guess."""
SKIPPERS = 3
"""Only so many operators skip, so that enough are left for every image."""


def choose(chance: random.Random, subtask: str) -> str:
    """Mostly the same label for everybody; at some pictures a guess."""
    number = int(hashlib.sha256(subtask.encode()).hexdigest(), 16)
    is_hard = number % 100 < 100 * HARD_SHARE
    return chance.choice(LABELS) if is_hard else LABELS[number // 100 % len(LABELS)]


class Operator:
    """Leases, looks, votes; sometimes votes twice, changes their mind, skips, gives back, or comes too late."""

    def __init__(self, crew: "Crew", number: int) -> None:
        self._crew = crew
        self._history = crew.history
        self._name = f"operator{number}"
        self._is_skipper = number < SKIPPERS
        self._chance = random.Random(f"{crew.seed} {self._name}")

    def run(self) -> None:
        crew, chance = self._crew, self._chance
        with crew.client(self._name) as client:
            while not crew.work_ended.is_set():
                task_id = crew.choose_task(chance)
                with self._history.recorded("lease", self._name) as operation:
                    operation.end("ok", status=200, answer=client.lease(chance.randrange(1, 7), task_id))
                if operation.outcome == "fail" and operation.status != 404:  # before the first image: no such task
                    self._history.violated("I8", f"a lease was refused: {operation.status} {operation.detail}")
                crew.note_fault(operation)
                leases = operation.answer["leases"] if operation.outcome == "ok" else []
                crew.tasks_of |= {lease["subtask_id"]: lease["task_id"] for lease in leases}
                if leases:
                    self._label(client, leases)
                    crew.work_ended.wait(chance.uniform(0, 2 * crew.pause_s))
                else:
                    crew.work_ended.wait(chance.uniform(*crew.idle_s))

    def _label(self, client: Client, leases: list[Any]) -> None:
        chance = self._chance
        if chance.random() < 0.01:
            self._crew.work_ended.wait(3.5)  # until the leases have expired
        ballots: list[tuple[str, str, str]] = []
        for lease in leases:
            draw = chance.random()
            if draw < 0.02 and self._is_skipper:
                self._return(lambda at=lease["subtask_id"]: client.skip(at), lease["subtask_id"])
            elif 0.02 <= draw < 0.04:
                self._return(lambda at=lease["subtask_id"]: client.give_back(at), lease["subtask_id"])
            else:
                if draw > 0.8:
                    self._look(client, lease)
                ballots.append((lease["subtask_id"], choose(chance, lease["subtask_id"]), lease["token"]))
        if len(ballots) > 1 and chance.random() < 0.5:
            self._vote_together(client, ballots)
        else:
            for ballot in ballots:
                self._vote(client, *ballot)

    def _look(self, client: Client, lease: Any) -> None:
        with self._history.recorded("look", self._name) as operation:
            self._history.look(lease["subtask_id"], client.image_bytes(lease["image_url"]))
            operation.end("ok", status=200)
        if operation.outcome == "fail" and lease["task_id"] not in self._crew.cancelled:
            self._history.violated("I1", f"a picture was not shown: {operation.status} {operation.detail}")

    def _vote(self, client: Client, subtask: str, label: str, token: str) -> None:
        while True:
            operation = self._cast(client, subtask, label, token)
            if operation.outcome != "info" or self._chance.random() < 0.2 or self._crew.work_ended.wait(0.05):
                break
        if operation.outcome != "ok":
            return
        if self._chance.random() < 0.05:
            again = self._cast(client, subtask, label, token)
            is_gone = again.status == 404 and self._crew.tasks_of[subtask] in self._crew.cancelled
            is_other = again.outcome == "ok" and again.answer != operation.answer
            if is_other or (again.outcome == "fail" and not is_gone):
                self._history.violated("I10", f"the same vote again was answered in another way: {operation} {again}")
        if self._chance.random() < 0.02:
            self._cast(client, subtask, self._chance.choice(LABELS), token)
        if self._chance.random() < 0.05:
            self._undo(client, subtask)

    def _vote_together(self, client: Client, ballots: list[tuple[str, str, str]]) -> None:
        while True:
            group: int | None = None
            operations: list[Operation] = []
            for subtask, label, token in ballots:
                one = self._history.invoke("vote", self._name, group=group, subtask=subtask, label=label, token=token)
                group = one.group
                operations.append(one)
            batch = [{"subtask_id": subtask, "label": label, "token": token} for subtask, label, token in ballots]
            with self._history.recorded("votes", self._name) as sent:
                sent.end("ok", status=200, answer=client.votes(batch))  # pyright: ignore[reportArgumentType]
            if sent.outcome == "ok":
                for one, told in zip(operations, sent.answer, strict=True):
                    one.end_by_status(told["status"], told["detail"], told)
                    self._crew.judge(one)
                return
            for one in operations:
                one.end("info", detail=sent.detail)
                one.is_late = sent.is_late
            self._crew.judge(sent)
            if sent.outcome == "fail" or self._chance.random() < 0.2 or self._crew.work_ended.wait(0.05):
                return

    def _undo(self, client: Client, subtask: str) -> None:
        with self._history.recorded("undo", self._name, subtask=subtask) as operation:
            operation.end("ok", status=200, answer=client.undo(subtask))
        self._crew.judge(operation)
        if operation.outcome == "ok" and self._chance.random() < 0.8:
            self._cast(client, subtask, self._chance.choice(LABELS), operation.answer["token"])

    def _return(self, call: Callable[[], None], subtask: str) -> None:
        with self._history.recorded("return", self._name, subtask=subtask) as operation:
            call()
            operation.end("ok", status=204)
        self._crew.judge(operation)

    def _cast(self, client: Client, subtask: str, label: str, token: str) -> Operation:
        with self._history.recorded("vote", self._name, subtask=subtask, label=label, token=token) as operation:
            operation.end("ok", status=200, answer=client.vote(subtask, label, token))
        self._crew.judge(operation)
        return operation
