"""A voter's own votes that stand, the newest first."""

import contextlib
import random
import sqlite3

from services.subtask_manager import activity, domain
from services.subtask_manager.activity import LOOK_BACK_S
from services.subtask_manager.store.codec import SUBTASKS
from services.subtask_manager.store.sqlite.schema import STEPS
from shared.sqlite.migrations import migrate
from tests.contract.operators import claim, open_all, subtask_ids, tokens_of, vote, vote_on_all
from tests.contract.subtask_scenes import ONE_VOTE, TASK, find
from tests.unit.subtask_builders import T0, brief, lease_of, opened, voted

MANY = brief(votes_required=3, stop="exact")


async def vote_in_turn(at, operator, count, *, of=MANY, first=0):
    """Open subtasks and vote on them, one a second; their ids, the newest vote first."""
    await open_all(at.store, of, subtask_ids(count, first=first))
    got = await claim(at.store, operator, count, task_id=of.task_id)
    for subtask_id, token in tokens_of(got, operator).items():
        at.clock.now += 1
        await vote(at.store, operator, subtask_id, "cat", token)
    return list(tokens_of(got, operator))[::-1]


async def ids_voted(at, operator, since=0.0):
    return [one.subtask_id for one in await at.store.voted(operator, since=since)]


async def test_own_votes_come_the_newest_first_and_nobody_elses(subtasks):
    ids = await vote_in_turn(subtasks, "ann", 4)
    subtasks.clock.now += 1
    await vote_on_all(subtasks.store, "bob", await claim(subtasks.store, "bob", 2))
    assert await ids_voted(subtasks, "ann") == ids
    assert [round(one.at) for one in await subtasks.store.voted("ann", since=0.0)] == [T0 + 4, T0 + 3, T0 + 2, T0 + 1]
    assert len(await ids_voted(subtasks, "bob")) == 2
    assert await ids_voted(subtasks, "eve") == []
    assert await ids_voted(subtasks, "an") == await ids_voted(subtasks, "ann\x00") == []


async def test_only_those_since_then_and_not_more_than_are_looked_at(subtasks, monkeypatch):
    ids = await vote_in_turn(subtasks, "ann", 5)
    assert await ids_voted(subtasks, "ann", since=T0 + 4) == ids[:2]
    assert await ids_voted(subtasks, "ann", since=T0 + 5.5) == []
    for place in ("services.subtask_manager.store.sqlite", "services.subtask_manager.store.mongo.votes"):
        monkeypatch.setattr(f"{place}.MAX_LOOKED_AT", 3)
    assert len(await ids_voted(subtasks, "ann")) == 3


async def test_a_vote_that_settles_its_image_stands(subtasks):
    [subtask_id] = await vote_in_turn(subtasks, "ann", 1, of=ONE_VOTE)
    assert (await find(subtasks, subtask_id)).state == "completed"
    assert await ids_voted(subtasks, "ann") == [subtask_id]


async def test_what_was_taken_back_removed_or_erased_is_gone(subtasks):
    taken, removed, *others = await vote_in_turn(subtasks, "ann", 4)

    def undo(subtask, of, now):
        return domain.undo_vote(subtask, of, now, voter="ann", lease=lease_of("ann", at=now))

    await subtasks.store.update(taken, undo)
    await subtasks.store.remove(domain.removed(TASK, removed, T0, object_key="key"))
    assert await ids_voted(subtasks, "ann") == others
    subtasks.clock.now += 10
    await vote(subtasks.store, "ann", taken, "dog", "token of ann")
    assert await ids_voted(subtasks, "ann") == [taken, *others], "voted on again"
    await subtasks.store.cancel(TASK)
    await subtasks.store.purge(TASK, 100)
    assert await ids_voted(subtasks, "ann") == []


async def test_each_of_some_subtasks_is_found_in_their_order(subtasks):
    ids = await vote_in_turn(subtasks, "ann", 5)
    other = brief(task_id="22" * 16)
    elsewhere = await vote_in_turn(subtasks, "ann", 2, of=other, first=10)
    await subtasks.store.remove(domain.removed(TASK, ids[1], T0, object_key="key"))
    wanted = [ids[3], elsewhere[0], ids[1], "0f" * 16, ids[0]]
    found = await subtasks.store.find_each(wanted)
    assert found == [await subtasks.store.find(one) for one in (ids[3], elsewhere[0], ids[0])]
    await subtasks.store.cancel(other.task_id)
    assert [one.id for one, _ in await subtasks.store.find_each(elsewhere + ids[:1])] == ids[:1]
    assert await subtasks.store.find_each([]) == []


async def test_votes_are_found_at_the_same_cost_however_many_others_there_are(subtasks):
    await vote_in_turn(subtasks, "ann", 10)
    since = subtasks.clock.now - LOOK_BACK_S

    async def cost():
        with subtasks.counting() as counted:
            assert len(await ids_voted(subtasks, "ann", since)) == 10
        return counted

    few = await cost()
    await vote_in_turn(subtasks, "bob", 300, first=100)
    more = await cost()
    assert len(more.commands) == len(few.commands) == 1
    assert more.steps <= few.steps + 10


async def test_what_stands_is_what_the_subtasks_say_whatever_was_done(subtasks):
    ids, people, known = subtask_ids(12), ["ann", "bob", "eve"], random.Random(7)
    await open_all(subtasks.store, MANY, ids)
    for _ in range(120):
        subtasks.clock.now += 1
        operator = known.choice(people)
        own = [one.subtask_id for one in await subtasks.store.voted(operator, since=0.0)]
        if own and known.random() < 0.3:
            with contextlib.suppress(domain.CannotUndo):
                await subtasks.store.update(
                    known.choice(own),
                    lambda one, of, now, by=operator: domain.undo_vote(
                        one, of, now, voter=by, lease=lease_of(by, at=now)
                    ),
                )
        else:
            await vote_on_all(
                subtasks.store, operator, await claim(subtasks.store, operator, 1), known.choice(["cat", "dog"])
            )
    for operator in people:
        subjects = [await find(subtasks, one) for one in ids]
        truth = [(one.at, subtask.id) for subtask in subjects for one in subtask.votes if one.voter == operator]
        assert await ids_voted(subtasks, operator) == [i for _, i in sorted(truth, reverse=True)]


def test_what_an_earlier_release_kept_is_found_by_voter(tmp_path):
    first, second, third = subtask_ids(3)
    both = voted(opened(MANY, subtask_id=first), MANY, "cat", "dog", at=T0)
    one = voted(opened(MANY, subtask_id=second), MANY, "cat", at=T0 + 1)
    with contextlib.closing(sqlite3.connect(tmp_path / "old.sqlite", isolation_level=None)) as db:
        migrate(db, STEPS[:5], "old")
        columns = "id, task_id, slot, state, available_at, has_votes, body"
        for subtask in (both, one, opened(MANY, subtask_id=third)):
            row = (subtask.id, subtask.task_id, subtask.slot, subtask.state, subtask.available_at)
            insert = f"INSERT INTO subtasks ({columns}) VALUES (?,?,?,?,?,?,?)"
            db.execute(insert, (*row, bool(subtask.votes), SUBTASKS.text(subtask)))
        migrate(db, STEPS, "old")
        kept = db.execute("SELECT voter, at, subtask_id FROM votes_by_voter").fetchall()
    assert kept == [("v0", T0, first), ("v0", T0 + 1, second), ("v1", T0, first)]


def test_a_day_and_a_pace():
    now = 10 * activity.DAY_S + 3_600
    assert activity.midnight(now) == 10 * activity.DAY_S
    seen = [activity.Voted(now - ago, "one") for ago in (0, 60, 300, 301, 7_000)]
    assert activity.votes_per_minute(seen, now) == 0.6
    assert activity.counted(seen, since=activity.midnight(now)) == 4
