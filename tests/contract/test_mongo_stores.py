"""What only MongoDB has: several processes on one database, guarded writes that meet, events of dead processes."""

import asyncio
import re
from collections import Counter
from dataclasses import dataclass

import pytest
import pytest_asyncio

from services.subtask_manager import announcements, domain
from services.subtask_manager.store import mongo_walks
from services.subtask_manager.store.mongo import MongoSubtaskStore
from services.task_manager import announcements as task_announcements
from services.task_manager import domain as task_domain
from services.task_manager.store import mongo_counts
from services.task_manager.store.mongo import MongoTaskStore
from shared import mongo as shared_mongo
from shared.errors import NotFound, Unavailable
from shared.policy import DetectorPolicy
from tests.contract.adapters import Cost, ManualClock
from tests.contract.mongo import Commands, database
from tests.contract.operators import (
    claim,
    claim_all,
    give_back,
    granting,
    open_all,
    subtask_ids,
    tokens_of,
    vote,
    vote_on_all,
)
from tests.unit.subtask_builders import T0, brief
from tests.unit.task_builders import TASK_ID, image, result, task

ONE_VOTE = brief(votes_required=1)
TASK = ONE_VOTE.task_id
SUGGESTING = DetectorPolicy(mode="suggest", audit_share=0.0)


@dataclass
class Replicas:
    """Stores of several processes on one database, with a clock each."""

    stores: list[MongoSubtaskStore]
    clocks: list[ManualClock]
    db: shared_mongo.MongoDatabase
    commands: Commands

    def at(self, now: float) -> None:
        for clock in self.clocks:
            clock.now = now


@pytest_asyncio.fixture
async def replicas():
    commands, clocks = Commands(), [ManualClock() for _ in range(3)]
    async with database(commands) as db:
        stores = [MongoSubtaskStore(db, clock, announcements.announce) for clock in clocks]
        await asyncio.gather(*(store.prepare() for store in stores))
        yield Replicas(stores, clocks, db, commands)


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


async def test_what_a_dead_process_left_is_published_by_another_after_a_while(replicas):
    of = brief(detector=SUGGESTING)
    await open_all(replicas.stores[0], of, subtask_ids(2))
    assert len(await replicas.stores[0].pending(10)) == 2
    assert await replicas.stores[1].pending(10) == []
    replicas.at(T0 + shared_mongo.ORPHANED_S)
    assert await replicas.stores[1].pending(10) == []
    replicas.at(T0 + shared_mongo.ORPHANED_S + 0.001)
    assert await replicas.stores[1].pending(10) == []  # it has just looked
    left = await replicas.stores[2].pending(10)
    assert [message.subject for message in left] == subtask_ids(2)
    replicas.at(T0 + shared_mongo.ORPHANED_S + shared_mongo.ORPHANS_EVERY_S)
    assert await replicas.stores[1].pending(10) == left
    await replicas.stores[1].clear([message.id for message in left])
    assert await replicas.stores[0].pending(10) == []


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


# Walks


async def walked(store, ids, of) -> None:
    await open_all(store, of, ids)
    while (got := await claim_all(store, "ann", 100)).held:
        await vote_on_all(store, "ann", got)


@pytest.mark.parametrize(("late_s", "seen_after_s"), [(4.0, mongo_walks.SOON_S), (29.0, mongo_walks.LATE_S)])
async def test_a_place_that_became_visible_late_is_seen_in_the_end(replicas, late_s, seen_after_s):
    """Its instant lies before what the walk has read: another process' clock is behind, or its write took long."""
    slow, store = replicas.stores[0], replicas.stores[1]
    of, ids = brief(stop="exact"), subtask_ids(40)
    await walked(store, ids, of)
    replicas.at(T0 + 100)
    await open_all(store, of, subtask_ids(5, first=100))
    assert len((await claim_all(store, "ann", 50)).held) == 5
    replicas.clocks[0].now = T0 + 100 - late_s
    await open_all(slow, of, subtask_ids(3, first=200))
    replicas.at(T0 + 101)
    assert not set(subtask_ids(3, first=200)) & set(tokens_of(await claim_all(store, "ann", 50), "ann"))
    replicas.at(T0 + 101 + seen_after_s)
    assert set(subtask_ids(3, first=200)) <= set(tokens_of(await claim_all(store, "ann", 50), "ann"))


async def test_a_place_that_was_left_comes_first_the_next_time_however_many_digits_its_instant_has(replicas):
    store, [voted, left] = replicas.stores[0], subtask_ids(2)
    await walked(store, subtask_ids(1, first=9), brief(stop="exact"))
    for subtask_id, opened_at in ((left, 1795242705.6574683), (voted, 1795242706.1234567)):
        replicas.at(opened_at)
        await open_all(store, brief(), [subtask_id])
    assert (await store.update(voted, granting("bob", "bobs"))).answer
    await vote(store, "bob", voted, "cat", "bobs")
    replicas.at(1795242707.0)
    assert list(tokens_of(await claim(store, "ann", 1), "ann")) == [voted]
    assert list(tokens_of(await claim(store, "ann", 2), "ann")) == [voted, left]


async def test_a_task_without_open_subtasks_is_looked_through_no_more_until_one_comes(replicas):
    store, other = replicas.stores[:2]
    await open_all(store, ONE_VOTE, subtask_ids(2))
    await vote_on_all(store, "ann", await claim(store, "ann", 2))
    assert (await claim_all(store, "bob", 1)).held == ()
    assert await store._briefs.listed("", 10) == []
    await open_all(other, ONE_VOTE, subtask_ids(1, first=9))
    assert len((await claim_all(store, "bob", 1)).held) == 1


@pytest.mark.parametrize("crash", ["after closing", "before unlisting"])
async def test_a_crash_while_a_task_is_taken_down_hides_nothing(replicas, crash):
    store = replicas.stores[0]
    await open_all(store, ONE_VOTE, subtask_ids(1))
    await vote_on_all(store, "ann", await claim(store, "ann", 1))
    looks = []

    async def has_open(_task_id: str) -> bool:
        looks.append(1)
        if len(looks) == 2:
            if crash == "after closing":
                raise RuntimeError("killed")
            await open_all(replicas.stores[1], ONE_VOTE, subtask_ids(1, first=5))
        return False

    if crash == "after closing":
        with pytest.raises(RuntimeError):
            await store._briefs.unlist(TASK, has_open)
        await open_all(replicas.stores[1], ONE_VOTE, subtask_ids(1, first=5))
    else:
        await store._briefs.unlist(TASK, has_open)
    assert list(tokens_of(await claim_all(store, "bob", 1), "bob")) == subtask_ids(1, first=5)


async def test_a_tombstone_of_another_process_is_seen_soon(replicas, monkeypatch):
    store, other = replicas.stores[:2]
    await open_all(store, ONE_VOTE, subtask_ids(1))
    await store.find(subtask_ids(1)[0])
    await other.cancel(TASK)
    assert await open_all(store, ONE_VOTE, subtask_ids(1, first=1)) == [False]
    with pytest.raises(NotFound):
        await store.find(subtask_ids(1)[0])


# Cost


async def cost_of(replicas, work) -> Cost:
    with replicas.commands.counting() as cost:
        await work
    return cost


async def test_a_vote_costs_one_read_and_one_write(replicas):
    store = replicas.stores[0]
    await open_all(store, brief(), subtask_ids(50))
    tokens = tokens_of(await claim(store, "ann", 2), "ann")
    (first, first_token), (second, second_token) = tokens.items()
    await vote(store, "ann", first, "cat", first_token)
    cost = await cost_of(replicas, vote(store, "ann", second, "cat", second_token))
    assert cost.commands == ["find subtasks", "update subtasks"]


@pytest.mark.parametrize("count", [1, 10, 100])
async def test_a_lease_request_costs_the_same_whatever_its_size(replicas, count):
    store = replicas.stores[0]
    await open_all(store, brief(), subtask_ids(400))
    await claim(store, "bob", 1)
    cost = await cost_of(replicas, claim(store, "ann", count))
    assert sorted(cost.commands[:3]) == ["find briefs", "find rounds", "find subtasks"], "the first round trip"
    assert cost.commands[3:] == ["find walks", "find subtasks", "find subtasks", "update subtasks", "update walks"]
    await vote_on_all(store, "ann", await claim(store, "ann", count))
    cost = await cost_of(replicas, claim(store, "ann", count))
    assert cost.commands[3:] == ["find walks", "find subtasks", "update subtasks", "update walks"], "not new any more"
    named = await cost_of(replicas, claim(store, "eve", count, task_id=TASK))
    assert named.commands[:2] == ["find subtasks", "find walks"]
    assert named.commands[2:] == ["find subtasks", "find subtasks", "update subtasks", "update walks"]


async def test_where_somebody_was_faster_it_is_looked_up_and_asked_again(replicas):
    """The lease request reads a window, and another process grants all of it before it writes."""
    store, other = replicas.stores[:2]
    of, ids = brief(stop="exact"), subtask_ids(4)
    await open_all(store, of, ids)
    real = store._subtasks.collection.bulk_write

    class Meddling:
        def __init__(self, collection) -> None:
            self._collection = collection

        def __getattr__(self, name):
            return getattr(self._collection, name)

        async def bulk_write(self, writes, **options):
            self.bulk_write = real
            await other.update(ids[0], granting("bob"))
            await other.update(ids[1], granting("bob"))
            await other.update(ids[1], granting("eve"))
            await give_back(other, "eve", ids[1])
            return await real(writes, **options)

    store._subtasks.collection = Meddling(store._subtasks.collection)
    got = await claim(store, "ann", 4)
    assert set(tokens_of(got, "ann")) == set(ids)
    for subtask_id in ids:
        subtask, _ = await other.find(subtask_id)
        assert sum(lease.operator == "ann" for lease in subtask.leases) == 1


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
                announce_image=task_announcements.image_ready,
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
        await second.update(TASK_ID, lambda one, now: task_domain.seal(one, now=now))
        return known

    first._images.insert = slow
    with pytest.raises(task_domain.NotOpen, match="takes no more images"):
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
        lambda one, _now: task_domain.record_result(one, state="disputed", result=result(), prelabel=None),
    )
    counts = (await store.find(TASK_ID))[1]
    assert (counts.images, counts.open, counts.completed, counts.disputed) == (3, 2, 0, 1)


async def test_whatever_is_looked_for_all_the_time_is_found_through_an_index(replicas):
    """But where more than one task's open subtasks are counted, which happens when there is nothing to lease."""
    store, now = replicas.stores[0], T0
    many = [brief(votes_required=1, task_id=f"{number:032x}", created_at=T0 + number) for number in range(3)]
    for number, of in enumerate(many):
        await open_all(store, of, subtask_ids(3, first=3 * number))
    for task_id in (None, many[0].task_id):
        for _ in range(3):
            await vote_on_all(store, "ann", await claim(store, "ann", 2, task_id=task_id))
            now += mongo_walks.LATE_S
            replicas.at(now)
    await store.leased()
    await store.cancel(many[1].task_id)
    await store.purge(many[1].task_id, 10)
    assert len(replicas.commands.finds) >= 10
    assert await scans(replicas) == []


async def test_a_task_s_images_are_found_through_an_index(replicas):
    store = MongoTaskStore(
        replicas.db,
        replicas.clocks[0],
        announce_task=task_announcements.task_changed,
        announce_image=task_announcements.image_ready,
    )
    await store.prepare()
    of = task()
    await store.create(of)
    await store.add_images(of, [image(name) for name in "abc"])
    ready = [one.id for one in await store.pending(10)]
    cost = await cost_of(replicas, store.clear(ready))
    assert cost.commands == ["update images"], "tasks have nothing to clear"
    assert await store.pending(10) == []
    for state, label in ((None, None), ("open", None), (None, "cat"), ("open", "cat")):
        await store.images(TASK_ID, state=state, label=label, after="", limit=10)
    await store.find(TASK_ID)
    await store.known(TASK_ID, subtask_ids(2))
    await store.referenced([f"{TASK_ID}/{subtask_ids(1)[0]}"])
    await store.is_finished(TASK_ID)
    await store.unfinished()
    await store.unerased()
    assert len(replicas.commands.finds) >= 8
    assert await scans(replicas) == []


async def scans(replicas: Replicas) -> list[tuple[str, ...]]:
    """What was looked for and found without an index, as the server explains it."""
    plans = {looked_for: await plan(replicas.db, *find) for looked_for, find in replicas.commands.finds.items()}
    return [looked_for for looked_for, found in plans.items() if not re.search("SEARCH|IXSCAN|IDHACK|EXPRESS", found)]


async def plan(db, collection: str, where) -> str:
    """The server's plan in its own words: nx-27017 gives SQLite's, step by step."""
    told = (await db.command("explain", {"find": collection, "filter": where}))["queryPlanner"]["winningPlan"]
    return str(told[0] if isinstance(told, list) else told)
