"""What work costs MongoDB: its commands, and how it finds what is looked for."""

import re
from functools import partial

import pytest
from pymongo.errors import AutoReconnect

from services.subtask_manager import domain
from services.subtask_manager import walk as walks
from services.subtask_manager.row import Row
from services.subtask_manager.store import mongo as subtask_store
from services.task_manager import announcements as task_announcements
from services.task_manager.listing import Listing
from services.task_manager.order import KEYS
from services.task_manager.store import mongo as task_store
from services.task_manager.store.mongo import MongoTaskStore
from shared.errors import Unavailable
from shared.mongo import outbox
from shared.teams import FIRST_TEAM
from tests.contract import index_scans
from tests.contract.index_scans import Cost as ReadOf
from tests.contract.operators import (
    claim,
    give_back,
    granting,
    open_all,
    subtask_ids,
    tokens_of,
    vote,
    vote_on_all,
)
from tests.contract.queries import ALL_INDEXES, name_of
from tests.contract.replicas import Replicas, cost_of
from tests.contract.subtask_scenes import SUGGESTING, TASK, TOLD
from tests.unit.subtask_builders import T0, brief, prelabel
from tests.unit.task_builders import TASK_ID, image, task

pytestmark = pytest.mark.usefixtures("briefs_stay_fresh")


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


async def test_subtasks_that_are_opened_together_share_their_commands(replicas):
    store, ids = replicas.stores[0], subtask_ids(60)
    cost = await cost_of(replicas, open_all(store, brief(), ids))
    inserts = cost.commands.count("insert subtasks")
    assert 2 <= inserts <= 6, "the first alone, then what came meanwhile, as often as that is"
    others = [command for command in cost.commands if command != "insert subtasks"]
    assert {*others} == {"find briefs", "insert briefs", "update briefs"}
    assert others.count("insert briefs") == 1
    assert len(others) <= 2 * inserts, "the task is listed with the first, and looked at with each"
    assert len((await claim(store, "ann", 100)).held) == 60


async def test_one_subtask_that_comes_many_times_at_once_is_opened_once(replicas):
    opened = await open_all(replicas.stores[0], brief(), subtask_ids(1) * 20)
    assert opened == [True, *[False] * 19]


async def test_an_outbox_is_looked_at_after_events_were_saved_and_else_for_orphans_only(replicas):
    store = replicas.stores[0]

    async def looked() -> list[str]:
        return (await cost_of(replicas, store.pending(10))).commands

    assert await looked() == ["find subtasks"], "what a process left that died"
    assert await looked() == []
    await open_all(store, brief(detector=SUGGESTING), subtask_ids(1))
    assert await looked() == ["find subtasks"]
    assert await looked() == ["find subtasks"], "it may have had more than were asked for"
    await store.clear([message.id for message in await store.pending(10)])
    assert await looked() == ["find subtasks"]
    assert await looked() == []
    await claim(store, "ann", 1)
    assert await looked() == [], "a lease tells nobody"
    replicas.at(T0 + 2 * outbox.ORPHANS_EVERY_S)
    assert await looked() == ["find subtasks"]


async def test_events_are_found_again_after_a_look_or_a_save_that_failed(replicas, monkeypatch):
    store, collection = replicas.stores[0], replicas.stores[0]._subtasks.collection

    async def lost(to, *arguments, **options):
        answer = await real(to, *arguments, **options)
        if to.name == "subtasks":
            raise AutoReconnect("the answer was lost")
        return answer

    assert await store.pending(10) == []
    real = type(collection).insert_many
    with monkeypatch.context() as patched:
        patched.setattr(type(collection), "insert_many", lost)
        with pytest.raises(Unavailable):
            await open_all(store, brief(detector=SUGGESTING), subtask_ids(1))
    with monkeypatch.context() as patched:
        patched.setattr(type(collection), "find", refuse)
        with pytest.raises(Unavailable):
            await store.pending(10)
    assert len(await store.pending(10)) == 1


def refuse(*_arguments, **_options):
    raise AutoReconnect("away")


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


@pytest.mark.parametrize("count", [1, 30])
async def test_a_row_costs_three_reads_and_one_write_and_is_found_through_its_index(replicas, count):
    store, ids = replicas.stores[0], subtask_ids(60)
    await open_all(store, TOLD, ids)
    for subtask_id in ids:
        await store.update(subtask_id, partial(domain.apply_prelabel, prelabel=prelabel("cat", 0.9)))
    for row in (Row(label="cat"), Row(label="cat", is_rising=True)):
        operator = f"rising {row.is_rising}"
        work = store.claim_row(FIRST_TEAM, operator, task_id=TASK, row=row, count=count, grant=granting(operator))
        cost = await cost_of(replicas, work)
        assert cost.commands == ["find subtasks"] * 3 + ["update subtasks"]
    assert await scans(replicas) == []
    assert sorted_by_hand(replicas, subtask_store.INDEXES) == []


async def test_own_votes_cost_one_read_and_their_images_two(replicas):
    store, ids = replicas.stores[0], subtask_ids(30)
    await open_all(store, brief(), ids)
    await vote_on_all(store, "ann", await claim(store, "ann", 20))
    replicas.stores[1]._briefs._known.clear()
    voted = await cost_of(replicas, store.voted("ann", since=T0))
    assert voted.commands == ["find subtasks"]
    found = await cost_of(replicas, replicas.stores[1].find_each(ids))
    assert found.commands == ["find subtasks", "find briefs"]
    assert await scans(replicas) == []
    assert sorted_by_hand(replicas, subtask_store.INDEXES) == []


async def test_a_look_at_the_work_costs_three_reads_and_one_or_two_for_each_task(replicas):
    store = replicas.stores[0]
    many = [brief(votes_required=1, task_id=f"{number:032x}", created_at=T0 + number) for number in range(5)]
    for number, of in enumerate(many):
        await open_all(store, of, subtask_ids(3, first=3 * number))
    await claim(store, "bob", 3)
    looked = await cost_of(replicas, store.work(FIRST_TEAM, "ann"))
    assert sorted(looked.commands[:3]) == ["find briefs", "find subtasks", "find walks"]
    assert sorted(looked.commands[3:]) == ["aggregate subtasks", *["find subtasks"] * 5], (
        "a window of each, and a count"
    )
    assert set(replicas.commands.groups) == {None}, "nx-27017 copies the whole collection for any other group"
    assert await scans(replicas) == []
    assert sorted_by_hand(replicas, subtask_store.INDEXES) == []


async def test_whatever_is_looked_for_all_the_time_is_found_through_an_index(replicas):
    """But where more than one task's open subtasks are counted, which happens when there is nothing to lease."""
    store, now = replicas.stores[0], T0
    many = [brief(votes_required=1, task_id=f"{number:032x}", created_at=T0 + number) for number in range(3)]
    for number, of in enumerate(many):
        await open_all(store, of, subtask_ids(3, first=3 * number))
    for task_id in (None, many[0].task_id):
        for _ in range(3):
            await vote_on_all(store, "ann", await claim(store, "ann", 2, task_id=task_id))
            now += walks.LATE_S
            replicas.at(now)
    await store.leased()
    await store.backlog()
    await store.cancel(many[1].task_id)
    await store.purge(many[1].task_id, 10)
    assert len(replicas.commands.finds) >= 10
    assert await scans(replicas) == []
    assert sorted_by_hand(replicas, subtask_store.INDEXES) == []


async def test_a_task_s_images_are_found_through_an_index(replicas):
    store = MongoTaskStore(
        replicas.db,
        replicas.clocks[0],
        announce_task=task_announcements.task_changed,
        announce_image=task_announcements.image_added,
        announce_change=task_announcements.image_changed,
        announce_removed=task_announcements.image_removed,
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
    for by in KEYS:
        await store.images(TASK_ID, state=None, label=None, after="", limit=10, by=by)
    await store.votes_since(TASK_ID, T0)
    for listing in ({}, {"owner": "owner"}, {"beginning": "pe"}, {"owner": "owner", "beginning": "pe"}):
        assert len(await store.tasks(Listing(team=FIRST_TEAM, **listing), after="", limit=10)) == 1
    await store.find(TASK_ID)
    await store.known(TASK_ID, subtask_ids(2))
    await store.referenced([f"{TASK_ID}/{subtask_ids(1)[0]}"])
    await store.is_finished(TASK_ID)
    await store.unfinished()
    await store.unerased()
    assert len(replicas.commands.finds) >= 8
    assert await scans(replicas) == []
    assert sorted_by_hand(replicas, task_store.INDEXES) == []


async def test_a_lease_and_a_vote_read_no_document_in_vain(replicas):
    """However many leases there are of others, and tasks that rest."""
    store, other = replicas.stores[0], replicas.stores[1]
    await open_all(store, brief(), subtask_ids(200))
    for number in range(6):
        await claim(store, f"holder{number}", 20)
    resting = [brief(votes_required=1, task_id=f"{n:032x}", created_at=T0 - 100 + n) for n in range(1, 41)]
    for number, of in enumerate(resting):
        await open_all(store, of, subtask_ids(1, first=1_000 + number))
    await claim(store, "greedy", 40)
    replicas.at(T0 + 1)
    await claim(store, "seeker", 1)
    assert await replicas.db["briefs"].count_documents({"rests_until": {"$gt": T0 + 1}}) > 20
    looked = await looked_at(replicas, claim(store, "ann", 10))
    assert [(name, told) for name, told in looked if told.documents != told.answered or told.is_sorted_by_hand] == []
    assert sum(told.documents for _, told in looked) < 80
    first, second, *_ = tokens_of(await claim(store, "ann", 10), "ann").items()
    await vote(other, "ann", first[0], "cat", first[1])
    looked = await looked_at(replicas, vote(other, "ann", second[0], "cat", second[1]))
    assert [(name, told.documents) for name, told in looked] == [("subtasks: _id", 1), ("subtasks: _id version", 1)]


async def looked_at(replicas: Replicas, work) -> list[tuple[str, ReadOf]]:
    """What each query of some work costs on what was there before."""
    there = {name: await replicas.db[name].find().to_list() for name in await replicas.db.list_collection_names()}
    await cost_of(replicas, work)
    told = [
        (name_of(one), index_scans.cost(one, there.get(one.collection, []), ALL_INDEXES.get(one.collection, {})))
        for one in replicas.commands.queries
    ]
    assert [name for name, cost in told if cost is None] == []
    return [(name, cost) for name, cost in told if cost is not None]


async def scans(replicas: Replicas) -> list[tuple[str, ...]]:
    """What was looked for and found without an index, as the server explains it."""
    plans = {looked_for: await plan(replicas.db, *find) for looked_for, find in replicas.commands.finds.items()}
    return [looked_for for looked_for, found in plans.items() if not re.search("SEARCH|IXSCAN|IDHACK|EXPRESS", found)]


def sorted_by_hand(replicas: Replicas, indexes) -> list[tuple[str, tuple[str, ...]]]:
    """What no index gives in the order that is asked for, behind fields that are looked for. A server may find what it
    is to sort through another one, or read everything in the order that it likes better: explanations do not tell."""
    keys = {name: [list(one.document["key"]) for one in models] for name, models in indexes.items()}

    def is_given(collection: str, where: frozenset[str], order: tuple[str, ...]) -> bool:
        return any(
            where.issuperset(key[:begin]) and key[begin : begin + len(order)] == [*order]
            for key in keys[collection]
            for begin in range(len(key))
        )

    return [
        (collection, order)
        for collection, where, order in replicas.commands.sorts
        if order and not is_given(collection, where, order)
    ]


async def plan(db, collection: str, where) -> str:
    """The server's plan in its own words: nx-27017 gives SQLite's, step by step."""
    told = (await db.command("explain", {"find": collection, "filter": where}))["queryPlanner"]["winningPlan"]
    return str(told[0] if isinstance(told, list) else told)
