"""Tasks in which other people hold everything rest: they come after those that have something."""

import pytest

from services.subtask_manager import domain
from services.subtask_manager.store.mongo.claims import ROUND_S
from services.subtask_manager.store.mongo.listings import REST_S
from shared.errors import Unavailable
from tests.contract.operators import claim, claim_all, give_back, granting, open_all, subtask_ids, tokens_of, vote
from tests.contract.replicas import cost_of
from tests.unit.subtask_builders import LEASE_S, T0, brief

pytestmark = pytest.mark.usefixtures("briefs_stay_fresh")

STUCK = 12
NEWER = brief(task_id="ff" * 16, created_at=T0 + 1000)
HELD = subtask_ids(STUCK)
FREE = subtask_ids(40, first=100)


async def stuck(store) -> None:
    """The oldest tasks have a subtask each, which somebody holds who has gone; a newer one has many."""
    await hold(store, HELD)
    await open_all(store, NEWER, FREE)


async def hold(store, ids: list[str]) -> None:
    """A task for each of these, the first the oldest, which somebody holds."""
    for number, subtask_id in enumerate(ids):
        await open_all(store, brief(votes_required=1, task_id=f"{number:032x}", created_at=T0 + number), [subtask_id])
        assert (await store.update(subtask_id, granting("gone"))).answer


async def had(store, operator: str, count: int = 1) -> set[str]:
    return set(tokens_of(await claim(store, operator, count), operator))


def is_free(got: set[str]) -> bool:
    """One of the newer task's."""
    return len(got) == 1 and got <= set(FREE)


async def test_tasks_in_which_everything_is_held_are_not_looked_at_by_every_request(replicas):
    store, other = replicas.stores[:2]
    await stuck(store)
    first = await cost_of(replicas, claim(store, "ann", 1))
    assert len(first.commands) > 2 * STUCK, "somebody has to look"
    for operator, asked in (("bob", store), ("eve", other)):
        cost = await cost_of(replicas, claim(asked, operator, 1))
        assert len(cost.commands) <= 8, "nobody else has to, whichever process is asked"


async def test_what_is_given_back_wakes_its_task(replicas):
    store, other = replicas.stores[:2]
    await stuck(store)
    assert is_free(await had(store, "ann"))
    await give_back(other, "gone", HELD[3])
    assert await had(store, "bob") == {HELD[3]}


async def test_a_vote_that_leaves_a_subtask_contested_wakes_its_task(replicas):
    store, other = replicas.stores[:2]
    of, [subtask_id] = brief(votes_required=2), HELD[:1]
    await open_all(store, of, [subtask_id])
    tokens = {who: tokens_of(await claim(store, who, 1), who)[subtask_id] for who in ("ann", "bob")}
    await open_all(store, NEWER, FREE)
    assert is_free(await had(store, "eve"))
    await vote(other, "ann", subtask_id, "cat", tokens["ann"])
    cost = await cost_of(replicas, vote(other, "bob", subtask_id, "dog", tokens["bob"]))
    assert cost.commands == ["find subtasks", "update subtasks", "update briefs"]
    assert await had(store, "joe") == {subtask_id}


async def test_a_skip_wakes_its_task(replicas):
    store, other = replicas.stores[:2]
    await stuck(store)
    assert is_free(await had(store, "ann"))
    await other.update(HELD[3], lambda subtask, brief, now: domain.skip(subtask, brief, operator="gone", now=now))
    assert await had(store, "bob") == {HELD[3]}


async def test_what_is_given_back_just_before_its_task_is_put_to_rest_is_no_secret(replicas, monkeypatch):
    store, other = replicas.stores[:2]
    await stuck(store)
    real = store._listings.rest

    async def rest(task_id: str, *arguments) -> None:
        if task_id == f"{3:032x}":
            await give_back(other, "gone", HELD[3])
        await real(task_id, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(store._listings, "rest", rest)
        assert is_free(await had(store, "ann"))
    assert await had(store, "bob") == {HELD[3]}


async def test_what_is_woken_between_the_looks_at_the_two_lists_is_in_one_of_them(replicas, monkeypatch):
    store, other = replicas.stores[:2]
    await hold(store, HELD)
    assert not (await claim_all(store, "ann", 1)).held, "now all of them rest"
    real = store._listings.resting

    async def resting(*arguments):
        await give_back(other, "gone", HELD[3])
        return await real(*arguments)

    monkeypatch.setattr(store._listings, "resting", resting)
    assert await had(store, "bob") == {HELD[3]}


async def test_what_is_woken_while_a_round_is_among_the_tasks_that_rest_is_found_in_it(replicas):
    store, many = replicas.stores[0], subtask_ids(40, first=1000)
    await hold(store, many)
    assert not (await claim_all(store, "bob", 1)).held, "now all of them rest"
    assert (await claim(store, "ann", 1)).is_cut_short
    await give_back(store, "gone", many[39])
    assert await had(store, "ann") == {many[39]}


async def give_back_asleep(store, subtask_id: str) -> None:
    """What wakes the task is lost, as in a crash after the lease was given back."""
    listings = store._listings

    async def lost(*_arguments) -> None:
        raise Unavailable("the database does not answer now")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(listings, "wake", lost)
        await give_back(store, "gone", subtask_id)


async def test_what_came_free_while_its_task_rests_is_had_as_soon_as_there_is_not_enough_elsewhere(replicas):
    store, other = replicas.stores[:2]
    await stuck(store)
    assert is_free(await had(store, "ann"))
    await give_back_asleep(other, HELD[3])
    assert is_free(await had(store, "bob")), "it rests still"
    assert await had(store, "eve", len(FREE) + 1) == {*FREE, HELD[3]}


@pytest.mark.parametrize(("after_s", "is_first"), [(REST_S - 0.001, False), (REST_S, True)])
async def test_what_came_free_is_the_oldest_again_when_its_task_has_rested(replicas, after_s, is_first):
    store, other = replicas.stores[:2]
    await stuck(store)
    await claim(store, "ann", 1)
    await give_back_asleep(other, HELD[3])
    replicas.at(T0 + after_s)
    got = await had(store, "bob")
    assert got == {HELD[3]} if is_first else is_free(got)


async def test_a_task_rests_no_longer_than_the_lease_that_comes_free_first(replicas):
    store = replicas.stores[0]
    await stuck(store)
    replicas.at(T0 + LEASE_S - 1)
    assert is_free(await had(store, "ann"))
    replicas.at(T0 + LEASE_S - 0.001)
    assert is_free(await had(store, "bob"))
    replicas.at(T0 + LEASE_S)
    assert await had(store, "eve") == {HELD[0]}


async def test_a_new_image_wakes_its_task(replicas):
    store, other = replicas.stores[:2]
    await stuck(store)
    await claim(store, "ann", 1)
    [new] = subtask_ids(1, first=500)
    await open_all(other, brief(votes_required=1, task_id=f"{0:032x}", created_at=T0), [new])
    assert await had(store, "bob") == {new}


async def test_a_task_that_was_named_is_looked_at_though_it_rests(replicas):
    store, other = replicas.stores[:2]
    await stuck(store)
    await claim(store, "ann", 1)
    await give_back_asleep(other, HELD[3])
    assert is_free(await had(store, "eve")), "it rests"
    assert set(tokens_of(await claim(store, "bob", 1, task_id=f"{3:032x}"), "bob")) == {HELD[3]}


async def test_however_many_tasks_rest_they_come_last_and_there_is_an_end_to_them(replicas):
    store, many = replicas.stores[0], subtask_ids(75, first=1000)
    await hold(store, many)
    answers = [await claim(store, "ann", 1) for _ in range(11)]
    cut_short = [got.is_cut_short for got in answers]
    assert cut_short[:5] == [True, True, True, True, False], "all of them, and once more, for now they rest"
    assert cut_short[5:] == 2 * [True, True, False], "75 are looked through in three requests"
    assert {got.waiting_for_others for got in answers if not got.is_cut_short} == {32}
    await open_all(store, NEWER, FREE)
    for operator in ("bob", "eve", "bob", "eve"):
        assert len((await cost_of(replicas, claim(store, operator, 1))).commands) <= 9
    assert is_free(await had(store, "joe"))
    await give_back_asleep(store, many[60])
    assert (await claim_all(store, "pam", len(FREE) + 1)).held, "and what comes free among them is found"
    everything = {one for _ in range(4) for one in await had(store, "pam", len(FREE) + 1)}
    assert many[60] in everything


async def test_a_round_that_was_left_off_long_ago_sees_the_oldest_again_before_it_says_that_there_is_nothing(replicas):
    store, many = replicas.stores[0], subtask_ids(40, first=1000)
    await hold(store, many)
    assert (await claim(store, "ann", 1)).is_cut_short
    replicas.at(T0 + ROUND_S + 0.001)
    await give_back_asleep(store, many[0])
    got = [await claim(store, "ann", 1) for _ in range(2)]
    assert [(len(one.held), one.is_cut_short) for one in got] == [(0, True), (1, False)]
