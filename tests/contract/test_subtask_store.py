"""One move of a subtask: a rule, its state and its events; and races for it."""

import asyncio
import random
from collections import Counter
from dataclasses import replace
from functools import partial

import pytest

from services.subtask_manager import domain
from services.subtask_manager.refusals import AlreadyVoted, NoLease, NotOpen
from services.subtask_manager.store import Backlog, Leased
from services.subtask_manager.subtask import Manner
from shared.errors import NotFound, Unavailable
from shared.events import parse
from shared.results import VoteCast, tally_of
from tests.contract.adapters import told
from tests.contract.operators import (
    claim,
    granting,
    open_all,
    subtask_ids,
    tokens_of,
    vote,
    vote_on_all,
)
from tests.contract.subtask_scenes import ONE_VOTE, TOLD, find
from tests.unit.subtask_builders import LEASE_S, SILENT, T0, awaiting, brief

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
        domain.open_subtask(of, image=awaiting(subtask_id, of), now=T0).state,
        of,
    )
    await subtasks.store.update(subtask_id, granting("ann"))
    before = await subtasks.store.find(subtask_id)
    assert await open_all(subtasks.store, of, [subtask_id] * 20) == [False] * 20
    assert await subtasks.store.find(subtask_id) == before
    assert await told(subtasks) == [(subtask_id, "subtask.opened.v2")]


async def test_the_same_subtask_opened_at_once_is_opened_once(subtasks):
    assert sorted(await open_all(subtasks.store, TOLD, subtask_ids(1) * 50)) == [False] * 49 + [True]
    assert len(await told(subtasks)) == 1
    assert (await claim(subtasks.store, "ann", 5)).is_cut_short is False


async def test_the_terms_of_a_task_are_those_that_came_first(subtasks):
    await open_all(subtasks.store, ONE_VOTE, subtask_ids(1))
    await open_all(subtasks.store, brief(labels=("other",), votes_required=1), subtask_ids(1, first=1))
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


async def test_a_vote_is_kept_with_its_manner_which_its_event_leaves_out(subtasks):
    subtask_id, token = await leased_once(subtasks)
    rule = partial(domain.cast_vote, voter="ann", label="cat", token=token)
    first = await subtasks.store.update(subtask_id, partial(rule, manner=Manner(mode="grid", took_ms=0)))
    again = await subtasks.store.update(subtask_id, partial(rule, manner=Manner(mode="single", took_ms=900)))
    assert again.answer == first.answer
    [kept] = (await find(subtasks, subtask_id)).votes
    assert kept.manner == Manner(mode="grid", took_ms=0)
    [message] = await subtasks.store.pending(10)
    assert parse(message.body).data.votes == (VoteCast(voter="ann", label="cat", at=T0),)


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


async def test_what_waits_for_operators_is_counted_leased_or_not_and_dated_by_its_first_free_place(subtasks):
    store = subtasks.store
    assert await store.backlog() == Backlog(open=0, waits_since=None)
    await open_all(store, brief(votes_required=1), subtask_ids(3))
    subtasks.clock.now += 60
    await open_all(store, brief(votes_required=1, task_id="f" * 32, created_at=T0 + 60), subtask_ids(2, first=3))
    assert await store.backlog() == Backlog(open=5, waits_since=T0)
    mine = await claim(store, "ann", 3)
    assert await store.backlog() == Backlog(open=5, waits_since=T0 + 60)
    await vote_on_all(store, "ann", mine)
    await claim(store, "ann", 2)
    assert await store.backlog() == Backlog(open=2, waits_since=T0 + 60 + LEASE_S)
    await store.cancel("f" * 32)
    await store.purge("f" * 32, 10)
    assert await store.backlog() == Backlog(open=0, waits_since=None)


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
        assert subtask.result.label is None or subtask.result.label == tally_of(subtask.votes)[0][0]
    assert sorted(subject for subject, _ in await told(subtasks)) == ids
