"""Reads results, subtasks and exports all the time: what has ended must not change."""

import io
import json
import random
import time
from typing import TYPE_CHECKING, Any

from quorate.client import Client
from quorate.errors import ApiError
from shared.terms import QuorumPolicy
from tests import quorum_oracle as oracle
from tests.crew.history import History, shown
from tests.crew.operators import LABELS
from tests.crew.orders import Order

if TYPE_CHECKING:
    from tests.crew.crew import Crew

OLDEST = 5
GONE = 410


class Reader:
    """Results stay as they are, both services tell the same, and no more people are asked than are needed."""

    def __init__(self, crew: "Crew") -> None:
        self._crew = crew
        self._history = crew.history
        self._chance = random.Random(f"{crew.seed} reader")
        self._done: set[str] = set()

    def run(self) -> None:
        with self._crew.client("reader") as client:
            while not self._crew.work_ended.wait(0.1):
                began = time.monotonic()
                with self._history.recorded("read", "reader") as operation:
                    self._read(client)
                    operation.end("ok", status=200)
                if operation.outcome == "fail":
                    self._history.violated("answers", f"reading was refused: {operation}")
                self._crew.note_fault(operation)
                self._crew.work_ended.wait(2 * (time.monotonic() - began))  # the more there is, the less often

    def _read(self, client: Client) -> None:
        crew, chance = self._crew, self._chance
        self._see_what_waits(client)
        known = {one.id: one for one in crew.orders if one.id}
        order = crew.mains[-1] if chance.random() < 0.3 else chance.choice([*known.values()][-20:])
        try:
            ended = self._ended(client, order)
        except ApiError as error:
            if error.status != 404 or order.id not in crew.cancelled:
                raise
            return
        for item in ended:
            self._history.sight("task manager", item["image_id"], shown(item))
        for item in chance.sample(ended, min(3, len(ended))):
            self._look_at(client, item["image_id"], order, has_ended=True)
        leased = crew.tasks_of.copy()
        for subtask in chance.sample([*leased], min(5, len(leased))):
            self._look_at(client, subtask, known[leased[subtask]])

    def _see_what_waits(self, client: Client) -> None:
        """So that nothing is left behind, and no more comes than can be worked off."""
        crew = self._crew
        waiting = [one for one in crew.orders if one.id and not one.is_cancelled and one.id not in self._done]
        opened = 0
        for order in {one.id: one for one in [*waiting[:OLDEST], *crew.mains[-2:]]}.values():
            task = client.task(order.id)
            opened += task["counts"]["open"]
            if task["state"] == "completed":
                self._done.add(order.id)
        crew.open_images = opened
        crew.oldest = [one.id for one in waiting[:OLDEST] if one.id not in self._done]

    def _ended(self, client: Client, order: Order) -> list[Any]:
        try:
            return self._ended_as_told(client, order)
        except ApiError as error:
            if error.status == GONE and order.id in self._crew.cancelled:
                return []
            raise

    def _ended_as_told(self, client: Client, order: Order) -> list[Any]:
        if self._chance.random() < 0.3:
            out = io.BytesIO()
            client.export(order.id, out)
            items: list[Any] = [json.loads(line) for line in out.getvalue().splitlines()]
        else:
            items = list(client.results(order.id, state=self._chance.choice(("completed", "disputed", None))))
        return [item for item in items if item["state"] != "open"]

    def _look_at(self, client: Client, subtask_id: str, order: Order, *, has_ended: bool = False) -> None:
        try:
            subtask: Any = client.subtask(subtask_id)
        except ApiError as error:
            if error.status == 404 and order.id in self._crew.cancelled:
                return
            raise
        check_leases(self._history, subtask, order.policy)
        if subtask["result"] is not None:
            self._history.sight("subtask manager", subtask_id, shown(subtask["result"]))
        elif has_ended:
            self._history.violated("I7", f"{subtask_id} has ended for the client and is open for operators")


def check_leases(history: History, subtask: Any, policy: QuorumPolicy) -> None:
    """I8: no more people hold a subtask than it takes."""
    votes = [vote["label"] for vote in subtask["votes"]]
    allowed = 0 if subtask["state"] != "open" else oracle.most_leases(policy, votes, LABELS)
    if subtask["live_leases"] > allowed:
        history.violated("I8", f"{subtask['live_leases']} live leases where {allowed} may be: {subtask}")
