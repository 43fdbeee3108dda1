import asyncio
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from services.subtask_manager import consumers
from services.subtask_manager.handlers import Resources
from services.subtask_manager.metrics import WorkMetrics
from shared import outbox
from shared.auditing import Auditor
from shared.erasures import Eraser
from shared.events import ImageReady, ImageReadyV1, Message, envelope, message
from shared.flat import flattened
from shared.models import ModelHeard
from shared.outbox import Relay
from tests.contract.adapters import T0
from tests.contract.operators import claim, open_all, subtask_ids, vote_on_all
from tests.unit.subtask_builders import brief

PATIENCE_S = 20.0
ONE_VOTE = brief(votes_required=1)


class RecordingBus:
    """Notes what is published, and fails as often as told."""

    def __init__(self, failures: int = 0) -> None:
        self.published: list[str] = []
        self.failures = failures
        self.attempts = 0
        self._changed = asyncio.Condition()

    async def publish(self, messages) -> None:
        self.attempts += 1
        async with self._changed:
            if self.failures:
                self.failures -= 1
                raise ConnectionError("the broker is away")
            self.published += [one.id for one in messages]
            self._changed.notify_all()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE_S), self._changed:
            await self._changed.wait_for(lambda: len(self.published) >= count)


class Forgetful:
    """An outbox whose process dies between publishing and clearing."""

    def __init__(self, store) -> None:
        self._store = store
        self.has_died = asyncio.Event()

    async def pending(self, limit: int):
        return await self._store.pending(limit)

    async def clear(self, ids) -> None:
        self.has_died.set()
        await asyncio.Event().wait()

    async def beat(self) -> None:
        await self._store.beat()


class Stuck(RecordingBus):
    """A bus that takes nothing until it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.is_asked, self.goes_on = asyncio.Event(), asyncio.Event()

    async def publish(self, messages) -> None:
        self.is_asked.set()
        await self.goes_on.wait()
        await super().publish(messages)


class Beats(Forgetful):
    """An outbox that counts its beats."""

    def __init__(self, store) -> None:
        super().__init__(store)
        self.count = 0

    async def clear(self, ids) -> None:
        await self._store.clear(ids)

    async def beat(self) -> None:
        await super().beat()
        self.count += 1

    async def more(self, count: int) -> None:
        enough = self.count + count
        async with asyncio.timeout(PATIENCE_S):
            while self.count < enough:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.002)


@pytest.fixture(autouse=True)
def _quickly(monkeypatch):
    monkeypatch.setattr(outbox, "SWEEP_S", 0.05)


async def end(at, count: int, *, first: int = 0) -> list[str]:
    """Subtasks that have just been completed; their events wait."""
    at.clock.now += 1
    await open_all(at.store, ONE_VOTE, subtask_ids(count, first=first))
    await vote_on_all(at.store, "ann", await claim(at.store, "ann", count))
    return [one.id for one in await at.store.pending(10_000)]


async def is_empty(at) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await at.store.pending(1):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.002)


async def test_what_was_saved_before_a_crash_is_published_by_the_next_relay(subtasks):
    saved = await end(subtasks, 3)
    bus = RecordingBus()
    relay = Relay(subtasks.store, bus)
    relay.start()
    await bus.until(3)
    await is_empty(subtasks)
    await relay.close()
    assert bus.published == saved


async def test_a_wake_up_is_enough(subtasks, monkeypatch):
    monkeypatch.setattr(outbox, "SWEEP_S", 1e6)
    bus = RecordingBus()
    relay = Relay(subtasks.store, bus)
    relay.start()
    for number in range(3):
        saved = await end(subtasks, 1, first=number)
        relay.wake()
        await bus.until(number + 1)
        assert bus.published[-1] == saved[-1]
        await is_empty(subtasks)
    await relay.close()
    assert len(bus.published) == 3


async def test_a_lost_wake_up_is_made_good_by_the_sweep(subtasks, monkeypatch):
    monkeypatch.setattr(outbox, "SWEEP_S", 0.02)
    bus = RecordingBus()
    relay = Relay(subtasks.store, bus)
    relay.start()
    await asyncio.sleep(0.03)
    saved = await end(subtasks, 1)
    await bus.until(1)
    await relay.close()
    assert bus.published == saved


async def test_flushed_is_what_was_saved_before_without_a_pause(subtasks, monkeypatch):
    monkeypatch.setattr(outbox, "SWEEP_S", 1e6)
    monkeypatch.setattr(outbox, "GATHER_S", 1e6)
    bus = RecordingBus()
    relay = Relay(subtasks.store, bus)
    for number in range(3):
        saved = await end(subtasks, 1, first=number)
        if number == 0:
            relay.start()
        await asyncio.wait_for(asyncio.gather(relay.flush(), relay.flush()), PATIENCE_S)
        assert bus.published[-1] == saved[-1]
    assert len(bus.published) == 3
    await relay.close()


async def test_nobody_waits_for_ever_to_hand_over_to_a_bus_that_is_away(subtasks, monkeypatch):
    monkeypatch.setattr(outbox, "HAND_OVER_S", 0.02)
    await end(subtasks, 1)
    bus = RecordingBus(failures=1_000)
    relay = Relay(subtasks.store, bus)
    relay.start()
    await asyncio.wait_for(relay.hand_over(), PATIENCE_S)
    assert bus.published == []
    bus.failures = 0
    await relay.close()
    assert len(bus.published) == 1


async def test_a_crash_between_publishing_and_clearing_publishes_again(subtasks):
    saved = await end(subtasks, 3)
    bus, dying = RecordingBus(), Forgetful(subtasks.store)
    killed = Relay(dying, bus)
    killed.start()
    await asyncio.wait_for(dying.has_died.wait(), PATIENCE_S)
    killed._task.cancel()
    await asyncio.gather(killed._task, return_exceptions=True)
    assert bus.published == saved
    relay = Relay(subtasks.store, bus)
    relay.start()
    await bus.until(6)
    await is_empty(subtasks)
    await relay.close()
    assert bus.published == saved * 2


async def test_a_bus_that_is_away_for_a_while_loses_nothing(subtasks):
    saved = await end(subtasks, 5)
    bus = RecordingBus(failures=4)
    relay = Relay(subtasks.store, bus)
    relay.start()
    await bus.until(5)
    await is_empty(subtasks)
    await relay.close()
    assert (bus.published, bus.attempts) == (saved, 5)


async def test_a_process_says_that_it_lives_while_it_waits_for_the_bus(subtasks, monkeypatch):
    monkeypatch.setattr(outbox, "BEAT_S", 0.01)
    saved = await end(subtasks, 1)
    bus, beats = Stuck(), Beats(subtasks.store)
    relay = Relay(beats, bus)
    relay.start()
    await asyncio.wait_for(bus.is_asked.wait(), PATIENCE_S)
    await beats.more(3)
    bus.goes_on.set()
    await relay.close()
    assert bus.published == saved


async def test_more_than_a_batch_is_published_whole_and_in_order(subtasks, monkeypatch):
    monkeypatch.setattr(outbox, "BATCH", 7)
    for number in range(30):
        saved = await end(subtasks, 1, first=number)  # each a second after the one before
    bus = RecordingBus()
    relay = Relay(subtasks.store, bus)
    relay.start()
    await bus.until(30)
    await is_empty(subtasks)
    await relay.close()
    assert bus.published == saved


async def test_closing_publishes_what_is_left(subtasks, monkeypatch):
    monkeypatch.setattr(outbox, "SWEEP_S", 1e6)
    bus = RecordingBus()
    relay = Relay(subtasks.store, bus)
    relay.start()
    await asyncio.sleep(0.01)
    saved = await end(subtasks, 2)
    await asyncio.wait_for(relay.close(), PATIENCE_S)
    assert bus.published == saved
    assert await subtasks.store.pending(1) == []


async def test_closing_at_once_publishes_what_an_earlier_process_left(subtasks):
    saved = await end(subtasks, 2)
    bus = RecordingBus()
    relay = Relay(subtasks.store, bus)
    relay.start()
    await asyncio.wait_for(relay.close(), PATIENCE_S)
    assert bus.published == saved


async def test_closing_ends_though_the_bus_is_away(subtasks):
    saved = await end(subtasks, 2)
    relay = Relay(subtasks.store, RecordingBus(failures=10**9))
    relay.start()
    await asyncio.sleep(0.02)
    await asyncio.wait_for(relay.close(), PATIENCE_S)
    assert [one.id for one in await subtasks.store.pending(10)] == saved


async def test_an_event_that_comes_twice_has_one_effect(subtasks, buses, stored_objects):
    relay = Relay(subtasks.store, RecordingBus())
    unused: Any = None
    at = Resources(
        store=subtasks.store,
        preferences=unused,
        objects=stored_objects.objects,
        bus=buses.bus,
        relay=relay,
        clock=subtasks.clock,
        lease_s=300.0,
        arrivals=unused,
        limits=unused,
        model=ModelHeard(subtasks.clock),
        metrics=WorkMetrics(CollectorRegistry()),
        quotas=unused,
        eraser=Eraser("subtask_manager", unused, unused, buses.bus, subtasks.clock),
        auditor=Auditor(subtasks.clock, buses.bus, is_on=False),
    )
    consumers.subscribe(at, buses.bus)
    ready = [ready_message(subtask_id) for subtask_id in subtask_ids(10)]
    await buses.bus.publish(ready + ready)
    await buses.bus.publish(ready)
    async with asyncio.timeout(PATIENCE_S):
        while any((await buses.bus.depths()).values()):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.002)
    got = await claim(subtasks.store, "ann", 100)
    assert sorted(subtask.id for subtask, _ in got.held) == subtask_ids(10)
    assert (await claim(subtasks.store, "bob", 100)).waiting_for_others == 10
    assert await buses.bus.dead_letters(10) == []


def ready_message(subtask_id: str) -> Message:
    data = ImageReady(
        task_id=ONE_VOTE.task_id,
        image_id=subtask_id,
        owner="owner",
        object_key="key",
        media_type="image/png",
        width=1,
        height=1,
        task_created_at=T0,
        **flattened(ONE_VOTE.terms),
    )
    attributes = envelope(event_id=f"{subtask_id}/ready", source="tests", subject=subtask_id, at=T0)
    return message(ImageReadyV1(**attributes, data=data))
