"""A vote that no majority has is not acknowledged, whoever asks, and no event of it is published."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pymongo
import pytest

from services.subtask_manager import announcements
from services.subtask_manager.store.mongo import MongoSubtaskStore
from shared.errors import Unavailable
from shared.events import Message
from tests.contract.adapters import ManualClock
from tests.contract.operators import claim, open_all, subtask_ids, tokens_of, vote
from tests.contract.subtask_scenes import ONE_VOTE
from tests.replica.opened import opened_set
from tests.replica.replica_set import ReplicaSet

[SUBTASK] = subtask_ids(1)
PATIENCE_S = 1.0
"""Shorter than the services'."""
LATER_S = 60.0
"""Long after events that a process left are anybody's."""


@dataclass(frozen=True)
class Crowd:
    """Ann holds a lease on a subtask that takes one vote, and meets either of two replicas."""

    primary: ReplicaSet
    clock: ManualClock
    stores: tuple[MongoSubtaskStore, MongoSubtaskStore]
    token: str

    async def votes(self, replica: int) -> bool:
        """Whether a replica acknowledges her vote."""
        try:
            with pymongo.timeout(PATIENCE_S):
                await vote(self.stores[replica], "ann", SUBTASK, "cat", self.token)
        except Unavailable:
            return False
        return True

    async def publishable(self) -> list[Message]:
        """What the relays of both replicas find, at once and later."""
        found = [message for store in self.stores for message in await store.pending(10)]
        self.clock.now += LATER_S
        return found + [message for store in self.stores for message in await store.pending(10)]

    async def counted(self) -> int:
        return len((await self.stores[0].find(SUBTASK))[0].votes)


@contextlib.asynccontextmanager
async def crowd(level: str | None = None) -> AsyncIterator[Crowd]:
    clock = ManualClock()
    async with opened_set(level) as at:
        stores = tuple(MongoSubtaskStore(at.database, clock, announcements.announce) for _ in range(2))
        await stores[0].prepare()
        await open_all(stores[0], ONE_VOTE, [SUBTASK])
        tokens = tokens_of(await claim(stores[0], "ann", 1), "ann")
        yield Crowd(at.primary, clock, stores, tokens[SUBTASK])


@contextlib.asynccontextmanager
async def unheard(ann: Crowd) -> AsyncIterator[None]:
    """Her vote is with the primary alone, and she hung up."""
    await ann.primary.lag()
    first = asyncio.create_task(ann.votes(0))
    await ann.primary.lacks(1)
    first.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await first
    yield


async def test_it_is_refused_until_a_majority_has_it_and_nothing_of_it_is_published():
    async with crowd() as ann:
        async with unheard(ann):
            assert not await ann.votes(0)
            assert not await ann.votes(1)
            assert await ann.publishable() == []
            await ann.primary.catch_up()
        assert await ann.votes(1)
        assert {message.type for message in await ann.publishable()} == {"subtask.completed.v1"}
        assert await ann.counted() == 1


async def test_after_a_failover_it_is_gone_and_counts_once_when_it_is_sent_again():
    async with crowd() as ann:
        async with unheard(ann):
            assert not await ann.votes(1)
            assert await ann.publishable() == []
            assert await ann.primary.fail_over() >= 1
        assert await ann.counted() == 0
        assert await ann.publishable() == []
        assert await ann.votes(1)
        assert await ann.counted() == 1
        assert {message.type for message in await ann.publishable()} == {"subtask.completed.v1"}


async def test_who_waits_through_the_failover_is_answered_and_counted_once():
    async with crowd() as ann:
        await ann.primary.lag()
        first = asyncio.create_task(ann.votes(0))
        await ann.primary.lacks(1)
        await ann.primary.fail_over()
        assert await first
        assert await ann.counted() == 1


async def test_reads_of_what_the_primary_alone_has_would_lose_it_after_it_was_acknowledged():
    """What the reads were until they asked for a majority: the tests above would not pass with them."""
    async with crowd("local") as ann:
        async with unheard(ann):
            assert await ann.votes(1)
            assert {message.type for message in await ann.publishable()} == {"subtask.completed.v1"}
            assert await ann.primary.fail_over() >= 1
        assert await ann.counted() == 0


@pytest.mark.parametrize("level", [None, "local"])
async def test_no_reads_lose_what_was_acknowledged_by_its_own_write(level):
    async with crowd(level) as ann:
        assert await ann.votes(0)
        assert await ann.primary.fail_over() == 0
        assert await ann.counted() == 1
