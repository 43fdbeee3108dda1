"""The people of a campaign: beside operators and uploaders those who order tasks, decide disputes, and read."""

import hashlib
import io
import itertools
import json
import random
import threading
import time
from typing import Any

from quorate.client import Client
from quorate.errors import ApiError
from shared.policy import QuorumPolicy
from tests import quorum_oracle as oracle
from tests.chaos.orders import POLICIES, Order
from tests.e2e import pictures
from tests.e2e.crew import LABELS, Crew, Operator, Reader, Uploader
from tests.e2e.history import Operation, shown

OWNERS = ("owner0", "owner1")
KEEPER = "client"
CANCEL_SHARE = 0.25
WRITES = ("vote", "votes", "upload", "create", "seal", "cancel", "adjudicate", "undo", "return", "lease")
LATEST = 500
OLDEST = 5
REASON = "looked at it again"


class ChaosCrew(Crew):
    """`pause_s` sets the operators' pace, `order_s` how often an owner orders a task.

    The uploaders' task is the main one; another takes its place every `main_s`, so that none grows too large.
    """

    def __init__(self, url: str, seed: int, *, order_s: float = 6.0, main_s: float = 30.0) -> None:
        super().__init__(url, seed)
        self.order_s = order_s
        self.main_s = main_s
        self.orders: list[Order] = []
        self.mains: list[Order] = []
        self.unfinished: list[str] = []
        """At the end: the tasks that are left to do."""
        self.oldest: list[str] = []
        """Meanwhile: those that have waited longest."""
        self.idle_s = (0.2, 0.6)

    def begin(self, *, operators: int, uploaders: int) -> None:
        """Order the main task and start everybody."""
        with self.client(KEEPER) as client:
            assert self.next_main(client), "the main task cannot be made"
        self._uploaders = [self._thread(Uploader(self, n).run, f"uploader{n}") for n in range(uploaders)]
        self._uploaders += [self._thread(Owner(self, name).run, name) for name in OWNERS]
        self._uploaders.append(self._thread(self._keep_mains, KEEPER))
        self._others = [self._thread(Operator(self, n).run, f"operator{n}") for n in range(operators)]
        self._others += [self._thread(Watcher(self).run, "reader"), self._thread(Adjudicator(self).run, "adjudicator")]
        for thread in self._uploaders + self._others:
            thread.start()

    def next_main(self, client: Client) -> bool:
        number = len(self.mains)
        order = Order(owner=KEEPER, key=f"main {number}", name=f"main {number}", policy=POLICIES[0])
        if not create(self, client, order, self.uploads_ended):
            return False
        self.task_id = order.id
        self.mains.append(order)
        return True

    def _keep_mains(self) -> None:
        with self.client(KEEPER) as client:
            while not self.uploads_ended.wait(self.main_s):
                last = self.mains[-1]
                if self.next_main(client):
                    while not is_closed(last) and not self.uploads_ended.is_set():
                        end(self, client, last)

    def choose_task(self, chance: random.Random) -> str | None:
        """The main task, one of the latest others, one that has waited long; rarely whatever there is."""
        draw = chance.random()
        if draw < 0.05:
            return None
        if self.unfinished:
            return chance.choice(self.unfinished)
        if draw < 0.4:
            return self.task_id
        latest = [one.id for one in [*self.orders[-8:], *self.mains[-2:]] if one.id and not one.is_cancelled]
        return chance.choice(self.oldest if self.oldest and draw < 0.7 else latest)

    def first_success(self, after: float) -> float | None:
        """When the first change was acknowledged after a moment, if one was."""
        latest = itertools.islice(reversed(self.history.operations), LATEST)
        ended = [one.ended_at for one in latest if one.outcome == "ok" and one.kind in WRITES]
        return min((at for at in ended if at > after), default=None)

    def close_orders(self, client: Client, deadline: float) -> list[Order]:
        """Seal or cancel, as it was meant, what its owner did not come to; returns what could not be."""
        for order in self.orders:
            with self.client(order.owner) as owner:
                while time.monotonic() < deadline and not is_closed(order):
                    if create(self, owner, order, self.uploads_ended):
                        end(self, owner, order)
                    if not is_closed(order):
                        time.sleep(0.2)
        return [order for order in self.orders if not is_closed(order)]


def is_closed(order: Order) -> bool:
    return order.is_cancel_answered if order.is_cancelled else order.is_seal_answered


def create(crew: Crew, client: Client, order: Order, stopped: threading.Event) -> bool:
    """Make the task, asking again until there is an answer; False where it is time to stop and there was none."""
    if order.id:
        return True
    if isinstance(crew, ChaosCrew) and order not in crew.orders:
        crew.orders.append(order)
    while True:
        with crew.history.recorded("create", order.owner) as operation:
            operation.end("ok", status=201, answer=client.create_task(order.name, LABELS, **order.terms))
        crew.judge(operation)
        if operation.outcome == "ok":
            order.id = operation.answer["id"]
            if operation.answer["owner"] != order.owner:
                crew.history.violated("I12", f"{order.owner} was given a task of {operation.answer['owner']}")
        if operation.outcome != "info" or stopped.wait(0.1):
            return operation.outcome == "ok"


def check_key(crew: Crew, client: Client, order: Order) -> None:
    """I10: the same again is the same task; with another body it is refused and changes nothing."""
    with crew.history.recorded("create", order.owner) as again:
        again.end("ok", status=201, answer=client.create_task(order.name, LABELS, **order.terms))
    crew.judge(again)
    if again.outcome == "ok" and again.answer["id"] != order.id:
        crew.history.violated("I10", f"the same key again made {again.answer['id']} beside {order.id}")
    with crew.history.recorded("create changed", order.owner) as changed:
        changed.end("ok", status=201, answer=client.create_task(f"not {order.name}", LABELS, **order.terms))
    if changed.outcome == "ok" or (changed.outcome == "fail" and changed.status != 422):
        crew.history.violated("I10", f"a key used with another body was answered {changed.status} {changed.detail}")


def end(crew: Crew, client: Client, order: Order) -> None:
    """Seal or cancel a task, once; nothing is known where no answer comes."""
    if order.is_cancelled:
        crew.cancelled.add(order.id)
        with crew.history.recorded("cancel", order.owner, task=order.id) as operation:
            client.cancel(order.id)
            operation.end("ok", status=204)
        order.is_cancel_answered = operation.outcome == "ok"
    else:
        crew.closed.add(order.id)
        with crew.history.recorded("seal", order.owner, task=order.id) as operation:
            operation.end("ok", status=200, answer=client.seal(order.id))
        order.is_seal_answered = operation.outcome == "ok"
    crew.judge(operation)


class Owner:
    """Orders small tasks one after another; seals most and cancels some."""

    def __init__(self, crew: ChaosCrew, name: str) -> None:
        self._crew = crew
        self._name = name
        self._chance = random.Random(f"{crew.seed} {name}")

    def run(self) -> None:
        crew, chance = self._crew, self._chance
        with crew.client(self._name) as client:
            for number in itertools.count():
                if crew.uploads_ended.wait(chance.uniform(0.5, 1.5) * crew.order_s):
                    return
                policy = chance.choice(POLICIES)
                order = Order(owner=self._name, key=f"order {number}", name=f"order {number}", policy=policy)
                if create(crew, client, order, crew.uploads_ended):
                    self._handle(client, order)

    def _handle(self, client: Client, order: Order) -> None:
        crew, chance = self._crew, self._chance
        if chance.random() < 0.3:
            check_key(crew, client, order)
        if chance.random() < 0.2:
            other = OWNERS[1 - OWNERS.index(self._name)]
            self._check_stranger(client, order, other)
        drawn = [pictures.draw(chance, f"{self._name} {order.key} {n}") for n in range(chance.randrange(3, 15))]
        while self._send(client, order, drawn).outcome == "info" and not crew.uploads_ended.wait(0.1):
            pass
        order.is_cancelled = chance.random() < CANCEL_SHARE
        if order.is_cancelled and crew.uploads_ended.wait(chance.uniform(0, 3)):
            return
        while not is_closed(order) and not crew.uploads_ended.is_set():
            end(crew, client, order)
            crew.uploads_ended.wait(0.1)

    def _send(self, client: Client, order: Order, drawn: list[pictures.Drawn]) -> Operation:
        crew = self._crew
        crew.pictures.update({one.sha256: one.data for one in drawn})
        sent = [one.sha256 for one in drawn]
        with crew.history.recorded("upload", self._name, task=order.id, sent=sent) as operation:
            operation.end("ok", status=200, answer=client.upload(order.id, [one.part for one in drawn]))
        if operation.outcome == "fail":
            crew.history.violated("I1", f"an upload was refused: {operation.status} {operation.detail}")
        crew.note_fault(operation)
        return operation

    def _check_stranger(self, client: Client, order: Order, other: str) -> None:
        """I12: whose key it is belongs to the key."""
        with self._crew.history.recorded("tasks", self._name) as operation:
            operation.end("ok", status=200, answer=list(itertools.islice(client.tasks(), 50)))
        self._crew.judge(operation)
        mine = {one.id for one in self._crew.orders if one.owner == self._name and one.id}
        for task in operation.answer or []:
            if task["id"] in mine and task["owner"] == other:
                self._crew.history.violated("I12", f"{task['id']} went from {self._name} to {other}")


class Adjudicator:
    """Decides every second dispute, each for one label, however often it takes to be heard."""

    def __init__(self, crew: ChaosCrew) -> None:
        self._crew = crew
        self._decided: set[str] = set()

    def run(self) -> None:
        crew = self._crew
        with crew.client("adjudicator") as client:
            while not crew.work_ended.wait(0.5):
                with crew.history.recorded("disputes", "adjudicator") as operation:
                    operation.end("ok", status=200, answer=list(itertools.islice(client.disputes(), 100)))
                crew.judge(operation)
                for subtask in operation.answer or []:
                    number = number_of(subtask["id"])
                    if number % 2 and subtask["id"] not in self._decided:
                        crew.tasks_of[subtask["id"]] = subtask["task_id"]
                        self._decide(client, subtask["id"], LABELS[number // 2 % len(LABELS)])

    def _decide(self, client: Client, subtask: str, label: str) -> None:
        self._decided.add(subtask)
        while True:
            with self._crew.history.recorded("adjudicate", "adjudicator", subtask=subtask, label=label) as operation:
                operation.end("ok", status=200, answer=client.adjudicate(subtask, label, REASON))
            self._crew.judge(operation)
            if operation.status == 409:
                self._crew.history.violated("I7", f"a dispute was open again: {operation}")
            if operation.outcome != "info" or self._crew.work_ended.wait(0.1):
                return


def number_of(subtask: str) -> int:
    return int(hashlib.sha256(f"dispute {subtask}".encode()).hexdigest(), 16)


class Watcher(Reader):
    """Reads the main task and others: results stay as they are, and no more people are asked than are needed."""

    def __init__(self, crew: Crew) -> None:
        super().__init__(crew)
        self._done: set[str] = set()

    def _read(self, client: Client) -> None:
        crew, chance = self._crew, self._chance
        assert isinstance(crew, ChaosCrew)
        self._see_what_waits(client, crew)
        known = [one for one in crew.orders if one.id]
        order = crew.mains[-1] if chance.random() < 0.3 else chance.choice(known[-20:])
        try:
            self._read_results(client, order)
        except ApiError as error:
            if error.status != 404 or order.id not in crew.cancelled:
                raise
        leased = list(crew.tasks_of.copy())
        for subtask in chance.sample(leased, min(5, len(leased))):
            self._look_at(client, subtask)

    def _see_what_waits(self, client: Client, crew: ChaosCrew) -> None:
        """So that nothing is left behind, and no more comes than can be worked off."""
        waiting = [one for one in crew.orders if one.id and not one.is_cancelled and one.id not in self._done]
        opened = 0
        for order in {one.id: one for one in [*waiting[:OLDEST], *crew.mains[-2:]]}.values():
            task = client.task(order.id)
            opened += task["counts"]["open"]
            if task["state"] == "completed":
                self._done.add(order.id)
        crew.open_images = opened
        crew.oldest = [one.id for one in waiting[:OLDEST] if one.id not in self._done]

    def _read_results(self, client: Client, order: Order) -> None:
        chance = self._chance
        if chance.random() < 0.3:
            out = io.BytesIO()
            client.export(order.id, out)
            items: list[Any] = [json.loads(line) for line in out.getvalue().splitlines()]
        else:
            items = list(client.results(order.id, state=chance.choice(("completed", "disputed", None))))
        for item in items:
            if item["state"] != "open":
                self._history.sight("task manager", item["image_id"], shown(item))

    def _look_at(self, client: Client, subtask_id: str) -> None:
        task_id = self._crew.tasks_of[subtask_id]
        try:
            subtask: Any = client.subtask(subtask_id)
        except ApiError as error:
            if error.status == 404 and task_id in self._crew.cancelled:
                return
            raise
        assert isinstance(self._crew, ChaosCrew)
        policy = next(one.policy for one in self._crew.orders if one.id == task_id)
        check_places(self._crew, subtask, policy)
        if subtask["result"] is not None:
            self._history.sight("subtask manager", subtask_id, shown(subtask["result"]))


def check_places(crew: Crew, subtask: Any, policy: QuorumPolicy) -> None:
    """I8: no more people hold a subtask than it takes."""
    votes = [vote["label"] for vote in subtask["votes"]]
    allowed = 0 if subtask["state"] != "open" else oracle.most_leases(policy, votes, LABELS)
    if subtask["live_leases"] > allowed:
        crew.history.violated("I8", f"{subtask['live_leases']} live leases where {allowed} may be: {subtask}")
