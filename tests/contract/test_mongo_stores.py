"""What only MongoDB has: several processes on one database, guarded writes that meet, events of dead processes."""

import asyncio
from collections import Counter
from dataclasses import replace
from functools import partial

import pytest
import pytest_asyncio
from pymongo import ReadPreference
from pymongo.read_concern import ReadConcern

from services.subtask_manager import domain
from services.subtask_manager.store.mongo import MongoSubtaskStore, briefs
from services.task_manager import announcements as task_announcements
from services.task_manager import domain as task_domain
from services.task_manager import refusals as task_refusals
from services.task_manager.store import mongo_counts
from services.task_manager.store.mongo import MongoTaskStore
from shared import mongo as shared_mongo
from shared.errors import Unavailable
from tests.contract.adapters import ManualClock
from tests.contract.mongo import database
from tests.contract.operators import (
    claim,
    granting,
    open_all,
    subtask_ids,
    tokens_of,
    vote,
)
from tests.contract.replicas import Replicas
from tests.contract.subtask_scenes import ONE_VOTE
from tests.unit.subtask_builders import T0, brief
from tests.unit.task_builders import TASK_ID, VOTES, image, result, task


def spread(replicas: Replicas, number: int) -> MongoSubtaskStore:
    return replicas.stores[number % len(replicas.stores)]


async def test_fifty_contend_through_all_replicas_and_one_wins(replicas):
    await open_all(replicas.stores[0], ONE_VOTE, subtask_ids(1))
    claims = await asyncio.gather(*(claim(spread(replicas, n), f"o{n}", 2) for n in range(50)))
    assert sum(len(got.held) for got in claims) == 1
    [winner] = [n for n, got in enumerate(claims) if got.held]
    token = tokens_of(claims[winner], f"o{winner}")[subtask_ids(1)[0]]
    decisions = await asyncio.gather(
        *(vote(spread(replicas, n), f"o{winner}", subtask_ids(1)[0], "cat", token) for n in range(50))
    )
    assert sum(bool(decision.facts) for decision in decisions) == 1
    assert len({decision.answer for decision in decisions}) == 1


async def test_newer_terms_are_seen_by_all_replicas(replicas, monkeypatch):
    keeper, *others = replicas.stores
    await open_all(keeper, ONE_VOTE, subtask_ids(1))
    newer = replace(ONE_VOTE, revision=2, terms=replace(ONE_VOTE.terms, labels=("cat", "lynx")))
    for store in others:
        assert (await store.find(subtask_ids(1)[0]))[1] == ONE_VOTE
    await keeper.keep_brief(newer)
    monkeypatch.setattr(briefs, "FRESH_S", -1.0)
    for store in others:
        store._briefs._known[ONE_VOTE.task_id] = replace(store._briefs._known[ONE_VOTE.task_id], until=0.0)
        assert (await store.find(subtask_ids(1)[0]))[1] == newer
        await store.keep_brief(ONE_VOTE)
    assert [await store.brief(ONE_VOTE.task_id) for store in replicas.stores] == [newer] * 3


async def test_terms_of_several_revisions_from_all_replicas_leave_the_newest(replicas):
    several = [replace(ONE_VOTE, revision=number) for number in range(1, 31)]
    await asyncio.gather(*(spread(replicas, one.revision).keep_brief(one) for one in several[::-1]))
    document = await replicas.db["briefs"].find_one({"_id": ONE_VOTE.task_id})
    assert document["body"]["revision"] == 30


async def test_a_crowd_on_all_replicas_never_takes_too_many_places_or_votes(replicas):
    of, ids = brief(), subtask_ids(30)
    for number, subtask_id in enumerate(ids):
        await open_all(spread(replicas, number), of, [subtask_id])

    async def person(number: int) -> None:
        name = f"o{number}"
        for turn in range(25):
            store = spread(replicas, number + turn)
            got = await claim(store, name, 4)
            for subtask, _ in got.held:
                assert len(domain.live_leases(subtask, T0)) + len(subtask.votes) <= 5
            for subtask_id, token in tokens_of(got, name).items():
                other = spread(replicas, number + turn + 1)
                label = "cat" if (number + int(subtask_id, 16)) % 3 else "dog"
                sent = (vote(one, name, subtask_id, label, token) for one in (store, other))
                await asyncio.gather(*sent)

    await asyncio.gather(*(person(number) for number in range(9)))
    ended = [(await replicas.stores[0].find(subtask_id))[0] for subtask_id in ids]
    assert {subtask.state for subtask in ended} <= {"completed", "disputed"}
    for subtask in ended:
        voters = Counter(one.voter for one in subtask.votes)
        assert max(voters.values()) == 1
        assert len(voters) <= 5


async def test_the_same_subtask_opened_on_all_replicas_is_opened_once(replicas):
    opened = await asyncio.gather(*(open_all(store, ONE_VOTE, subtask_ids(1)) for store in replicas.stores * 10))
    assert sum(sum(one) for one in opened) == 1


async def test_a_change_that_never_gets_through_is_given_up(replicas, monkeypatch):
    store = replicas.stores[0]
    await open_all(store, ONE_VOTE, subtask_ids(1))
    monkeypatch.setattr(shared_mongo, "MAX_PAUSE_S", 0.001)
    asked = []

    def meddled(subtask, of, now):
        asked.append(now)
        return granting("ann")(subtask, of, now)

    real = store._subtasks.guarded

    def outdated(before, after, messages):
        where, update = real(before, after, messages)
        return where | {"version": where["version"] - 1}, update

    monkeypatch.setattr(store._subtasks, "guarded", outdated)
    with pytest.raises(Unavailable):
        await store.update(subtask_ids(1)[0], meddled)
    assert len(asked) == shared_mongo.MAX_TRIES


# Tasks


@pytest_asyncio.fixture
async def task_stores():
    clock = ManualClock()
    async with database() as db:
        stores = [
            MongoTaskStore(
                db,
                clock,
                announce_task=task_announcements.task_changed,
                announce_image=task_announcements.image_added,
                announce_change=task_announcements.image_changed,
                announce_removed=task_announcements.image_removed,
            )
            for _ in range(2)
        ]
        await stores[0].prepare()
        yield stores


async def test_an_image_that_came_too_late_on_another_replica_is_taken_away(task_stores):
    first, second = task_stores
    await first.create(task())
    real = first._images.insert

    async def slow(new):
        known = await real(new)
        await second.update(TASK_ID, task_domain.seal)
        return known

    first._images.insert = slow
    with pytest.raises(task_refusals.NotOpen, match="takes no more images"):
        await first.add_images(task(), [image("a")])
    assert await second.images(TASK_ID, state=None, label=None, after="", limit=5) == []
    assert (await second.find(TASK_ID))[1].images == 0


async def test_the_same_image_added_on_both_replicas_is_accepted_once(task_stores):
    await task_stores[0].create(task())
    answers = await asyncio.gather(*(store.add_images(task(), [image("a")]) for store in task_stores * 20))
    assert sum(answer == set() for answer in answers) == 1
    messages = [message for store in task_stores for message in await store.pending(10)]
    assert [message.subject for message in messages] == [image("a").id]


@pytest.mark.parametrize("small", [0, 2, 3, 500])
async def test_a_task_is_counted_the_same_by_reading_and_by_index(task_stores, monkeypatch, small):
    monkeypatch.setattr(mongo_counts, "SMALL", small)
    store = task_stores[0]
    await store.create(task())
    ended = image("c")
    await store.add_images(task(), [image("a"), image("b"), ended])
    await store.update_image(
        TASK_ID,
        ended.id,
        partial(task_domain.record_result, state="disputed", result=result(), votes=VOTES, prelabel=None),
    )
    counts = (await store.find(TASK_ID))[1]
    assert (counts.images, counts.open, counts.completed, counts.disputed) == (3, 2, 0, 1)


async def test_reads_see_only_what_a_majority_has_and_ask_the_primary():
    """Else a repeated vote could be acknowledged by what a failover takes back: a repeated request writes nothing."""
    async with database() as db:
        assert db.read_concern.level == "majority"
        assert db.read_preference == ReadPreference.PRIMARY
        assert await db["tasks"].find_one({}) is None


async def test_a_read_that_says_otherwise_is_noticed_in_every_test():
    with pytest.raises(AssertionError, match="a failover may take back"):
        async with database() as db:
            await db["tasks"].with_options(read_concern=ReadConcern("local")).find_one({})
