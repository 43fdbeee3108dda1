"""What a lease request gets, and what people's work costs the store."""

import random
from collections import Counter

import pytest

from services.subtask_manager import domain
from services.subtask_manager.refusals import NoLease, NotOpen
from shared.terms import DetectorPolicy
from tests.contract.operators import (
    claim,
    claim_all,
    give_back,
    granting,
    open_all,
    skip,
    subtask_ids,
    tokens_of,
    vote,
    vote_on_all,
)
from tests.contract.subtask_scenes import OLDER, ONE_VOTE, TASK, find
from tests.unit.subtask_builders import LEASE_S, T0, brief


async def test_live_ones_come_first_with_the_same_tokens(subtasks):
    await open_all(subtasks.store, brief(), subtask_ids(30))
    first = tokens_of(await claim(subtasks.store, "ann", 4), "ann")
    assert tokens_of(await claim(subtasks.store, "ann", 4), "ann") == first
    more = tokens_of(await claim(subtasks.store, "ann", 6), "ann")
    assert len(more) == 6
    assert set(list(more)[:4]) == set(first)
    assert {subtask_id: more[subtask_id] for subtask_id in first} == first
    fewer = tokens_of(await claim(subtasks.store, "ann", 2), "ann")
    assert len(fewer) == 2
    assert fewer.items() <= more.items()


async def test_live_ones_of_another_task_do_not_come_where_one_is_named(subtasks):
    await open_all(subtasks.store, OLDER, subtask_ids(3))
    await open_all(subtasks.store, ONE_VOTE, subtask_ids(3, first=3))
    await claim(subtasks.store, "ann", 2, task_id=OLDER.task_id)
    named = await claim(subtasks.store, "ann", 2, task_id=TASK)
    assert {of.task_id for _, of in named.held} == {TASK}
    assert len((await claim(subtasks.store, "ann", 4)).held) == 4


async def test_the_oldest_task_comes_first_unless_one_is_named(subtasks):
    await open_all(subtasks.store, ONE_VOTE, subtask_ids(3))
    await open_all(subtasks.store, OLDER, subtask_ids(3, first=3))
    got = await claim(subtasks.store, "ann", 4)
    assert [of.task_id for _, of in got.held] == [OLDER.task_id] * 3 + [TASK]
    assert {of.task_id for _, of in (await claim(subtasks.store, "bob", 4)).held} == {TASK}


async def test_those_with_votes_come_first_within_a_window(subtasks):
    of = brief(stop="exact")
    await open_all(subtasks.store, of, subtask_ids(40))
    begun = await vote_on_all(subtasks.store, "ann", await claim(subtasks.store, "ann", 3))
    assert set(tokens_of(await claim(subtasks.store, "bob", 3), "bob")) == set(begun)


async def test_an_operator_walks_a_task_once_though_others_interleave(subtasks):
    of = brief(stop="exact")
    ids = subtask_ids(250)
    await open_all(subtasks.store, of, ids)
    seen = {name: Counter() for name in ("ann", "bob", "eve")}
    sizes = {"ann": 7, "bob": 40, "eve": 90}
    while not all(len(counter) == 250 for counter in seen.values()):
        before = sum(map(len, seen.values()))
        for name, counter in seen.items():
            subtasks.clock.now += 1
            counter.update(await vote_on_all(subtasks.store, name, await claim_all(subtasks.store, name, sizes[name])))
        assert sum(map(len, seen.values())) > before, "the walk stands still"
    assert all(set(counter.values()) == {1} for counter in seen.values())
    assert [(await find(subtasks, subtask_id)).state for subtask_id in ids] == ["completed"] * 250


async def walked(at, of, ids) -> None:
    """Ann has voted on all of them and her lap is over."""
    await open_all(at.store, of, ids)
    while (got := await claim_all(at.store, "ann", 100)).held:
        await vote_on_all(at.store, "ann", got)
    at.clock.now += 1


async def test_places_opened_after_the_lap_are_seen(subtasks):
    ids = subtask_ids(20)
    await open_all(subtasks.store, ONE_VOTE, ids)
    bobs = list(tokens_of(await claim(subtasks.store, "bob", 20), "bob"))
    assert (await claim_all(subtasks.store, "ann", 5)).held == ()
    subtasks.clock.now += 1
    for subtask_id in bobs[:3]:
        await give_back(subtasks.store, "bob", subtask_id)
    got = await claim_all(subtasks.store, "ann", 5)
    assert set(tokens_of(got, "ann")) == set(bobs[:3])
    subtasks.clock.now += 1
    await give_back(subtasks.store, "bob", bobs[3])
    assert bobs[3] in tokens_of(await claim_all(subtasks.store, "ann", 5), "ann")


async def test_subtasks_opened_after_the_lap_are_seen(subtasks):
    await walked(subtasks, brief(stop="exact"), subtask_ids(20))
    later = subtask_ids(7, first=100)
    await open_all(subtasks.store, brief(stop="exact"), later)
    assert set(tokens_of(await claim_all(subtasks.store, "ann", 50), "ann")) == set(later)


@pytest.mark.parametrize("of", [ONE_VOTE, brief()], ids=["one place", "two places"])
@pytest.mark.parametrize("count", [1, 5, 20])
async def test_an_expired_lease_is_offered_again_exactly_at_the_boundary(subtasks, of, count):
    """Also to the one who held it, and also where another place was free all the while."""
    ids = subtask_ids(20)
    await open_all(subtasks.store, of, ids)
    subtasks.clock.now = began = T0 + 1
    first = tokens_of(await claim(subtasks.store, "ann", 20), "ann")
    assert len(first) == 20
    assert len((await claim_all(subtasks.store, "ann", 30)).held) == 20
    subtasks.clock.now = began + LEASE_S - 0.001
    assert tokens_of(await claim_all(subtasks.store, "ann", 20), "ann") == first
    subtasks.clock.now = began + LEASE_S
    again = tokens_of(await claim_all(subtasks.store, "ann", count), "ann")
    assert len(again) == count
    assert not set(again.values()) & set(first.values())


@pytest.mark.parametrize("of", [ONE_VOTE, brief()], ids=["one place", "two places"])
async def test_what_an_operator_gave_back_comes_again_to_them(subtasks, of):
    ids = subtask_ids(5)
    await open_all(subtasks.store, of, ids)
    subtasks.clock.now += 1
    for subtask_id in tokens_of(await claim_all(subtasks.store, "ann", 6), "ann"):
        subtasks.clock.now += 1
        await give_back(subtasks.store, "ann", subtask_id)
    subtasks.clock.now += 1
    assert set(tokens_of(await claim_all(subtasks.store, "ann", 5), "ann")) == set(ids)


async def test_what_was_skipped_never_comes_again(subtasks):
    await open_all(subtasks.store, ONE_VOTE, subtask_ids(5))
    skipped = list(tokens_of(await claim(subtasks.store, "ann", 2), "ann"))
    for subtask_id in skipped:
        await skip(subtasks.store, "ann", subtask_id)
    subtasks.clock.now += 1
    await subtasks.forget_hints()
    assert set(tokens_of(await claim_all(subtasks.store, "ann", 5), "ann")) == set(subtask_ids(5)) - set(skipped)


async def test_a_lost_hint_costs_only_a_lap(subtasks):
    of = brief(stop="exact")
    ids = subtask_ids(700)
    await open_all(subtasks.store, of, ids)
    done = []
    while len(done) < 600:
        done += await vote_on_all(subtasks.store, "ann", await claim_all(subtasks.store, "ann", 100))
    await subtasks.forget_hints()
    got = await claim_all(subtasks.store, "ann", 1000)
    assert set(tokens_of(got, "ann")) <= set(ids) - set(done)
    await vote_on_all(subtasks.store, "ann", got)
    rest = await claim_all(subtasks.store, "ann", 1000)
    assert set(tokens_of(got, "ann")) | set(tokens_of(rest, "ann")) == set(ids) - set(done)


async def test_an_answer_that_was_cut_short_says_so_and_an_empty_one_who_waits(subtasks):
    ids = subtask_ids(700)
    await walked(subtasks, brief(stop="exact"), ids)
    await subtasks.forget_hints()
    short = await claim(subtasks.store, "ann", 10)
    assert (short.held, short.is_cut_short, short.waiting_for_others) == ((), True, 700)
    whole = await claim_all(subtasks.store, "ann", 10)
    assert (whole.held, whole.is_cut_short, whole.waiting_for_others) == ((), False, 700)
    named = await claim_all(subtasks.store, "ann", 10, task_id=TASK)
    assert (named.held, named.is_cut_short, named.waiting_for_others) == ((), False, 700)
    fresh = await claim(subtasks.store, "bob", 10)
    assert (len(fresh.held), fresh.is_cut_short, fresh.waiting_for_others) == (10, False, 0)


async def test_many_tasks_with_nothing_for_an_operator_do_not_hide_the_one_that_has(subtasks):
    for number in range(45):
        of = brief(task_id=f"{number:032x}", created_at=T0 + number, votes_required=1)
        await open_all(subtasks.store, of, subtask_ids(1, first=number))
        if number < 44:
            await subtasks.store.update(subtask_ids(1, first=number)[0], granting("bob"))
    got = await claim_all(subtasks.store, "ann", 1)
    assert list(tokens_of(got, "ann")) == subtask_ids(1, first=44)


async def test_nothing_is_offered_before_its_time(subtasks):
    of = brief(detector=DetectorPolicy(mode="vote", audit_share=0.0, prelabel_wait_s=30.0))
    await open_all(subtasks.store, of, subtask_ids(3))
    assert (await claim_all(subtasks.store, "ann", 3)).waiting_for_others == 3
    subtasks.clock.now = T0 + 29.999
    assert (await claim_all(subtasks.store, "ann", 3)).held == ()
    subtasks.clock.now = T0 + 30
    assert len((await claim_all(subtasks.store, "ann", 3)).held) == 3


@pytest.mark.parametrize("seed", range(4))
async def test_counts_equal_a_recount_and_nothing_stays_hidden(subtasks, seed):
    """After anything that people may do: how many are open is right, and what somebody may have is offered."""
    chance, of, ids = random.Random(seed), brief(), subtask_ids(30)
    await open_all(subtasks.store, of, ids)
    people = [f"o{number}" for number in range(4)]
    for _ in range(250):
        subtasks.clock.now += chance.choice([0.5, 1.0, 60.0])
        who = chance.choice(people)
        got = await claim(subtasks.store, who, chance.randint(1, 4))
        for subtask_id, token in tokens_of(got, who).items():
            what = chance.random()
            try:
                if what < 0.15:
                    await vote(subtasks.store, who, subtask_id, chance.choice(of.terms.labels), token)
                elif what < 0.5:
                    await give_back(subtasks.store, who, subtask_id)
                elif what < 0.55:
                    await skip(subtasks.store, who, subtask_id)
            except (NoLease, NotOpen):  # somebody else was faster
                continue
    subtasks.clock.now += 2 * LEASE_S
    now = [await find(subtasks, subtask_id) for subtask_id in ids]
    still_open = [subtask for subtask in now if subtask.state == "open"]
    assert still_open, "pick a seed that leaves some open"
    assert (await claim_all(subtasks.store, "nobody", 0)).waiting_for_others == len(still_open)
    for who in people:
        may_have = {
            subtask.id for subtask in still_open if domain.may_lease(subtask, of, operator=who, now=subtasks.clock.now)
        }
        got = set(tokens_of(await claim_all(subtasks.store, who, 30), who))
        assert got == may_have
        for subtask_id in got:
            await give_back(subtasks.store, who, subtask_id)


# Cost


async def cost_of(at, work) -> tuple[int, int]:
    with at.counting() as cost:
        await work()
    return len(cost.commands), cost.steps


async def costs_in_a_task_of(at, size: int, *, task_id: str, first: int) -> dict[str, tuple[int, int]]:
    """Commands and steps of what people do, in a task of so many open subtasks of which Ann has seen half."""
    of = brief(stop="exact", task_id=task_id)
    await open_all(at.store, of, subtask_ids(size, first=first))
    seen = 0
    while seen < size // 2:
        got = await claim_all(at.store, "ann", min(200, size // 2 - seen), task_id=task_id)
        seen += len(await vote_on_all(at.store, "ann", got))
    claims = {}

    async def lease_ten(name: str) -> None:
        claims[name] = await claim(at.store, name, 10, task_id=task_id)
        assert len(claims[name].held) == 10

    costs = {
        "claim": await cost_of(at, lambda: lease_ten("bob")),
        "claim the same again": await cost_of(at, lambda: lease_ten("bob")),
        "claim after half of it": await cost_of(at, lambda: lease_ten("ann")),
    }
    subtask_id, token = next(iter(tokens_of(claims["bob"], "bob").items()))
    costs["vote"] = await cost_of(at, lambda: vote(at.store, "bob", subtask_id, "cat", token))
    costs["vote again"] = await cost_of(at, lambda: vote(at.store, "bob", subtask_id, "cat", token))
    costs["open"] = await cost_of(at, lambda: open_all(at.store, of, subtask_ids(1, first=first + size)))
    return costs


async def test_nothing_people_do_grows_with_the_size_of_the_task(subtasks):
    small = await costs_in_a_task_of(subtasks, 100, task_id="aa" * 16, first=0)
    large = await costs_in_a_task_of(subtasks, 2500, task_id="bb" * 16, first=1000)
    for what, (commands, steps) in large.items():
        assert commands <= small[what][0] + 4, (what, small, large)
        assert steps <= 1.5 * small[what][1] + 500, (what, small, large)
    assert large["vote"][0] <= 12, large
    assert large["vote again"][0] <= 6, large
    assert large["claim"][0] <= 80, large


IN_ORDER = brief(votes_required=1, order="upload")


async def open_in_order(at, count: int) -> list[str]:
    """Subtasks whose ids are in the order of their places, opened in any order."""
    ids = subtask_ids(count)
    places = {subtask_id: 1_000 * number for number, subtask_id in enumerate(ids)}
    await open_all(at.store, IN_ORDER, random.Random(1).sample(ids, count), places=places)
    return ids


@pytest.mark.parametrize("count", [1, 7])
async def test_one_operator_walks_a_task_in_its_order(subtasks, count):
    ids = await open_in_order(subtasks, 150)
    walked: list[str] = []
    while got := await vote_on_all(subtasks.store, "ann", await claim_all(subtasks.store, "ann", count)):
        subtasks.clock.now += 1
        walked += got
    assert walked == ids


async def test_several_operators_walk_a_task_roughly_in_its_order(subtasks):
    ids = await open_in_order(subtasks, 150)
    walked: list[str] = []
    while len(walked) < len(ids):
        subtasks.clock.now += 1
        for name in ("ann", "bob", "eve"):
            walked += await vote_on_all(subtasks.store, name, await claim_all(subtasks.store, name, 5))
    assert sorted(walked) == ids
    assert max(abs(ids.index(one) - position) for position, one in enumerate(walked)) <= 15
