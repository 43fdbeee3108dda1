"""People who send pictures and order tasks, and an adjudicator who decides disputes."""

import hashlib
import itertools
import random
import threading
from typing import TYPE_CHECKING

from quorate.client import Client
from tests.crew import pictures
from tests.crew.history import Operation
from tests.crew.operators import LABELS
from tests.crew.orders import POLICIES, Order
from tests.crew.pictures import Drawn

if TYPE_CHECKING:
    from tests.crew.crew import Crew

OWNERS = ("owner0", "owner1")
CANCEL_SHARE = 0.25
REASON = "looked at it again"


class Uploader:
    """Sends new pictures, alone and in archives, and some again."""

    def __init__(self, crew: "Crew", number: int) -> None:
        self._crew = crew
        self._name = f"uploader{number}"
        self._chance = random.Random(f"{crew.seed} {self._name}")
        self._drawn = 0
        self._known: list[Drawn] = []

    def run(self) -> None:
        crew, chance = self._crew, self._chance
        with crew.client(self._name) as client:
            while not crew.uploads_ended.is_set():
                if crew.open_images > crew.backlog:
                    crew.uploads_ended.wait(0.05)
                    continue
                batch = [self._draw() for _ in range(chance.randrange(10, 26))]
                if self._known and chance.random() < 0.2:
                    batch += dict.fromkeys(chance.sample(self._known, min(5, len(self._known))))
                is_archive = chance.random() < 0.3
                # What got no answer is sent again, mostly: a client does not know what became of it.
                while (
                    send(crew, client, self._name, crew.task_id, batch, is_archive=is_archive).outcome == "info"
                    and chance.random() < 0.8
                ):
                    if crew.uploads_ended.wait(0.05):
                        break
                self._known = (self._known + batch)[-200:]
                crew.uploads_ended.wait(chance.uniform(0.0, 0.15))

    def _draw(self) -> Drawn:
        self._drawn += 1
        return pictures.draw(self._chance, f"{self._name}-{self._drawn}")


def send(
    crew: "Crew", client: Client, owner: str, task_id: str, drawn: list[Drawn], *, is_archive: bool = False
) -> Operation:
    """I1: good pictures are taken, while the task is open."""
    crew.pictures |= {one.sha256: one.data for one in drawn}
    parts = [pictures.archive(drawn, "a.zip")] if is_archive else [one.part for one in drawn]
    with crew.history.recorded("upload", owner, task=task_id, sent=[one.sha256 for one in drawn]) as operation:
        if is_archive:
            crew.is_archive_on_its_way.set()
        try:
            report = client.upload(task_id, parts)
        finally:
            crew.is_archive_on_its_way.clear()
        operation.end("ok", status=200, answer=report)
    if operation.outcome != "fail":
        crew.open_images += len(drawn)  # the reader counts anew, but while a service is away for a long time not
    if operation.outcome == "fail" and not (operation.status == 409 and task_id in crew.closed):
        crew.history.violated("I1", f"an upload was refused: {operation.status} {operation.detail}")
    crew.note_fault(operation)
    return operation


def create(crew: "Crew", client: Client, order: Order, stopped: threading.Event) -> bool:
    """Make the task, asking again until there is an answer; False where it is time to stop and there was none."""
    if order.id:
        return True
    if order not in crew.orders:
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


def check_key(crew: "Crew", client: Client, order: Order) -> None:
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


def close(crew: "Crew", client: Client, order: Order) -> None:
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

    def __init__(self, crew: "Crew", name: str) -> None:
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
        while send(crew, client, self._name, order.id, drawn).outcome == "info" and not crew.uploads_ended.wait(0.1):
            pass
        order.is_cancelled = chance.random() < CANCEL_SHARE
        if order.is_cancelled and crew.uploads_ended.wait(chance.uniform(0, 3)):
            return
        while not order.is_closed and not crew.uploads_ended.is_set():
            close(crew, client, order)
            crew.uploads_ended.wait(0.1)

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

    def __init__(self, crew: "Crew") -> None:
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
