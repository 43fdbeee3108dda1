"""What passes between services, and the outboxes that it leaves from."""

import asyncio
import itertools
import os
import signal
from functools import partial
from typing import Any

from services.subtask_manager.store.sqlite import SqliteSubtaskStore
from services.subtask_manager.subtask import Fact
from services.task_manager import handlers as task_handlers
from shared import crash_points, outbox
from shared.bus import sqlite as bus_sqlite
from shared.bus.sqlite import SqliteBus
from shared.outbox.sqlite import SqliteOutbox
from tests.chaos.defects.planting import defect
from tests.chaos.triggers import Triggers

HANDLED_S = 0.2


@defect("I9", crash_at="consumer.before_handler:4")
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


@defect("I9", crash_at="relay.before_publish:1")
def no_confirm() -> None:
    """The relay clears events before the bus has them."""

    async def drain(self: Any) -> None:
        while messages := await self._outbox.pending(outbox.BATCH):
            await self._outbox.clear([message.id for message in messages])
            crash_points.reached("relay.before_publish")
            await self._bus.publish(messages)

    outbox.Relay._drain = drain


@defect("I9")
def lost_outbox() -> None:
    """Some changes are saved without their events."""
    real_keep = SqliteOutbox._keep
    count = itertools.count(1)

    def keep(self: Any, db: Any, messages: Any) -> None:
        real_keep(self, db, [message for message in messages if next(count) % 7])

    SqliteOutbox._keep = keep


@defect("I6", "I5")
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
        self.database, self._clock, self._optional_ttl_s = bus.database, bus._clock, bus._optional_ttl_s

    def _wake(self, queues: set[str]) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        return partial(getattr(SqliteBus, name), self)


@defect("I9")
def wrong_handler_gives_up() -> None:
    """A handler that always fails for some messages: they end as dead letters."""
    real_record = task_handlers.record_result
    bus_sqlite.MAX_RETRY_S = 0.05

    async def record(at: Any, event: Any) -> None:
        if int(event.data.subtask_id[:2], 16) % 3 == 0:
            raise ValueError("cannot be handled")
        await real_record(at, event)

    task_handlers.record_result = record
