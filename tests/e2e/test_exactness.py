"""200 operators at once, many of them out of turn: no vote too many, no voter twice, one completion of each image."""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import httpx
import pytest

from quorate.client import Client
from quorate.connection import certificates
from tests import quorum_oracle as oracle
from tests.crew import pictures
from tests.crew.history import Checker, History, Operation, shown
from tests.crew.operators import LABELS, choose
from tests.crew.reader import check_leases

OPERATORS = int(os.environ.get("QUORATE_OPERATORS", "200"))
IMAGES = int(os.environ.get("QUORATE_IMAGES", "250"))
SEED = int(os.environ.get("QUORATE_SEED") or random.SystemRandom().randrange(10**9))
LEASE_S = 1.5
DEADLINE_S = 300
SEEN = 0.1
"""How often somebody looks at what was just leased: a watcher alone may be too slow to see a lease at all."""
REASONS = {
    "you have voted for another label; undo that vote first",
    "the subtask is completed and takes no more votes",
    "the subtask is disputed and takes no more votes",
    "you hold no lease on this subtask, or a newer one",
    "your lease has expired and its place was given to another",
}
NO_UNDO = {
    "the subtask is completed; its votes stand",
    "the subtask is disputed; its votes stand",
    "others have been asked because of this vote; it stands",
}


@pytest.mark.timeout(DEADLINE_S + 60)
async def test_200_operators_at_once_are_counted_exactly(new_platform, tell):
    tell(f"QUORATE_SEED={SEED}")
    began = time.monotonic()
    platform = new_platform(lease_s=LEASE_S)
    platform.start()
    history = History()
    with Client(platform.url, "client") as client:
        task_id, sent = _begin(client, history)
        floor = Floor(platform.url, task_id, history)
        try:
            async with asyncio.timeout(DEADLINE_S):
                await asyncio.gather(floor.watch(), *(Labeler(floor, number).run() for number in range(OPERATORS)))
        except TimeoutError:
            counts = client.task(task_id)["counts"]
            pytest.fail(f"not in time: {counts}; violations: {history.violations[:10]}")
        finally:
            await floor.close()
        worked_s = time.monotonic() - began
        checked = Checker(history, client, task_id, LABELS, sent).check()
        votes = [len(client.subtask(item["image_id"])["votes"]) for item in client.results(task_id)]
    assert not platform.errors()
    outcomes = Counter((one.outcome, one.detail) for one in history.operations if one.kind == "vote")
    tell(
        f"{OPERATORS} operators, {IMAGES} images in {worked_s:.1f} s, with checks {time.monotonic() - began:.1f} s",
        f"checked: {checked}; images by number of votes: {sorted(Counter(votes).items())}",
        f"{len(history.operations)} operations, the votes among them:",
        *(f"{count:6} {outcome} {detail}" for (outcome, detail), count in outcomes.most_common()),
    )
    assert floor.most_leases > 0
    for detail in REASONS - {"the subtask is disputed and takes no more votes"}:
        assert outcomes["fail", detail], f"nobody was refused because {detail}"


def _begin(client: Client, history: History) -> tuple[str, dict[str, bytes]]:
    chance = random.Random(SEED)
    task_id = client.create_task("exactness", LABELS)["id"]
    drawn = [pictures.draw(chance, f"{number}") for number in range(IMAGES)]
    for at in range(0, IMAGES, 25):
        batch = drawn[at : at + 25]
        with history.recorded("upload", "client", sent=[one.sha256 for one in batch]) as operation:
            operation.end("ok", status=200, answer=client.upload(task_id, [one.part for one in batch]))
    client.seal(task_id)
    return task_id, {one.sha256: one.data for one in drawn}


class Floor:
    """What all operators share: the connections, and everybody's tokens, for those who try others'."""

    def __init__(self, url: str, task_id: str, history: History) -> None:
        self.task_id = task_id
        self.history = history
        self.url = url
        self._http: dict[str, httpx.AsyncClient] = {}
        self.tokens: list[tuple[str, str, str]] = []
        self.is_over = False
        self.most_leases = 0

    async def close(self) -> None:
        await asyncio.gather(*(client.aclose() for client in self._http.values()))

    async def send(self, method: str, path: str, user: str, body: Any = None) -> tuple[int, Any]:
        if user not in self._http:  # one pool for all would look through all connections for every request
            headers = {"X-Quorate-User": user}
            self._http[user] = httpx.AsyncClient(
                base_url=self.url,
                headers=headers,
                timeout=60,
                limits=httpx.Limits(max_keepalive_connections=0),  # a busy machine is late for what was kept alive
                verify=certificates(),
                trust_env=False,
            )
        answer = await self._http[user].request(method, path, json=body)
        return answer.status_code, answer.json() if answer.content else None

    async def ask(self, operation: Operation, method: str, path: str, body: Any = None) -> Operation:
        """An operation that ends by its answer's status; there is no reason for a lost answer here."""
        status, answer = await self.send(method, path, operation.process, body)
        operation.end_by_status(status, answer.get("detail", "") if answer else "", answer)
        return operation

    async def watch(self) -> None:
        """Read along: leases stay within what could settle a subtask, and a result stays as it is."""
        chance = random.Random(f"{SEED} watcher")
        while not self.is_over:
            items = await self._items()
            for item in items:
                if item["state"] != "open":
                    self.history.sight("task manager", item["image_id"], shown(item))
            for item in chance.sample(items, min(20, len(items))):
                await self.look_at(item["image_id"])
            _, task = await self.send("GET", f"/api/tasks/{self.task_id}", "watcher")
            self.is_over = task["state"] == "completed"
            await asyncio.sleep(0.1)

    async def _items(self) -> list[Any]:
        items, cursor = list[Any](), ""
        while True:
            path = f"/api/tasks/{self.task_id}/results?limit=1000" + (f"&cursor={cursor}" if cursor else "")
            _, page = await self.send("GET", path, "watcher")
            items += page["items"]
            if not (cursor := page["next_cursor"]):
                return items

    async def look_at(self, subtask_id: str) -> None:
        status, subtask = await self.send("GET", f"/api/subtasks/{subtask_id}", "watcher")
        if status != 200:
            return
        self.most_leases = max(self.most_leases, subtask["live_leases"])
        check_leases(self.history, subtask, oracle.DEFAULT)
        if subtask["result"] is not None:
            self.history.sight("subtask manager", subtask["id"], shown(subtask["result"]))


class Labeler:
    """An operator whose requests come double, late, again, with another label, or with tokens of others."""

    def __init__(self, floor: Floor, number: int) -> None:
        self._floor = floor
        self._history = floor.history
        self._name = f"operator{number}"
        self._chance = random.Random(f"{SEED} {self._name}")
        self._seen: set[str] = set()
        self._voted: dict[str, tuple[str, str]] = {}
        self._old: list[tuple[str, str]] = []

    async def run(self) -> None:
        chance = self._chance
        while not self._floor.is_over:
            count = chance.randrange(1, 7)
            task_id = self._floor.task_id if chance.random() < 0.5 else None
            operation = self._history.invoke("lease", self._name)
            await self._floor.ask(operation, "POST", "/api/leases", {"count": count, "task_id": task_id})
            self._expect(operation, operation.outcome == "ok", "a lease was refused")
            leases = operation.answer["leases"] if operation.outcome == "ok" else []
            self._expect(operation, len(leases) <= count, "more leases than were asked for")
            for lease in leases:
                self._seen.add(lease["subtask_id"])
                self._floor.tokens.append((lease["subtask_id"], self._name, lease["token"]))
            if leases and chance.random() < SEEN:
                await self._floor.look_at(leases[-1]["subtask_id"])
            await asyncio.gather(*(self._work(lease["subtask_id"], lease["token"]) for lease in leases))
            if chance.random() < 0.3:
                await self._intrude()
            if not leases:
                await asyncio.sleep(chance.uniform(0.3, 1.5))
        await self._come_after_the_end()

    async def _work(self, subtask: str, token: str) -> None:
        label = choose(self._chance, subtask)
        other = self._chance.choice([one for one in LABELS if one != label])
        ways: Sequence[tuple[float, Callable[[], Awaitable[list[Operation]]]]] = (
            (0.45, lambda: self._together(subtask, token, [label])),
            (0.05, lambda: self._wrong_token(subtask, token, label)),
            (0.12, lambda: self._together(subtask, token, [label] * self._chance.randrange(2, 4))),
            (0.08, lambda: self._together(subtask, token, [label, other])),
            (0.10, lambda: self._in_one_request(subtask, token, [label, label, other])),
            (0.08, lambda: self._late(subtask, token, label)),
            (0.05, lambda: self._stale(subtask, token)),
            (0.04, lambda: self._return(subtask)),
            (0.03, lambda: self._wrong_label(subtask, token)),
        )
        way = self._chance.choices([call for _, call in ways], [weight for weight, _ in ways])[0]
        counted = [one for one in await way() if one.outcome == "ok"]
        if len({one.label for one in counted}) > 1:
            self._history.violated("I4", f"two labels of one voter count: {counted}")
        if len({(one.answer["status"], one.answer["subtask_state"]) for one in counted}) > 1:
            self._history.violated("I10", f"the same vote was answered in two ways: {counted}")
        if counted:
            self._voted[subtask] = (counted[0].label, token)
            await self._again(subtask, counted[0], token, other)

    async def _again(self, subtask: str, counted: Operation, token: str, other: str) -> None:
        draw = self._chance.random()
        if draw < 0.1:
            (again,) = await self._together(subtask, self._chance.choice((token, "lost")), [counted.label])
            is_same = again.outcome == "ok" and again.answer["subtask_state"] == counted.answer["subtask_state"]
            self._expect(again, is_same, "the same vote again was answered in another way")
        elif draw < 0.2 and other != counted.label:
            (again,) = await self._together(subtask, token, [other])
            self._expect(again, "another label" in again.detail, "a vote for another label was not refused as such")
        elif draw < 0.25:
            undone = self._history.invoke("undo", self._name, subtask=subtask)
            await self._floor.ask(undone, "DELETE", f"/api/subtasks/{subtask}/vote")
            self._expect(undone, undone.outcome == "ok" or undone.detail in NO_UNDO, "an undo was answered wrongly")
            if undone.outcome == "ok":
                del self._voted[subtask]
                (stale,) = await self._together(subtask, token, [other])
                self._expect(stale, stale.status == 409, "a stale token was accepted")
                voted = await self._together(subtask, undone.answer["token"], [other])
                if voted[0].outcome == "ok":
                    self._voted[subtask] = (other, undone.answer["token"])

    async def _together(self, subtask: str, token: str, labels: Sequence[str]) -> list[Operation]:
        """Votes in requests of their own, all at the same time."""
        operations = self._invoked(subtask, token, labels)
        path = f"/api/subtasks/{subtask}/vote"
        asked = [self._floor.ask(one, "POST", path, {"label": one.label, "token": token}) for one in operations]
        await asyncio.gather(*asked)
        return self._judged(operations)

    async def _in_one_request(self, subtask: str, token: str, labels: Sequence[str]) -> list[Operation]:
        operations = self._invoked(subtask, token, labels)
        votes = [{"subtask_id": subtask, "label": one.label, "token": token} for one in operations]
        status, answer = await self._floor.send("POST", "/api/votes", self._name, {"votes": votes})
        assert status == 200, answer
        for one, told in zip(operations, answer["outcomes"], strict=True):
            one.end_by_status(told["status"], "" if told["status"] == 200 else told["detail"], told)
        return self._judged(operations)

    async def _late(self, subtask: str, token: str, label: str) -> list[Operation]:
        """A vote through a lease that has expired: it counts while its place is free."""
        await asyncio.sleep(LEASE_S + self._chance.uniform(0.1, 1.0))
        return await self._together(subtask, token, [label])

    async def _stale(self, subtask: str, token: str) -> list[Operation]:
        """Let the lease expire and keep its token."""
        self._old.append((subtask, token))
        return []

    async def _wrong_token(self, subtask: str, token: str, label: str) -> list[Operation]:
        """A lease alone is not enough: its token has to be shown."""
        others = [one for at, _, one in self._floor.tokens if at == subtask and one != token]
        (refused,) = await self._together(subtask, self._chance.choice(others or ["made up"]), [label])
        self._expect(refused, refused.status == 409, "a token that is not the lease's was accepted")
        return await self._together(subtask, token, [label])

    async def _return(self, subtask: str) -> list[Operation]:
        operation = self._history.invoke("return", self._name, subtask=subtask)
        await self._floor.ask(operation, "DELETE", f"/api/leases/{subtask}")
        self._expect(operation, operation.outcome == "ok", "a lease could not be given back")
        return []

    async def _wrong_label(self, subtask: str, token: str) -> list[Operation]:
        operation = self._history.invoke("wrong label", self._name, subtask=subtask)
        body = {"label": "no such label", "token": token}
        await self._floor.ask(operation, "POST", f"/api/subtasks/{subtask}/vote", body)
        self._expect(operation, operation.status == 422, "an unknown label was not refused as such")
        return []

    async def _intrude(self) -> None:
        """Vote through what is nobody's, somebody else's, or was once one's own."""
        draw = self._chance.random()
        subtask, owner, token = self._chance.choice(self._floor.tokens or [("0" * 32, "", "x")])
        if draw < 0.2:
            operation = self._history.invoke("nowhere", self._name)
            await self._floor.ask(operation, "POST", "/api/subtasks/nothing/vote", {"label": LABELS[0], "token": token})
            self._expect(operation, operation.status == 404, "a vote for nothing was not refused as such")
        elif draw < 0.4 and self._old:
            subtask, token = self._old.pop(0)
            held = self._history.invoke("lease", self._name)  # with luck a newer lease on the same subtask
            await self._floor.ask(held, "POST", "/api/leases", {"count": 3, "task_id": self._floor.task_id})
            tokens = {one["subtask_id"]: one["token"] for one in (held.answer or {}).get("leases", [])}
            self._seen |= tokens.keys()
            is_newer = tokens.get(subtask, token) != token
            (operation,) = await self._together(subtask, token, [choose(self._chance, subtask)])
            if operation.outcome == "ok":
                self._voted.setdefault(subtask, (operation.label, token))
                self._expect(operation, not is_newer, "a stale token was accepted")
        elif owner != self._name and subtask not in self._seen:
            token = token if draw < 0.8 else "made up"
            (operation,) = await self._together(subtask, token, [choose(self._chance, subtask)])
            self._expect(operation, operation.status == 409, "a token of somebody else was accepted")

    async def _come_after_the_end(self) -> None:
        """All is completed: no new vote is taken, and one's own is still told as before."""
        unvoted = [subtask for subtask in self._seen if subtask not in self._voted]
        for subtask in unvoted[:2]:
            (operation,) = await self._together(subtask, "late", [LABELS[0]])
            self._expect(operation, operation.status == 409, "a vote after the end was taken")
        for subtask, (label, token) in list(self._voted.items())[:2]:
            (operation,) = await self._together(subtask, token, [label])
            self._expect(operation, operation.outcome == "ok", "one's own vote was not told again after the end")

    def _invoked(self, subtask: str, token: str, labels: Sequence[str]) -> list[Operation]:
        operations: list[Operation] = []
        for label in labels:
            group = operations[0].group if operations else None
            what = {"subtask": subtask, "label": label, "token": token}
            operations.append(self._history.invoke("vote", self._name, group=group, **what))
        return operations

    def _judged(self, operations: list[Operation]) -> list[Operation]:
        for one in operations:
            is_known = one.status == 200 or (one.status == 409 and one.detail in REASONS)
            self._expect(one, is_known, "an answer that there is no reason for")
        return operations

    def _expect(self, operation: Operation, is_right: bool, text: str) -> None:  # noqa: FBT001 - what is right
        if not is_right:
            self._history.violated("answers", f"{text}: {operation}")
