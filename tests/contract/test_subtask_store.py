import asyncio
import random
from collections import Counter
from dataclasses import replace

import pytest

from services.subtask_manager import domain
from services.subtask_manager.domain import AlreadyVoted, NoLease, NotOpen
from services.subtask_manager.store import Leased
from shared.errors import NotFound, Unavailable
from shared.events import parse
from shared.policy import DetectorPolicy
from tests.contract.operators import (
    claim,
    claim_all,
    dispute,
    give_back,
    granting,
    open_all,
    skip,
    subtask_ids,
    tokens_of,
    vote,
    vote_on_all,
)
from tests.unit.subtask_builders import LEASE_S, SILENT, T0, brief

ONE_VOTE = brief(votes_required=1)
TASK = ONE_VOTE.task_id
OLDER = brief(task_id="11" * 16, created_at=T0 - 10, votes_required=1)
TOLD = brief(votes_required=1, detector=DetectorPolicy(mode="suggest", audit_share=0.0))


async def find(at, subtask_id):
    return (await at.store.find(subtask_id))[0]


async def told(at) -> list[tuple[str, str]]:
    return [(message.subject, message.type) for message in await at.store.pending(10_000)]


# One move: a rule, its state and its events


async def test_a_subtask_is_opened_once_and_found_as_it_was_saved(subtasks):
    of = brief(
        labels=("a.b", "$inc", "__proto__", "<script>"),
        detector=replace(SILENT, mode="suggest", label_map={"a.b": "$inc"}),
        allow_unsure=True,
    )
    [subtask_id] = subtask_ids(1)
    assert await open_all(subtasks.store, of, [subtask_id]) == [True]
    assert await subtasks.store.find(subtask_id) == (
        domain.open_subtask(of, subtask_id=subtask_id, object_key="key", now=T0).state,
        of,
    )
    await subtasks.store.update(subtask_id, granting("ann"))
    before = await subtasks.store.find(subtask_id)
    assert await open_all(subtasks.store, of, [subtask_id] * 20) == [False] * 20
    assert await subtasks.store.find(subtask_id) == before
    assert await told(subtasks) == [(subtask_id, "subtask.opened.v1")]


async def test_the_same_subtask_opened_at_once_is_opened_once(subtasks):
    assert sorted(await open_all(subtasks.store, TOLD, subtask_ids(1) * 50)) == [False] * 49 + [True]
    assert len(await told(subtasks)) == 1
    assert (await claim(subtasks.store, "ann", 5)).is_cut_short is False


async def test_the_terms_of_a_task_are_those_that_came_first(subtasks):
    await open_all(subtasks.store, ONE_VOTE, subtask_ids(1))
    await open_all(subtasks.store, replace(ONE_VOTE, labels=("other",)), subtask_ids(1, first=1))
    assert (await subtasks.store.find(subtask_ids(1, first=1)[0]))[1] == ONE_VOTE


async def test_what_is_not_there_is_not_found(subtasks):
    with pytest.raises(NotFound):
        await subtasks.store.find("0" * 32)
    with pytest.raises(NotFound):
        await subtasks.store.update("0" * 32, granting("ann"))
    for task_id in (None, "0" * 32):  # a task whose first image has not come yet is not known here
        got = await claim(subtasks.store, "ann", 1, task_id=task_id)
        assert (got.held, got.is_cut_short, got.waiting_for_others) == ((), False, 0)


async def test_the_rule_is_asked_with_the_stores_time(subtasks):
    await open_all(subtasks.store, ONE_VOTE, subtask_ids(1))
    subtasks.clock.now = T0 + 7
    seen = []
    await subtasks.store.update(
        subtask_ids(1)[0], lambda s, b, now: (seen.append((b, now)), granting("ann")(s, b, now))[1]
    )
    assert seen[-1] == (ONE_VOTE, T0 + 7)


async def test_an_end_and_its_event_are_saved_together(subtasks):
    await open_all(subtasks.store, ONE_VOTE, subtask_ids(1))
    [subtask_id] = await vote_on_all(subtasks.store, "ann", await claim(subtasks.store, "ann", 1))
    [message] = await subtasks.store.pending(10)
    event = parse(message.body)
    assert (message.subject, message.type, event.type) == (subtask_id, "subtask.completed.v1", event.type)
    assert (event.data.label, event.data.revision, event.data.tally) == ("cat", 1, (("cat", 1),))
    assert [(one.voter, one.label) for one in event.data.votes] == [("ann", "cat")]
    await subtasks.store.clear([message.id, "never there"])
    assert await subtasks.store.pending(10) == []
    await subtasks.store.clear([message.id])


async def test_pending_gives_the_oldest_first_and_no_more_than_asked(subtasks):
    for subtask_id in subtask_ids(5):
        await open_all(subtasks.store, TOLD, [subtask_id])
    oldest = await subtasks.store.pending(3)
    assert [message.subject for message in oldest] == subtask_ids(3)
    await subtasks.store.clear([oldest[1].id])
    assert [message.subject for message in await subtasks.store.pending(3)] == [subtask_ids(5)[i] for i in (0, 2, 3)]


async def leased_once(at) -> tuple[str, str]:
    [subtask_id] = subtask_ids(1)
    await open_all(at.store, ONE_VOTE, [subtask_id])
    await at.store.update(subtask_id, granting("ann", "token"))
    return subtask_id, "token"


async def test_a_rule_that_raises_leaves_neither_state_nor_event(subtasks):
    subtask_id, token = await leased_once(subtasks)
    before = await find(subtasks, subtask_id)

    def rule(subtask, of, now):
        domain.cast_vote(subtask, of, voter="ann", label="cat", token=token, now=now)
        raise ValueError("a rule with a bug")

    with pytest.raises(ValueError, match="a rule with a bug"):
        await subtasks.store.update(subtask_id, rule)
    assert (await find(subtasks, subtask_id), await told(subtasks)) == (before, [])


async def test_an_event_that_cannot_be_made_leaves_no_state(subtasks):
    subtask_id, token = await leased_once(subtasks)
    before = await find(subtasks, subtask_id)
    subtasks.refuse_to_announce.append(ValueError("no event"))
    with pytest.raises(ValueError, match="no event"):
        await vote(subtasks.store, "ann", subtask_id, "cat", token)
    subtasks.refuse_to_announce.clear()
    assert (await find(subtasks, subtask_id), await told(subtasks)) == (before, [])
    assert (await vote(subtasks.store, "ann", subtask_id, "cat", token)).state.state == "completed"


async def test_a_save_that_fails_leaves_neither_and_says_so(subtasks):
    subtask_id, token = await leased_once(subtasks)
    before = await find(subtasks, subtask_id)
    with subtasks.failing_commits(), pytest.raises(Unavailable):
        await vote(subtasks.store, "ann", subtask_id, "cat", token)
    assert (await find(subtasks, subtask_id), await told(subtasks)) == (before, [])
    assert (await vote(subtasks.store, "ann", subtask_id, "cat", token)).state.state == "completed"


async def test_one_who_is_refused_takes_nobody_along(subtasks):
    ids = subtask_ids(20)
    await open_all(subtasks.store, ONE_VOTE, ids)
    await asyncio.gather(*(subtasks.store.update(subtask_id, granting("ann", "token")) for subtask_id in ids))
    outcomes = await asyncio.gather(
        *(
            vote(subtasks.store, "ann", subtask_id, "cat", "token" if position % 2 else "stale")
            for position, subtask_id in enumerate(ids)
        ),
        return_exceptions=True,
    )
    assert [isinstance(outcome, NoLease) for outcome in outcomes] == [True, False] * 10
    assert sorted(subject for subject, _ in await told(subtasks)) == ids[1::2]


async def test_what_is_leased_is_counted_and_at_its_expiry_it_has_lapsed(subtasks):
    await open_all(subtasks.store, brief(), subtask_ids(3))
    await claim(subtasks.store, "ann", 2)
    assert await subtasks.store.leased() == Leased(live=2, lapsed=0)
    subtasks.clock.now += LEASE_S / 2
    await claim(subtasks.store, "bob", 3)  # two of them are ann's as well
    subtasks.clock.now = T0 + LEASE_S
    assert await subtasks.store.leased() == Leased(live=3, lapsed=0)
    subtasks.clock.now += LEASE_S / 2
    assert await subtasks.store.leased() == Leased(live=0, lapsed=3)
    again = await claim(subtasks.store, "ann", 2)
    assert await subtasks.store.leased() == Leased(live=2, lapsed=1)
    await vote_on_all(subtasks.store, "ann", again)
    assert await subtasks.store.leased() == Leased(live=0, lapsed=3)  # bob's are still there


# Races


async def test_fifty_contend_for_one_place_and_one_wins(subtasks):
    await open_all(subtasks.store, ONE_VOTE, subtask_ids(1))
    decisions = await asyncio.gather(
        *(subtasks.store.update(subtask_ids(1)[0], granting(f"o{number}")) for number in range(50))
    )
    assert sum(decision.answer for decision in decisions) == 1
    assert len((await find(subtasks, subtask_ids(1)[0])).leases) == 1


async def test_fifty_claims_for_one_place_and_one_wins(subtasks):
    await open_all(subtasks.store, ONE_VOTE, subtask_ids(1))
    claims = await asyncio.gather(*(claim(subtasks.store, f"o{number}", 3) for number in range(50)))
    assert sum(len(got.held) for got in claims) == 1
    assert {got.waiting_for_others for got in claims if not got.held} == {1}


async def test_fifty_equal_votes_at_once_have_one_effect_and_equal_answers(subtasks):
    subtask_id, token = await leased_once(subtasks)
    decisions = await asyncio.gather(*(vote(subtasks.store, "ann", subtask_id, "cat", token) for _ in range(50)))
    assert len({decision.answer for decision in decisions}) == 1
    assert sum(bool(decision.facts) for decision in decisions) == 1
    assert len((await find(subtasks, subtask_id)).votes) == 1
    assert await told(subtasks) == [(subtask_id, "subtask.completed.v1")]


async def test_votes_for_two_labels_at_once_count_once(subtasks):
    subtask_id, token = await leased_once(subtasks)
    outcomes = await asyncio.gather(
        *(vote(subtasks.store, "ann", subtask_id, label, token) for label in ("cat", "dog") * 25),
        return_exceptions=True,
    )
    assert Counter(type(outcome) for outcome in outcomes)[AlreadyVoted] == 25
    assert len((await find(subtasks, subtask_id)).votes) == 1


async def test_two_hundred_claim_at_once_and_no_subtask_is_over_its_places(subtasks):
    of = brief()
    await open_all(subtasks.store, of, subtask_ids(60))
    claims = await asyncio.gather(*(claim(subtasks.store, f"o{number}", 5) for number in range(200)))
    asked = Counter(subtask.id for got in claims for subtask, _ in got.held)
    assert asked == dict.fromkeys(subtask_ids(60), 2)
    for subtask_id in subtask_ids(60):
        assert len((await find(subtasks, subtask_id)).leases) == 2


async def test_one_operator_claiming_at_once_holds_no_more_than_wanted(subtasks):
    await open_all(subtasks.store, brief(), subtask_ids(100))
    claims = await asyncio.gather(*(claim(subtasks.store, "ann", 10) for _ in range(30)))
    assert len({tuple(sorted(tokens_of(got, "ann").items())) for got in claims}) == 1
    assert len(tokens_of(claims[0], "ann")) == 10


async def test_a_crowd_labels_everything_exactly(subtasks):
    of, ids = brief(), subtask_ids(40)
    await open_all(subtasks.store, of, ids)

    async def person(number: int) -> None:
        chance, name = random.Random(number), f"o{number}"
        for _ in range(40):
            got = await claim(subtasks.store, name, 3)
            for subtask_id, token in tokens_of(got, name).items():
                label, repeats = chance.choice(["cat", "cat", "dog"]), chance.choice([1, 1, 3])
                sent = (vote(subtasks.store, name, subtask_id, label, token) for _ in range(repeats))
                outcomes = await asyncio.gather(*sent, return_exceptions=True)
                refusals = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
                assert all(isinstance(refusal, NotOpen) for refusal in refusals), refusals

    await asyncio.gather(*(person(number) for number in range(12)))
    ended = [await find(subtasks, subtask_id) for subtask_id in ids]
    assert {subtask.state for subtask in ended} <= {"completed", "disputed"}
    for subtask in ended:
        assert len({one.voter for one in subtask.votes}) == len(subtask.votes) <= 5
        assert subtask.result.label is None or subtask.result.label == domain.tally_of(subtask)[0][0]
    assert sorted(subject for subject, _ in await told(subtasks)) == ids


# Claiming


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
                    await vote(subtasks.store, who, subtask_id, chance.choice(of.labels), token)
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


# Cancelling, disputes


async def test_a_cancelled_task_is_gone_at_once_and_cannot_be_opened_again(subtasks):
    await open_all(subtasks.store, ONE_VOTE, subtask_ids(3))
    await claim(subtasks.store, "ann", 1)
    await subtasks.store.cancel(TASK)
    await subtasks.store.cancel(TASK)
    with pytest.raises(NotFound):
        await subtasks.store.find(subtask_ids(1)[0])
    with pytest.raises(NotFound):
        await subtasks.store.update(subtask_ids(1)[0], granting("bob"))
    with pytest.raises(NotFound):
        await claim(subtasks.store, "ann", 3, task_id=TASK)
    got = await claim(subtasks.store, "ann", 3)
    assert (got.held, got.is_cut_short, got.waiting_for_others) == ((), False, 0)
    assert await open_all(subtasks.store, ONE_VOTE, subtask_ids(2, first=2)) == [False, False]


async def test_a_tombstone_may_come_before_the_task(subtasks):
    await subtasks.store.cancel(TASK)
    assert await open_all(subtasks.store, TOLD, subtask_ids(3)) == [False] * 3
    assert await told(subtasks) == []
    assert (await claim(subtasks.store, "ann", 3)).waiting_for_others == 0
    with pytest.raises(NotFound):
        await subtasks.store.find(subtask_ids(1)[0])
    assert await subtasks.store.purge(TASK, 10) == 0


async def test_opening_races_with_the_tombstone(subtasks):
    outcomes = await asyncio.gather(
        open_all(subtasks.store, TOLD, subtask_ids(20)),
        subtasks.store.cancel(TASK),
        open_all(subtasks.store, TOLD, subtask_ids(20, first=20)),
    )
    opened = sum(outcomes[0]) + sum(outcomes[2])
    assert await subtasks.store.purge(TASK, 100) == opened
    assert (await claim(subtasks.store, "ann", 3)).waiting_for_others == 0


async def test_purge_removes_so_many_at_a_time_of_a_cancelled_task_alone(subtasks):
    await open_all(subtasks.store, ONE_VOTE, subtask_ids(25))
    await open_all(subtasks.store, OLDER, subtask_ids(5, first=25))
    await claim(subtasks.store, "ann", 8, task_id=TASK)
    assert await subtasks.store.purge(TASK, 10) == 0
    await subtasks.store.cancel(TASK)
    assert [await subtasks.store.purge(TASK, 10) for _ in range(4)] == [10, 10, 5, 0]
    assert len((await claim(subtasks.store, "ann", 20)).held) == 5
    assert await open_all(subtasks.store, ONE_VOTE, subtask_ids(1)) == [False]


async def test_disputes_come_in_pages_in_the_order_of_their_ids(subtasks):
    await open_all(subtasks.store, brief(), subtask_ids(12))
    await open_all(subtasks.store, OLDER, subtask_ids(3, first=12))
    disputed = [*subtask_ids(10)[::2], *subtask_ids(3, first=12)]
    for subtask_id in disputed:
        await dispute(subtasks.store, subtask_id)
    page, seen = await subtasks.store.disputes(task_id=None, after="", limit=3), []
    while page:
        assert len(page) <= 3
        seen += [subtask.id for subtask, _ in page]
        page = await subtasks.store.disputes(task_id=None, after=seen[-1], limit=3)
    assert seen == disputed
    of_one = await subtasks.store.disputes(task_id=OLDER.task_id, after="", limit=10)
    assert [(subtask.id, of) for subtask, of in of_one] == [(one, OLDER) for one in disputed[-3:]]


async def test_a_page_of_disputes_is_full_though_a_cancelled_task_lies_between(subtasks):
    """A page with less than was asked for ends the list: what lies behind would never be seen."""
    await open_all(subtasks.store, brief(), subtask_ids(3))
    await open_all(subtasks.store, OLDER, subtask_ids(3, first=3))
    for subtask_id in subtask_ids(6):
        await dispute(subtasks.store, subtask_id)
    await subtasks.store.cancel(TASK)
    page = await subtasks.store.disputes(task_id=None, after="", limit=3)
    assert [subtask.id for subtask, _ in page] == subtask_ids(3, first=3)


async def test_an_adjudicated_dispute_leaves_the_list_and_is_told(subtasks):
    await open_all(subtasks.store, brief(), subtask_ids(1))
    await dispute(subtasks.store, subtask_ids(1)[0])

    def judge(subtask, of, now):
        return domain.adjudicate(subtask, of, by="judge", label="cat", reason="seen", now=now)

    await asyncio.gather(*(subtasks.store.update(subtask_ids(1)[0], judge) for _ in range(20)))
    assert await subtasks.store.disputes(task_id=None, after="", limit=3) == []
    assert [kind for _, kind in await told(subtasks)] == ["subtask.disputed.v1", "subtask.adjudicated.v1"]


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
