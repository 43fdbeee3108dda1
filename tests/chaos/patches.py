"""What the launcher changes in a service before it runs: shorter patience, and faults that triggers switch on."""

import asyncio
import errno
import os
import random
from collections import deque
from collections.abc import Sequence
from typing import Any

from services.accounts import signing_in
from services.task_manager import collector, domain, uploads
from services.task_manager.collector import Collector
from shared.bus.sqlite import SqliteBus
from shared.events import Message
from tests.chaos.triggers import COLLECT, COLLECTED, FSYNC, REORDER, REPLAY, Triggers

GRACE_S = 60.0
"""Longer than any fault lasts: an upload that was held up may yet name its objects."""
REGISTRATION_S = 10.0
"""An upload whose process died keeps its task from being sealed for so long."""
LOOK_S = 0.1
HANDLED_S = 0.3

_real_fsync = os.fsync


def shorten(triggers: Triggers, sweep_s: float) -> None:
    """Let happen in seconds what takes an hour."""
    domain.REGISTRATION_S = REGISTRATION_S
    uploads.RENEW_S = REGISTRATION_S / 3
    collector.SWEEP_S = sweep_s
    real_sweep = Collector.sweep

    async def sweep(self: Collector) -> None:
        is_asked = triggers.is_set(COLLECT)
        collector.GRACE_S = 0.0 if is_asked else GRACE_S
        collector.SWEEP_S = min(1.0, sweep_s) if is_asked else sweep_s
        await real_sweep(self)
        if is_asked:
            triggers.set(COLLECTED)

    Collector.sweep = sweep


def name_people() -> None:
    """Let people be known by their names, so that the checker finds them in what the platform shows."""
    real_new = signing_in.new_person
    signing_in.new_person = lambda _id, name, *rest: real_new(name, name, *rest)


def break_fsync(triggers: Triggers) -> None:
    def fsync(descriptor: Any) -> None:
        if triggers.is_set(FSYNC):
            raise OSError(errno.EIO, "the disk is broken")
        _real_fsync(descriptor)

    os.fsync = fsync


def repeat_events(triggers: Triggers, remembered_events: int) -> None:
    """Deliver events again and in another order, as every bus may."""
    real_publish = SqliteBus.publish
    chance = random.Random(os.getpid())
    remembered: deque[Message] = deque(maxlen=remembered_events)
    repeating: list[asyncio.Task[None]] = []

    async def publish(self: SqliteBus, messages: Sequence[Message]) -> None:
        if not repeating:
            repeating.append(asyncio.create_task(repeat(self)))
        remembered.extend(messages)
        if triggers.is_set(REORDER):
            messages = chance.sample(messages, len(messages))
        await real_publish(self, messages)

    async def repeat(bus: SqliteBus) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            if triggers.is_set(REPLAY):
                again = chance.sample(list(remembered), len(remembered))
                newest = [message for message in again if message.type.startswith("subtask.adjudicated.")]
                await real_publish(bus, newest)
                await asyncio.sleep(HANDLED_S)  # so that what they replaced certainly comes after them
                await real_publish(bus, [message for message in again if message not in newest])
                triggers.clear(REPLAY)

    SqliteBus.publish = publish
