"""Operators, uploaders and a reader, each in a thread of its own, who go on whatever happens to the platform."""

import hashlib
import io
import json
import random
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from quorate.client import Client
from quorate.errors import ApiError, QuorateError
from quorate.retries import RetryPolicy
from tests.e2e import pictures
from tests.e2e.history import History, Operation, shown
from tests.e2e.pictures import Drawn

LABELS = ("cat", "dog", "a.b", "$inc", "__proto__", "größer")
HARD_SHARE = 0.3
"""The share of pictures at which operators guess."""
BACKLOG = 200
"""Uploaders wait while more images are open."""
SKIPPERS = 3
"""Only so many operators skip, so that enough are left for every image."""
ONE_TRY = RetryPolicy(attempts=1)
TIMEOUT_S = 20.0


class Crew:
    """What all of them share."""

    def __init__(self, url: str, seed: int) -> None:
        self.url = url
        self.seed = seed
        self.history = History()
        self.pictures: dict[str, bytes] = {}
        self.is_archive_on_its_way = threading.Event()
        self.uploads_ended = threading.Event()
        self.work_ended = threading.Event()
        self.open_images = 0
        self.backlog = BACKLOG
        self.pause_s = 0.0
        """How long operators rest between leases, on average."""
        self.explained = frozenset({503})
        """What the platform may answer of its own failures."""
        self.tasks_of: dict[str, str] = {}
        self.idle_s = (0.02, 0.1)
        """How long operators wait where there is nothing for them."""
        self.closed: set[str] = set()
        """Tasks that somebody asked to seal: they may take no more images."""
        self.cancelled: set[str] = set()
        """Tasks that somebody asked to cancel: what is in them may be gone."""
        self.failures: list[str] = []
        self.task_id = ""
        self._uploaders: list[threading.Thread] = []
        self._others: list[threading.Thread] = []

    def client(self, user: str) -> Client:
        """One that tries once: what becomes of each request is to be recorded."""
        return Client(self.url, user, timeout_s=TIMEOUT_S, retry=ONE_TRY)

    def start(self, *, operators: int, uploaders: int) -> None:
        self._uploaders = [self._thread(Uploader(self, number).run, f"uploader{number}") for number in range(uploaders)]
        self._others = [self._thread(Operator(self, number).run, f"operator{number}") for number in range(operators)]
        self._others.append(self._thread(Reader(self).run, "reader"))
        for thread in self._uploaders + self._others:
            thread.start()

    def end_uploads(self) -> None:
        self.uploads_ended.set()
        for thread in self._uploaders:
            thread.join(TIMEOUT_S + 5)

    def end(self) -> None:
        """Everybody stops."""
        self.work_ended.set()
        self.end_uploads()
        for thread in self._others:
            thread.join(TIMEOUT_S + 5)
        assert not any(thread.is_alive() for thread in self._uploaders + self._others), "a worker does not stop"

    def choose_task(self, chance: random.Random) -> str | None:
        """What an operator works on next; None: whatever there is."""
        return self.task_id if chance.random() < 0.7 else None

    def judge(self, operation: Operation) -> None:
        """A refusal needs a reason, and a failure one that the faults explain."""
        is_gone = operation.status == 404 and self.tasks_of.get(operation.subtask) in self.cancelled
        if operation.outcome == "fail" and operation.status != 409 and not is_gone:
            self.history.violated("answers", f"a refusal that there is no reason for: {operation}")
        self.note_fault(operation)

    def note_fault(self, operation: Operation) -> None:
        if operation.status >= 500 and operation.status not in self.explained:
            self.history.violated("answers", f"the platform failed: {operation}")

    def acknowledged_images(self) -> int:
        answers = [one.answer for one in list(self.history.operations) if one.kind == "upload" and one.outcome == "ok"]
        return len({image["image_id"] for answer in answers for image in answer["images"]})

    def _thread(self, run: Callable[[], None], name: str) -> threading.Thread:
        def guarded() -> None:
            try:
                run()
            except Exception:  # noqa: BLE001 - reported by the test
                self.failures.append(f"{name}: {traceback.format_exc()}")

        return threading.Thread(target=guarded, name=name, daemon=True)


class Uploader:
    """Sends new pictures, alone and in archives, and some again."""

    def __init__(self, crew: Crew, number: int) -> None:
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
                while self._send(client, batch, is_archive=is_archive).outcome == "info" and chance.random() < 0.8:
                    if crew.uploads_ended.wait(0.05):
                        break
                self._known = (self._known + batch)[-200:]
                crew.uploads_ended.wait(chance.uniform(0.0, 0.15))

    def _draw(self) -> Drawn:
        self._drawn += 1
        return pictures.draw(self._chance, f"{self._name}-{self._drawn}")

    def _send(self, client: Client, batch: list[Drawn], *, is_archive: bool) -> Operation:
        crew = self._crew
        for one in batch:
            crew.pictures[one.sha256] = one.data
        parts = [pictures.archive(batch, "a.zip")] if is_archive else [one.part for one in batch]
        sent, task_id = [one.sha256 for one in batch], crew.task_id
        with crew.history.recorded("upload", self._name, task=task_id, sent=sent) as operation:
            if is_archive:
                crew.is_archive_on_its_way.set()
            try:
                report = client.upload(task_id, parts)
            finally:
                crew.is_archive_on_its_way.clear()
            operation.end("ok", status=200, answer=report)
        if operation.outcome == "fail" and not (operation.status == 409 and task_id in crew.closed):
            crew.history.violated("I1", f"an upload was refused: {operation.status} {operation.detail}")
        crew.note_fault(operation)
        return operation


class Operator:
    """Leases, looks, votes; sometimes votes twice, changes their mind, skips, gives back, or comes too late."""

    def __init__(self, crew: Crew, number: int) -> None:
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
                ballots.append((lease["subtask_id"], self._choice(lease["subtask_id"]), lease["token"]))
        if len(ballots) > 1 and chance.random() < 0.5:
            self._vote_together(client, ballots)
        else:
            for ballot in ballots:
                self._vote(client, *ballot)

    def _choice(self, subtask: str) -> str:
        """Mostly the same for everybody; at some pictures a guess."""
        number = int(hashlib.sha256(subtask.encode()).hexdigest(), 16)
        is_hard = number % 100 < 100 * HARD_SHARE
        return self._chance.choice(LABELS) if is_hard else LABELS[number // 100 % len(LABELS)]

    def _look(self, client: Client, lease: Any) -> None:
        with self._history.recorded("look", self._name) as operation:
            self._history.look(lease["subtask_id"], client.image_bytes(lease["image_url"]))
            operation.end("ok", status=200)
        if operation.outcome == "fail" and lease["task_id"] not in self._crew.cancelled:
            self._history.violated("I1", f"a picture was not shown: {operation.status} {operation.detail}")

    def _vote(self, client: Client, subtask: str, label: str, token: str) -> None:
        while True:
            with self._recorded_vote(subtask, label, token) as operation:
                operation.end("ok", status=200, answer=client.vote(subtask, label, token))
            self._crew.judge(operation)
            if operation.outcome != "info" or self._chance.random() < 0.2 or self._crew.work_ended.wait(0.05):
                break
        if operation.outcome != "ok":
            return
        if self._chance.random() < 0.05:
            with self._recorded_vote(subtask, label, token) as again:
                again.end("ok", status=200, answer=client.vote(subtask, label, token))
            self._crew.judge(again)
            is_gone = again.status == 404 and self._crew.tasks_of[subtask] in self._crew.cancelled
            is_other = again.outcome == "ok" and again.answer != operation.answer
            if is_other or (again.outcome == "fail" and not is_gone):
                self._history.violated("I10", f"the same vote again was answered in another way: {operation} {again}")
        if self._chance.random() < 0.02:
            other = self._chance.choice(LABELS)
            with self._recorded_vote(subtask, other, token) as changed:
                changed.end("ok", status=200, answer=client.vote(subtask, other, token))
            self._crew.judge(changed)
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
            label = self._chance.choice(LABELS)
            with self._recorded_vote(subtask, label, operation.answer["token"]) as voted:
                voted.end("ok", status=200, answer=client.vote(subtask, label, operation.answer["token"]))
            self._crew.judge(voted)

    def _return(self, call: Callable[[], None], subtask: str) -> None:
        with self._history.recorded("return", self._name, subtask=subtask) as operation:
            call()
            operation.end("ok", status=204)
        self._crew.judge(operation)

    def _recorded_vote(self, subtask: str, label: str, token: str):
        return self._history.recorded("vote", self._name, subtask=subtask, label=label, token=token)


class Reader:
    """Reads results, subtasks and exports all the time: what has ended must not change."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._history = crew.history
        self._chance = random.Random(f"{crew.seed} reader")
        self.reads = 0

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
        crew = self._crew
        crew.open_images = client.task(crew.task_id)["counts"]["open"]
        if self._chance.random() < 0.3:
            out = io.BytesIO()
            client.export(crew.task_id, out)
            items: list[Any] = [json.loads(line) for line in out.getvalue().splitlines()]
        else:
            items = list(client.results(crew.task_id, state=self._chance.choice(("completed", "disputed", None))))
        ended = [item for item in items if item["state"] != "open"]
        for item in ended:
            self._history.sight("task manager", item["image_id"], shown(item))
        for item in self._chance.sample(ended, min(5, len(ended))):
            result = client.subtask(item["image_id"])["result"]
            if result is None:
                self._history.violated("I7", f"{item['image_id']} has ended for the client and is open for operators")
            else:
                self._history.sight("subtask manager", item["image_id"], shown(dict(result)))


def until(is_done: Callable[[], bool], deadline: float, what: str) -> None:
    """Wait; the platform may be away meanwhile."""
    last: Exception | None = None
    while True:
        try:
            if is_done():
                return
            last = None
        except QuorateError as error:
            last = error
            if isinstance(error, ApiError) and error.status not in (409, 503):
                raise
        assert time.monotonic() < deadline, f"not in time: {what}" + (f" ({last})" if last else "")
        time.sleep(0.1)
