"""Attackers by noun, each in threads of their own; what they are answered, and whether that was right."""

import json
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from random import Random

from tests.crew import pictures
from tests.crew.crew import Crew
from tests.crew.orders import POLICIES, Order
from tests.crew.owners import close, create, send
from tests.hostile import archives, bodies, forms, gun, ids, pages, sockets
from tests.hostile import pictures as hostile_pictures
from tests.hostile.gun import Answer
from tests.hostile.shots import BUSY, Maker, Prey, Shot

NOUNS: Mapping[str, Sequence[Maker]] = {
    "forms": forms.MAKERS,
    "archives": archives.MAKERS,
    "pictures": hostile_pictures.MAKERS,
    "sockets": sockets.MAKERS,
    "bodies": bodies.MAKERS,
    "ids": ids.MAKERS,
    "pages": pages.MAKERS,
}
THREADS = {"sockets": 4}
"""Of each noun; one of those not named here. Shots on sockets wait for time-outs."""
PREY_S = 75.0
"""So long a task is aimed at; as long again it stays, for the shots that are under way."""
OWNER = "attacker"
SHOWN = 200


def draw(noun: str, number: int, seed: int, prey: Prey) -> Shot:
    """The shot of a number, the same whenever it is asked for."""
    chance = Random(f"{seed} {noun} {number}")
    return chance.choice(NOUNS[noun])(chance, prey)


class Attackers:
    """`pause_s`: between two shots of a thread, on average."""

    def __init__(self, crew: Crew, port: int, seed: int, *, pause_s: float) -> None:
        self._crew = crew
        self._port = port
        self._seed = seed
        self._pause_s = pause_s
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._orders: list[Order] = []
        self._prey = Prey("", "")
        self._threads = [threading.Thread(target=self._guarded, args=(self._keep,), name="keeper")]
        for noun in NOUNS:
            for number in range(THREADS.get(noun, 1)):
                work = (self._attack, noun, number)
                self._threads.append(threading.Thread(target=self._guarded, args=work, name=f"{noun} {number}"))
        self.tally: Counter[tuple[str, int]] = Counter()
        """Answers by kind of shot and status."""
        self.shots = 0
        self.surprises: list[str] = []
        """Answers that are not right, each with the noun and number to draw its shot again."""

    def begin(self) -> None:
        self._aim()
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Wait until the last shots are answered, which takes as long as the platform's time-outs."""
        self._ended.set()
        deadline = time.monotonic() + 2 * gun.PATIENCE_S
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        assert not any(thread.is_alive() for thread in self._threads), "an attacker does not stop"

    def _guarded(self, work: Callable[..., None], *arguments: object) -> None:
        try:
            work(*arguments)
        except Exception:  # noqa: BLE001 - reported with the rest
            self._crew.failures.append(f"{threading.current_thread().name}: {traceback.format_exc()}")

    def _attack(self, noun: str, first: int) -> None:
        number, rest = first, Random(f"{self._seed} {noun} {first} pauses")
        while not self._ended.wait(rest.uniform(0, 2 * self._pause_s)):
            shot = draw(noun, number, self._seed, self._prey)
            self._note(noun, number, shot, gun.fire(shot, self._port))
            number += THREADS.get(noun, 1)

    def _note(self, noun: str, number: int, shot: Shot, answers: list[Answer]) -> None:
        with self._lock:
            self.shots += 1
            for answer in answers:
                self.tally[f"{noun}: {shot.kind}", answer.status] += 1
                fault = answer.fault()
                if answer.status not in shot.right | BUSY:
                    fault = f"should be one of {sorted(shot.right)}"
                elif shot.never in answer.body:
                    fault = f"holds {shot.never!r}"
                if fault and len(self.surprises) < SHOWN:
                    self.surprises.append(f"{noun} {number}, {shot.kind}: {answer.shown()} {fault}")
                if answer.status == 201:
                    self._own(json.loads(answer.body)["id"])

    def _own(self, task_id: str) -> None:
        """An attacker was given a task: it is erased with the others, and the audit knows of it."""
        order = Order(owner=OWNER, key="", name="hostile", policy=POLICIES[0], id=task_id, is_cancelled=True)
        self._crew.orders.append(order)

    def _keep(self) -> None:
        """New prey now and then; what is no more aimed at is erased."""
        while not self._ended.wait(PREY_S):
            self._aim()
            for order in self._orders[:-2]:
                if not order.is_closed:
                    with self._crew.client(OWNER) as client:
                        close(self._crew, client, order)

    def _aim(self) -> None:
        number = len(self._orders)
        order = Order(owner=OWNER, key=f"prey {number}", name="prey", policy=POLICIES[0], is_cancelled=True)
        with self._crew.client(OWNER) as client:
            assert create(self._crew, client, order, self._ended), "the attackers are given no task"
            drawn = pictures.draw(Random(f"{self._seed} prey {number}"), f"prey {number}")
            told = send(self._crew, client, OWNER, order.id, [drawn])
        assert told.outcome == "ok", f"the attackers' picture is not taken: {told}"
        self._orders.append(order)
        self._prey = Prey(order.id, told.answer["images"][0]["image_id"])
