"""A short, certain sequence of requests in which everything happens once that may go wrong; then an audit.

It goes on whatever becomes of the platform: what dies is started again, and what got no answer is sent again.
"""

import contextlib
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from quorate.client import Client
from quorate.errors import QuorateError
from tests.chaos.audit import Audit, Findings
from tests.chaos.triggers import COMMIT_LATE
from tests.chaos.world import DrillWorld
from tests.crew import pictures
from tests.crew.crew import Crew
from tests.crew.history import Operation, shown
from tests.crew.operators import LABELS
from tests.crew.orders import POLICIES, Order
from tests.crew.owners import OWNERS, REASON, check_key
from tests.crew.pictures import Drawn
from tests.crew.reader import check_leases

OPERATORS = 6
ASK_S = 20.0
QUIET_S = 1.0
CUT_S = 3.0
CONNECTED_S = 8.0
"""A consumer may need so long after a cut to connect again; until then nothing seems to be under way."""
SETTLED_S = 0.25
PATIENCE_S = 20.0
AUDIT_S = 3.0
A, B, C, D, E, _ = LABELS
PLAN = ((A, A), (B, B), (C, C), (A, B, A), (B, A, B), (A, B, C, D, E), (B, C, D, E, A))
"""What the first voter of each image says, and the second, and so on: agreement, quorums, disputes."""


class Stuck(Exception):
    """It cannot go on; the history says why."""


class Drill:
    def __init__(self, world: DrillWorld, seed: int, *, is_killed: bool = False, is_cut: bool = False) -> None:
        self._world = world
        self._crew = Crew(world.url, seed)
        self._crew.explained = world.explained
        self._history = self._crew.history
        self._history.is_every_info_late = world.is_every_info_late
        self._is_killed = is_killed
        self._is_cut = is_cut
        self._chance = random.Random(seed)
        self._clients: dict[str, Client] = {}
        self._votes: Counter[str] = Counter()
        self._plans: dict[str, tuple[str, ...]] = {}

    def run(self) -> Findings:
        """Everything in turn; the world has been started."""
        try:
            with contextlib.suppress(Stuck):
                self._work()
            self._world.revive()
            return Audit(self._crew, self._world, self._client("auditor"), patience_s=AUDIT_S).check()
        finally:
            for client in self._clients.values():
                client.close()

    def _work(self) -> None:
        main = Order(owner=OWNERS[0], key="drill", name="drill", policy=POLICIES[0])
        other = Order(owner=OWNERS[1], key="drill", name="drill", policy=POLICIES[0], is_cancelled=True)
        for order in (main, other):
            self._order(order)
        check_key(self._crew, self._client(main.owner), main)
        self._world.revive()
        drawn = [self._draw(number) for number in range(len(PLAN))]
        if self._is_cut:
            self._world.cut()
        self._send(main, drawn)
        if self._is_cut:
            time.sleep(CUT_S)
            self._world.mend()
        self._send(main, drawn[2:5], is_archive=True)
        self._send(other, drawn[:3])
        self._plans = dict(zip(self._ids(main, drawn), PLAN, strict=True))
        self._crowd(main)
        for number in range(OPERATORS):
            self._label(f"operator{number}", main)
        self._ask("lease", "operator0", lambda client: client.lease(3, other.id))
        self._settle()
        self._decide(main)
        for _ in range(2):
            self._read(main)
            self._world.replay()
            self._settle()
        self._crew.cancelled.add(other.id)
        self._ask("cancel", other.owner, lambda client: client.cancel(other.id))
        self._ask("seal", main.owner, lambda client: client.seal(main.id))
        self._await(lambda: self._client(main.owner).task(main.id)["state"] == "completed")
        self._read(main)

    def _client(self, user: str) -> Client:
        return self._clients.setdefault(user, self._crew.client(user))

    def _ask(self, kind: str, user: str, call: Callable[[Client], Any], **what: Any) -> Operation:
        """The answer, however often the platform has to be asked and started again."""
        deadline = time.monotonic() + ASK_S
        while True:
            with self._history.recorded(kind, user, **what) as operation:
                operation.end("ok", status=200, answer=call(self._client(user)))
            if operation.outcome != "info":
                return operation
            if time.monotonic() > deadline:
                self._history.violated("I9", f"no answer in {ASK_S:.0f} s: {operation}")
                raise Stuck
            self._world.revive()
            time.sleep(0.02)

    def _settle(self) -> None:
        """Wait until everything was delivered."""
        self._await(lambda: False, SETTLED_S)

    def _await(self, is_done: Callable[[], bool], quiet_s: float = QUIET_S) -> bool:
        """Wait until it is so, or until nothing is under way any more that could lead to it."""
        deadline = time.monotonic() + PATIENCE_S
        busy_at = time.monotonic()
        while time.monotonic() < deadline:
            self._world.revive()
            try:
                if is_done():
                    return True
            except QuorateError:
                busy_at = time.monotonic()
            if self._world.backlog():
                busy_at = time.monotonic()
            if time.monotonic() - busy_at > quiet_s:
                return False
            time.sleep(0.02)
        self._history.violated("I9", f"after {PATIENCE_S:.0f} s there is still to be done: {self._world.backlog()}")
        raise Stuck

    def _order(self, order: Order) -> None:
        self._crew.orders.append(order)
        made = self._ask("create", order.owner, lambda client: client.create_task(order.name, LABELS, **order.terms))
        if made.outcome != "ok":
            self._history.violated("I12", f"a task was refused: {made}")
            raise Stuck
        order.id = made.answer["id"]
        if made.answer["owner"] != order.owner:
            self._history.violated("I12", f"{order.owner} was given a task of {made.answer['owner']}")

    def _draw(self, number: int) -> Drawn:
        drawn = pictures.draw(self._chance, f"drill {number}")
        self._crew.pictures[drawn.sha256] = drawn.data
        return drawn

    def _send(self, order: Order, drawn: list[Drawn], *, is_archive: bool = False) -> None:
        parts = [pictures.archive(drawn, "a.zip")] if is_archive else [picture.part for picture in drawn]
        sent = [picture.sha256 for picture in drawn]
        told = self._ask("upload", order.owner, lambda client: client.upload(order.id, parts), task=order.id, sent=sent)
        if told.outcome != "ok":
            self._history.violated("I1", f"an upload was refused: {told}")
            raise Stuck

    def _ids(self, order: Order, drawn: list[Drawn]) -> list[str]:
        uploads = [upload for upload in self._history.operations if upload.task == order.id and upload.outcome == "ok"]
        told = {image["sha256"]: image["image_id"] for upload in uploads for image in upload.answer["images"]}
        return [told[picture.sha256] for picture in drawn]

    def _lease(self, operator: str, order: Order) -> list[Any]:
        leased = self._ask("lease", operator, lambda client: client.lease(20, order.id))
        leases = leased.answer["leases"] if leased.outcome == "ok" else []
        self._crew.tasks_of |= {lease["subtask_id"]: lease["task_id"] for lease in leases}
        return leases

    def _crowd(self, order: Order) -> None:
        """More people come than are needed."""
        quiet_s = CONNECTED_S if self._is_cut else QUIET_S
        self._await(lambda: len(self._lease("operator0", order)) == len(self._plans), quiet_s)
        for operator in ("operator1", "operator2"):
            self._lease(operator, order)
        for subtask in self._crew.tasks_of:
            seen = self._ask("look", "auditor", lambda client, at=subtask: client.subtask(at))
            if seen.outcome == "ok":
                check_leases(self._history, seen.answer, order.policy)

    def _label(self, operator: str, order: Order) -> None:
        for position, lease in enumerate(self._lease(operator, order)):
            subtask, token = lease["subtask_id"], lease["token"]
            plan = self._plans.get(subtask, (A,))
            label = plan[min(self._votes[subtask], len(plan) - 1)]
            is_moment = self._is_killed and operator == "operator1" and position == 0
            if is_moment:
                self._world.triggers.set(COMMIT_LATE)
            cast = self._vote(operator, subtask, label, token)
            if is_moment:
                self._world.triggers.clear(COMMIT_LATE)
                self._world.kill()
            if cast.outcome == "ok":
                self._votes[subtask] += 1
            if cast.outcome == "ok" and operator == "operator0" and position < 2:
                self._be_difficult(operator, subtask, label, token, cast)

    def _vote(self, operator: str, subtask: str, label: str, token: str) -> Operation:
        what = {"subtask": subtask, "label": label, "token": token}
        return self._ask("vote", operator, lambda client: client.vote(subtask, label, token), **what)

    def _be_difficult(self, operator: str, subtask: str, label: str, token: str, cast: Operation) -> None:
        """Vote again, for another label, and through a token that was good once."""
        again = self._vote(operator, subtask, label, token)
        if again.answer != cast.answer:
            self._history.violated("I10", f"the same vote again was answered in another way: {cast} {again}")
        changed = self._vote(operator, subtask, E, token)
        if changed.outcome != "fail":
            self._history.violated("I4", f"one voter was counted for two labels: {changed}")
        undone = self._ask("undo", operator, lambda client: client.undo(subtask), subtask=subtask)
        if undone.outcome != "ok":
            return
        stale = self._vote(operator, subtask, E, token)
        if stale.outcome == "ok":
            self._history.violated("I8", f"a stale token was accepted: {stale}")
            return
        self._vote(operator, subtask, label, undone.answer["token"])

    def _decide(self, order: Order) -> None:
        listed = self._ask("disputes", "adjudicator", lambda client: list(client.disputes(order.id)))
        for subtask in [dispute["id"] for dispute in listed.answer or []][:1]:
            what = {"subtask": subtask, "label": B}
            self._ask("adjudicate", "adjudicator", lambda client, at=subtask: client.adjudicate(at, B, REASON), **what)
        self._settle()

    def _read(self, order: Order) -> None:
        """I7: what was told once stays."""
        listed = self._ask("read", "reader", lambda client: list(client.results(order.id)))
        for item in listed.answer or []:
            subtask = self._ask("look", "reader", lambda client, at=item["image_id"]: client.subtask(at))
            if item["state"] != "open":
                self._history.sight("task manager", item["image_id"], shown(item))
            if subtask.outcome == "ok" and subtask.answer["result"] is not None:
                self._history.sight("subtask manager", item["image_id"], shown(subtask.answer["result"]))
