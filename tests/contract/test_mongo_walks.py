"""Where operators stand in tasks, and which tasks are looked through, when several processes write."""

import asyncio

import pytest

from services.subtask_manager import walk as walks
from services.subtask_manager.store.mongo.claims import MongoClaim
from shared.errors import NotFound, Unavailable
from shared.teams import FIRST_TEAM
from tests.contract.operators import (
    claim,
    claim_all,
    granting,
    open_all,
    subtask_ids,
    tokens_of,
    vote,
    vote_on_all,
)
from tests.contract.subtask_scenes import ONE_VOTE, TASK
from tests.unit.subtask_builders import T0, brief


async def walked(store, ids, of) -> None:
    await open_all(store, of, ids)
    while (got := await claim_all(store, "ann", 100)).held:
        await vote_on_all(store, "ann", got)


@pytest.mark.parametrize(("late_s", "seen_after_s"), [(4.0, walks.SOON_S), (29.0, walks.LATE_S)])
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
    assert await store._listings.listed(FIRST_TEAM, "bob", "", 10) == []
    await open_all(other, ONE_VOTE, subtask_ids(1, first=9))
    assert len((await claim_all(store, "bob", 1)).held) == 1


@pytest.mark.parametrize("crash", ["after closing", "before unlisting"])
async def test_a_crash_while_a_task_is_taken_down_hides_nothing(replicas, crash, monkeypatch):
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

    monkeypatch.setattr(store._places, "has_open", has_open)
    if crash == "after closing":
        with pytest.raises(RuntimeError):
            await store._listings.unlist(TASK)
        await open_all(replicas.stores[1], ONE_VOTE, subtask_ids(1, first=5))
    else:
        await store._listings.unlist(TASK)
    assert list(tokens_of(await claim_all(store, "bob", 1), "bob")) == subtask_ids(1, first=5)


async def test_a_tombstone_of_another_process_is_seen_soon(replicas, monkeypatch):
    store, other = replicas.stores[:2]
    await open_all(store, ONE_VOTE, subtask_ids(1))
    await store.find(subtask_ids(1)[0])
    await other.cancel(TASK)
    assert await open_all(store, ONE_VOTE, subtask_ids(1, first=1)) == [False]
    with pytest.raises(NotFound):
        await store.find(subtask_ids(1)[0])


async def test_whoever_leases_has_the_answer_before_it_is_noted(replicas, monkeypatch):
    store, noting, began = replicas.stores[0], asyncio.Event(), list[str]()
    keep, run = store._walks.keep, MongoClaim.run

    async def keep_later(*arguments) -> None:
        await noting.wait()
        await keep(*arguments)

    async def running(one):
        began.append(one.operator)
        return await run(one)

    async def leased(operator: str, count: int) -> int:
        got = await asyncio.wait_for(
            store.claim(FIRST_TEAM, operator, task_id=None, count=count, grant=granting(operator)), 30
        )
        return len(got.held)

    monkeypatch.setattr(store._walks, "keep", keep_later)
    monkeypatch.setattr(MongoClaim, "run", running)
    await open_all(store, brief(), subtask_ids(10))
    assert await leased("ann", 2) == 2
    again = asyncio.create_task(leased("ann", 4))
    assert [await leased(other, 2) for other in ("bob", "eve", "joe")] == [2, 2, 2]
    assert began == ["ann", "bob", "eve", "joe"], "one request of an operator at a time, to its end"
    noting.set()
    assert (await again, began[-1]) == (4, "ann")
    await store.settle()


async def test_a_lease_is_answered_though_its_hint_is_lost(replicas, monkeypatch):
    store = replicas.stores[0]

    async def lost(*_arguments) -> None:
        raise Unavailable("the database does not answer now")

    await open_all(store, brief(), subtask_ids(4))
    with monkeypatch.context() as patched:
        patched.setattr(store._walks, "keep", lost)
        assert len((await claim(store, "ann", 2)).held) == 2
    assert len((await claim(store, "ann", 4)).held) == 4


async def test_where_operators_stood_is_forgotten_once_a_task_has_nothing_open(replicas):
    store = replicas.stores[0]
    await walked(store, subtask_ids(3), ONE_VOTE)
    await claim(store, "bob", 1)
    await store.settle()
    assert await store._database["walks"].count_documents({}) == 0
