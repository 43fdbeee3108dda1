"""Defects that are planted in a service, to show that the checker sees each.

Every one breaks a rule that the code keeps. `caught_as` are the invariants of which one has to be reported. Some show
only where the process dies: at a crash point, or (`is_killed`) right after it acknowledged a vote.
"""

import asyncio
import itertools
import os
import secrets
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.subtask_manager import domain, handlers, quorum
from services.subtask_manager.domain import Brief, Fact, Subtask, Vote
from services.subtask_manager.store.sqlite import SqliteSubtaskStore
from services.task_manager import collector as collecting
from services.task_manager import domain as task_domain
from services.task_manager import handlers as task_handlers
from services.task_manager.collector import Collector
from services.task_manager.domain import Image, Task
from services.task_manager.ingest import Ingest, Storable
from services.task_manager.store.sqlite import SqliteTaskStore
from shared import crash_points, outbox
from shared.bus import sqlite as bus_sqlite
from shared.bus.sqlite import SqliteBus
from shared.decision import Decision
from shared.outbox.sqlite import SqliteOutbox
from shared.sqlite import Database
from tests.chaos.triggers import COMMIT_LATE, Triggers


@dataclass(frozen=True, kw_only=True)
class Defect:
    plant: Callable[[], None]
    caught_as: frozenset[str]
    crash_at: str | None = None
    is_killed: bool = False


COMMIT_S = 1.0
HANDLED_S = 0.2
DEFECTS: dict[str, Defect] = {}


def _defect(*caught_as: str, crash_at: str | None = None, is_killed: bool = False):
    def register(plant: Callable[[], None]) -> Callable[[], None]:
        DEFECTS[plant.__name__] = Defect(
            plant=plant, caught_as=frozenset(caught_as), crash_at=crash_at, is_killed=is_killed
        )
        return plant

    return register


@_defect("I9", crash_at="consumer.before_handler:2")
def auto_ack() -> None:
    """A consumer settles a message before its handler ran."""
    real_claim = bus_sqlite._Consumer._settle_and_claim

    def claim(self: Any, db: Any, settled: Any, room: int, now: float):
        claimed, next_at = real_claim(self, db, settled, room, now)
        db.executemany("DELETE FROM messages WHERE id = ?", [(delivery.id,) for delivery in claimed])
        return claimed, next_at

    real_deliver = bus_sqlite._Consumer._deliver

    async def deliver(self: Any, delivery: Any) -> None:
        await asyncio.sleep(HANDLED_S)  # the relay has cleared it by then
        await real_deliver(self, delivery)

    bus_sqlite._Consumer._settle_and_claim = claim
    bus_sqlite._Consumer._deliver = deliver


@_defect("I9", crash_at="relay.before_publish:1")
def no_confirm() -> None:
    """The relay clears events before the bus has them."""

    async def drain(self: Any) -> None:
        while messages := await self._outbox.pending(outbox.BATCH):
            await self._outbox.clear([message.id for message in messages])
            crash_points.reached("relay.before_publish")
            await self._bus.publish(messages)

    outbox.Relay._drain = drain


@_defect("I9")
def lost_outbox() -> None:
    """Some changes are saved without their events."""
    real_keep = SqliteOutbox._keep
    count = itertools.count(1)

    def keep(self: Any, db: Any, messages: Any) -> None:
        real_keep(self, db, [message for message in messages if next(count) % 7])

    SqliteOutbox._keep = keep


@_defect("I2", "I1", is_killed=True)
def answer_before_commit() -> None:
    """A write is answered before it is durable."""
    triggers = Triggers.from_environment()

    def store(self: Any, group: Sequence[Any]) -> None:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        for job in group:
            try:
                job.result = job.context.run(job.work, connection)
            except Exception as error:  # noqa: BLE001 - handed to whoever asked
                job.error = error
        is_early = triggers.is_set(COMMIT_LATE)
        if not is_early:
            connection.execute("COMMIT")
        for job in group:
            job.loop.call_soon_threadsafe(_resolve, job)
        if is_early:
            time.sleep(COMMIT_S)
            connection.execute("COMMIT")

    def _resolve(job: Any) -> None:
        if job.error is not None:
            job.done.set_exception(job.error)
        else:
            job.done.set_result(job.result)

    def run(self: Any) -> None:
        while (job := self._jobs.get()) is not None:
            store(self, [job])

    Database._write_until_closed = run


@_defect("I6", "I5")
def publish_before_save() -> None:
    """An event goes out before the change that caused it is saved; then the process dies between the two."""
    triggers = Triggers.from_environment()
    buses: list[SqliteBus] = []
    real_open = SqliteBus.open

    async def opened(self: SqliteBus) -> None:
        buses.append(self)
        await real_open(self)

    real_keep = SqliteSubtaskStore._keep_events

    def keep(self: Any, db: Any, decision: Any, brief: Any, now: float) -> None:
        if Fact.COMPLETED in decision.facts and not triggers.is_set("died"):
            messages = self._announce(decision.state, brief, decision.facts, now)
            loop = asyncio.new_event_loop()
            try:
                loop.run_until_complete(SqliteBus.publish(_Foreign(buses[0]), messages))
            finally:
                loop.close()
            triggers.set("died")
            os.kill(os.getpid(), signal.SIGKILL)
        real_keep(self, db, decision, brief, now)

    SqliteBus.open = opened
    SqliteSubtaskStore._keep_events = keep


class _Foreign:
    """A bus as another thread may use it: nobody is woken."""

    def __init__(self, bus: SqliteBus) -> None:
        self._database, self._clock, self._optional_ttl_s = bus._database, bus._clock, bus._optional_ttl_s

    def _wake(self, queues: set[str]) -> None:
        pass


@_defect("I1", crash_at="filesystem.before_rename:3")
def image_before_object() -> None:
    """An image is saved before its object is."""
    real_save = Ingest._save

    async def save(self: Any, images: dict[int, Storable]) -> None:
        real_put, real_add = self._objects.put_all, self._store.add_images
        objects, store = _Proxy(self._objects), _Proxy(self._store)
        waiting: list[Any] = []

        async def put_all(put: Any) -> None:
            waiting.append(put)

        async def add_images(task: Task, new: Sequence[Image]) -> set[str]:
            known = await real_add(task, new)
            for put in waiting:
                await real_put(put)
            return known

        objects.put_all, store.add_images = put_all, add_images
        self._objects, self._store = objects, store
        try:
            await real_save(self, images)
        finally:
            self._objects, self._store = objects.behind, store.behind

    Ingest._save = save


class _Proxy:
    def __init__(self, behind: Any) -> None:
        self.behind = behind

    def __getattr__(self, name: str) -> Any:
        return getattr(self.behind, name)


@_defect("I4", "I3", "I5")
def no_voter_guard() -> None:
    """Who has voted may vote again."""

    def cast_vote(
        subtask: Subtask, brief: Brief, now: float, *, voter: str, label: str, token: str
    ) -> Decision[Subtask, Vote]:
        domain._refuse_unless_open(subtask)
        return domain._counted(subtask, brief, voter=voter, label=domain.parse_label(brief, label), now=now)

    domain.cast_vote = cast_vote


@_defect("I8")
def no_fence() -> None:
    """Any token is as good as the lease's own."""
    real_cast = domain.cast_vote

    def cast_vote(
        subtask: Subtask, brief: Brief, now: float, *, voter: str, label: str, token: str
    ) -> Decision[Subtask, Vote]:
        held = [lease.token for lease in subtask.leases if lease.operator == voter]
        return real_cast(subtask, brief, now, voter=voter, label=label, token=held[0] if held else token)

    domain.cast_vote = cast_vote


@_defect("I5")
def over_quota() -> None:
    """A subtask that has ended takes votes from those who look at it still."""
    real_settles = quorum.settles

    def settles(policy: Any, now: quorum.Standing) -> Any:
        return None if now.collected < policy.votes_required else real_settles(policy, now)

    def is_disputed(policy: Any, now: quorum.Standing) -> bool:
        return now.collected > policy.max_votes and real_settles(policy, now) is None

    quorum.settles, quorum.is_disputed = settles, is_disputed


@_defect("I8")
def leases_over_places() -> None:
    """More people are asked than votes are needed."""
    domain._places = lambda subtask, brief: 5


@_defect("I5", "I6")
def tie_by_order() -> None:
    """A tie goes to the label that comes first."""
    real_settles = quorum.settles

    def settles(policy: Any, now: quorum.Standing) -> Any:
        is_tied = now.collected >= policy.votes_required and now.top == now.second
        return "quorum" if is_tied else real_settles(policy, now)

    quorum.settles = settles


@_defect("I6", "I7")
def older_revision_wins() -> None:
    """A result that comes again replaces a newer one."""

    def record_result(image: Image, _now: float, **fields: Any) -> Decision[Image, None]:
        return Decision(state=replace(image, **fields), answer=None)

    task_domain.record_result = record_result


@_defect("I7", "I6")
def completion_changes() -> None:
    """A result changes after it was told once."""
    real_find = SqliteSubtaskStore.find
    seen: set[str] = set()

    async def find(self: Any, subtask_id: str):
        subtask, brief = await real_find(self, subtask_id)
        if subtask.result is None or subtask_id not in seen:
            seen.add(subtask_id)
            return subtask, brief
        other = next(label for label in brief.terms.labels if label != subtask.result.label)
        return replace(subtask, result=replace(subtask.result, label=other)), brief

    SqliteSubtaskStore.find = find


@_defect("I13")
def counts_drift() -> None:
    """A result that comes twice counts twice."""
    real_update = SqliteTaskStore.update_image

    async def update_image(self: Any, task_id: str, image_id: str, decide: Any) -> bool:
        is_again = False

        def noted(image: Image, now: float) -> Decision[Image, None]:
            nonlocal is_again
            decision = decide(image, now)
            is_again = decision.state is image
            return decision

        finished = await real_update(self, task_id, image_id, noted)
        if is_again:
            count = "UPDATE tasks SET completed = completed + 1 WHERE id = ?"
            await self._database.write(lambda db: db.execute(count, (task_id,)).rowcount)
        return finished

    SqliteTaskStore.update_image = update_image


@_defect("I10")
def forgotten_idempotency() -> None:
    """A key makes no difference: every request makes a task."""
    task_handlers.domain.task_id_of = lambda owner, key: secrets.token_hex(16)


@_defect("I10")
def changed_body_accepted() -> None:
    """A key used again with another body is answered as if it were the same."""
    task_domain.repeat_create = lambda existing, wanted: existing


@_defect("I12", "I10")
def keys_shared_between_owners() -> None:
    """Two owners who use the same key get the same task."""
    real = task_domain.task_id_of
    task_domain.task_id_of = lambda owner, key: real("anybody", key)


@_defect("I1")
def random_image_ids() -> None:
    """The same bytes again are another image."""
    task_domain.image_id_of = lambda task_id, sha256: secrets.token_hex(16)


@_defect("I11")
def erase_leaves_objects() -> None:
    """A cancelled task's images are removed, their objects stay."""

    async def erase(self: Any, task_id: str) -> None:
        while await self._store.remove_images(task_id, collecting.BATCH) == collecting.BATCH:
            pass
        await self._store.update(task_id, task_domain.mark_erased)

    async def collect(_self: Any) -> None:
        return

    Collector._erase, Collector._collect = erase, collect


@_defect("I11", "I1")
def collector_takes_named_objects() -> None:
    """The collector does not ask whether an image names an object."""

    async def referenced(_self: Any, _keys: Sequence[str]) -> set[str]:
        return set()

    SqliteTaskStore.referenced = referenced


@_defect("I9")
def wrong_handler_gives_up() -> None:
    """A handler that always fails for some messages: they end as dead letters."""
    real_record = task_handlers.record_result
    bus_sqlite.MAX_RETRY_S = 0.05

    async def record(at: Any, event: Any) -> None:
        if int(event.data.subtask_id[:2], 16) % 3 == 0:
            raise ValueError("cannot be handled")
        await real_record(at, event)

    task_handlers.record_result = record


@_defect("I3")
def votes_made_up() -> None:
    """A vote for which nobody was asked counts."""
    real_vote = handlers.vote

    async def vote(at: Any, *, voter: str, subtask_id: str, label: str, token: str) -> Vote:
        cast = await real_vote(at, voter=voter, subtask_id=subtask_id, label=label, token=token)
        if cast.state == "open" and cast.total == 1:
            named = label
            await at.store.update(
                subtask_id, lambda s, b, now: domain._counted(s, b, voter="nobody", label=named, now=now)
            )
        return cast

    handlers.vote = vote
