"""Which process publishes what, and what becomes of the flags of documents."""

import asyncio
from collections import Counter

import pytest

from shared import outbox as relays
from shared.mongo import outbox
from shared.mongo.origins import SILENT_S
from shared.outbox import Relay
from tests.contract.adapters import T0
from tests.contract.operators import claim, open_all, subtask_ids, vote_on_all
from tests.contract.subtask_scenes import SUGGESTING
from tests.unit.subtask_builders import brief

OF = brief(detector=SUGGESTING)
PATIENCE_S = 20.0
LOOKS_S = 2 * outbox.ORPHANS_EVERY_S
"""After so long every process looks again."""


async def test_what_a_dead_process_left_is_taken_over_after_a_while(replicas):
    await open_all(replicas.stores[0], OF, subtask_ids(2))
    assert len(await replicas.stores[0].pending(10)) == 2
    assert await replicas.stores[1].pending(10) == []
    replicas.at(T0 + outbox.ORPHANED_S)
    assert await replicas.stores[1].pending(10) == []
    replicas.at(T0 + outbox.ORPHANED_S + 0.001)
    assert await replicas.stores[1].pending(10) == []  # it has just looked
    left = await replicas.stores[2].pending(10)
    assert [message.subject for message in left] == subtask_ids(2)
    replicas.at(T0 + outbox.ORPHANED_S + LOOKS_S)
    assert await replicas.stores[1].pending(10) == [], "they are the third one's now, which lives"
    assert await replicas.stores[0].pending(10) == []
    assert await replicas.stores[2].pending(10) == left
    replicas.at(T0 + outbox.ORPHANED_S + LOOKS_S + SILENT_S + 0.001)
    assert await replicas.stores[1].pending(10) == left, "it has died, too"
    await replicas.stores[1].clear([message.id for message in left])
    for store in replicas.stores:
        assert await store.pending(10) == []


async def test_of_all_processes_that_look_at_once_one_takes_each_event_over(replicas):
    dead, *others = replicas.stores
    await open_all(dead, OF, subtask_ids(60))
    replicas.at(T0 + outbox.ORPHANED_S + 0.001)
    found = await asyncio.gather(*(store.pending(100) for store in others))
    published = Counter(message.subject for messages in found for message in messages)
    assert published == Counter(subtask_ids(60))


async def test_the_events_of_a_process_that_lives_are_left_to_it_however_old_they_are(replicas):
    living, other = replicas.stores[:2]
    await open_all(living, OF, subtask_ids(3))
    for now in (T0 + 100, T0 + 200):
        replicas.at(now)
        await living.beat()
        replicas.at(now + SILENT_S)
        assert await other.pending(10) == []
    replicas.at(T0 + 200 + SILENT_S + LOOKS_S)
    assert len(await other.pending(10)) == 3


async def test_what_was_changed_while_it_was_taken_over_is_its_writer_s(replicas, monkeypatch):
    dead, other, writer = replicas.stores
    [subtask_id] = subtask_ids(1)
    await open_all(dead, brief(votes_required=1, detector=SUGGESTING), [subtask_id])
    replicas.at(T0 + outbox.ORPHANED_S + 1)
    real = type(other._subtasks.outbox)._write

    async def late(outbox, updates):
        await vote_on_all(writer, "ann", await claim(writer, "ann", 1))
        return await real(outbox, updates)

    with monkeypatch.context() as patched:
        patched.setattr(type(other._subtasks.outbox), "_write", late)
        assert await other.pending(10) == []
    assert len(await writer.pending(10)) == 2


async def test_a_look_for_what_dead_processes_left_begins_where_the_last_one_found_nothing(replicas):
    store = replicas.stores[0]

    async def begins_at() -> float:
        await store.pending(10)
        return replicas.commands.finds["subtasks", "pending_at"][1]["pending_at"]["$gte"]

    assert await begins_at() == 0
    replicas.at(now := T0 + 1_000)
    assert await begins_at() == 0, "the first of a long time"
    replicas.at(now + LOOKS_S)
    assert await begins_at() == now - outbox.ORPHANED_S - outbox.BEFORE_S
    replicas.at(now + outbox.WHOLE_EVERY_S)
    assert await begins_at() == 0
    await open_all(store, OF, subtask_ids(1))
    await store.pending(10)
    own = replicas.commands.finds["subtasks", "pending_by", "pending_at"][1]
    assert own["pending_at"]["$gte"] == pytest.approx(now + outbox.WHOLE_EVERY_S, abs=0.01)


class Away:
    """A broker that is away at first. It notes what it takes."""

    def __init__(self) -> None:
        self.is_away = True
        self.tries = 0
        self.taken: Counter[str] = Counter()

    async def publish(self, messages) -> None:
        self.tries += 1
        if self.is_away:
            raise ConnectionError("the broker is away")
        self.taken.update(message.id for message in messages)


async def test_what_waited_for_the_broker_is_published_once_whichever_process_saved_it(replicas, monkeypatch):
    monkeypatch.setattr(relays, "SWEEP_S", 0.02)
    monkeypatch.setattr(relays, "BEAT_S", 0.02)
    broker, each = Away(), 40
    running = [Relay(store, broker) for store in replicas.stores]
    for number, store in enumerate(replicas.stores):
        await open_all(store, OF, subtask_ids(each, first=number * each))
    for relay in running:
        relay.start()
    for second in range(1, 16):
        replicas.at(T0 + second)
        tries = broker.tries
        async with asyncio.timeout(PATIENCE_S):
            while broker.tries < tries + 2 * len(running):  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)
    broker.is_away = False
    async with asyncio.timeout(PATIENCE_S):
        while len(broker.taken) < each * len(running):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
    for relay in running:
        await relay.close()
    assert set(broker.taken.values()) == {1}


async def test_what_nobody_changed_meanwhile_is_cleared_and_unflagged_in_one_write(replicas):
    store = replicas.stores[0]
    await open_all(store, brief(detector=SUGGESTING), subtask_ids(3))
    messages = await store.pending(10)
    with replicas.commands.counting() as cost:
        await store.clear([message.id for message in messages])
    assert cost.commands == ["update subtasks"]
    left = [one async for one in replicas.db["subtasks"].find({})]
    assert [(one["outbox"], "pending_at" in one, "pending_by" in one) for one in left] == [({}, False, False)] * 3


async def test_an_event_that_is_saved_while_others_are_cleared_is_not_cleared_with_them(replicas):
    store = replicas.stores[0]
    [subtask_id] = subtask_ids(1)
    await open_all(store, brief(votes_required=1, detector=SUGGESTING), [subtask_id])
    [opened] = await store.pending(10)
    await vote_on_all(store, "ann", await claim(store, "ann", 1))  # completed: a second event, another version
    await store.clear([opened.id])
    left = await store.pending(10)
    assert [message.type for message in left] == ["subtask.completed.v1"]
    await store.clear([message.id for message in left])
    assert await store.pending(10) == []
    document = await replicas.db["subtasks"].find_one({"_id": subtask_id})
    assert document is not None
    assert (document["outbox"], "pending_at" in document) == ({}, False)


async def test_a_flag_without_events_is_taken_down(replicas):
    store = replicas.stores[0]
    [subtask_id] = subtask_ids(1)
    await open_all(store, brief(detector=SUGGESTING), [subtask_id])
    [opened] = await store.pending(10)
    await claim(store, "ann", 1)  # no event, but another version
    await store.clear([opened.id])
    for _ in range(2):
        assert await store.pending(10) == []
    document = await replicas.db["subtasks"].find_one({"_id": subtask_id})
    assert document is not None
    assert "pending_at" not in document
