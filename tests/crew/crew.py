"""Operators, uploaders, owners, an adjudicator and a reader, who go on whatever happens to the platform."""

import itertools
import random
import threading
import time
import traceback
from collections.abc import Callable

from quorate.client import Client
from quorate.errors import ApiError, QuorateError
from quorate.retries import RetryPolicy
from tests.crew.estimator import NAME as ESTIMATOR
from tests.crew.estimator import Estimator
from tests.crew.history import History, Operation
from tests.crew.operators import Operator
from tests.crew.orders import POLICIES, Order
from tests.crew.owners import OWNERS, Adjudicator, Owner, Uploader, close, create
from tests.crew.people import People
from tests.crew.reader import Reader

MAIN_OWNER = "client"
"""Who makes the tasks that uploaders fill."""
BACKLOG = 200
"""Uploaders wait while more images are open."""
ONE_TRY = RetryPolicy(attempts=1)
TIMEOUT_S = 20.0
WRITES = ("vote", "votes", "upload", "create", "seal", "cancel", "adjudicate", "undo", "return", "lease")
LATEST = 500


class Crew:
    """What all of them share; each works in a thread of their own.

    `order_s` sets how often an owner orders a task. The uploaders' task is the main one; with owners, another takes its
    place every `main_s`, so that none grows too large. `retry`: how often their clients try by themselves.
    """

    def __init__(
        self, url: str, seed: int, *, order_s: float = 6.0, main_s: float = 30.0, retry: RetryPolicy = ONE_TRY
    ) -> None:
        self.url = url
        self.seed = seed
        self.order_s = order_s
        self.main_s = main_s
        self._retry = retry
        self.people: People | None = None
        """Where the platform knows its callers: who they are."""
        self.history = History()
        self.pictures: dict[str, bytes] = {}
        self.is_archive_on_its_way = threading.Event()
        self.uploads_ended = threading.Event()
        self.work_ended = threading.Event()
        self.open_images = 0
        """As the reader counted them, and what may have come since."""
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
        self.runs: dict[str, str] = {}
        """Consensus runs that were acknowledged, and of which tasks."""
        self.orders: list[Order] = []
        self.mains: list[Order] = []
        self.unfinished: list[str] = []
        """At the end: the tasks that are left to do."""
        self.oldest: list[str] = []
        """Meanwhile: those that have waited longest."""
        self._uploaders: list[threading.Thread] = []
        self._others: list[threading.Thread] = []

    @property
    def task_id(self) -> str:
        """The main task."""
        return self.mains[-1].id

    def client(self, user: str, retry: RetryPolicy | None = None) -> Client:
        """One that tries once, if not told otherwise: what becomes of each request is to be recorded."""
        transport = None if self.people is None else self.people.transport(user)
        return Client(self.url, user, timeout_s=TIMEOUT_S, retry=retry or self._retry, transport=transport)

    def names(self, *, operators: int, uploaders: int) -> list[str]:
        """Everybody who may come."""
        numbered = [*(f"operator{n}" for n in range(operators)), *(f"uploader{n}" for n in range(uploaders))]
        return [MAIN_OWNER, *OWNERS, "reader", "adjudicator", ESTIMATOR, *numbered]

    def begin(self, *, operators: int, uploaders: int, has_owners: bool = True) -> None:
        """Order the main task and start everybody; without owners, there is only that task, and no adjudicator."""
        with self.client(MAIN_OWNER) as client:
            assert self.next_main(client), "the main task cannot be made"
        self._uploaders = [self._thread(Uploader(self, n).run, f"uploader{n}") for n in range(uploaders)]
        self._others = [self._thread(Operator(self, n).run, f"operator{n}") for n in range(operators)]
        self._others.append(self._thread(Reader(self).run, "reader"))
        if has_owners:
            self._uploaders += [self._thread(Owner(self, name).run, name) for name in OWNERS]
            self._uploaders.append(self._thread(self._replace_mains, MAIN_OWNER))
            self._others.append(self._thread(Adjudicator(self).run, "adjudicator"))
            self._others.append(self._thread(Estimator(self).run, ESTIMATOR))
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

    def next_main(self, client: Client) -> bool:
        number = len(self.mains)
        order = Order(owner=MAIN_OWNER, key=f"main {number}", name=f"main {number}", policy=POLICIES[0])
        if not create(self, client, order, self.uploads_ended):
            return False
        self.mains.append(order)
        return True

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

    def first_success(self, after: float) -> float | None:
        """When the first change was acknowledged after a moment, if one was."""
        latest = itertools.islice(reversed(self.history.operations), LATEST)
        ended = [one.ended_at for one in latest if one.outcome == "ok" and one.kind in WRITES]
        return min((at for at in ended if at > after), default=None)

    def close_orders(self, client: Client, deadline: float) -> list[Order]:
        """Seal or cancel, as it was meant, what its owner did not come to; returns what could not be."""
        for order in self.orders:
            with self.client(order.owner) as owner:
                while time.monotonic() < deadline and not order.is_closed:
                    if create(self, owner, order, self.uploads_ended):
                        close(self, owner, order)
                    if not order.is_closed:
                        time.sleep(0.2)
        return [order for order in self.orders if not order.is_closed]

    def _replace_mains(self) -> None:
        with self.client(MAIN_OWNER) as client:
            while not self.uploads_ended.wait(self.main_s):
                last = self.mains[-1]
                if self.next_main(client):
                    while not last.is_closed and not self.uploads_ended.is_set():
                        close(self, client, last)

    def _thread(self, run: Callable[[], None], name: str) -> threading.Thread:
        def guarded() -> None:
            try:
                run()
            except Exception:  # noqa: BLE001 - reported by the test
                self.failures.append(f"{name}: {traceback.format_exc()}")

        return threading.Thread(target=guarded, name=name, daemon=True)


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
