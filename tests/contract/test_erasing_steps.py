"""Erasing a person from all tasks, images and subtasks, over every store."""

import sqlite3
from dataclasses import replace

import pytest

from services.accounts.audit_listing import AuditListing
from services.accounts.erasure import ErasedPerson
from services.subtask_manager import domain as subtask_domain
from services.subtask_manager import eraser as subtask_eraser
from services.subtask_manager.preferences import Preferences
from services.task_manager import domain, eraser
from services.task_manager.listing import Listing
from shared.audit import AuditEntry
from shared.erasures import Erasure
from shared.errors import NotFound
from shared.results import VoteCast
from tests.contract.adapters import T0, sqlite_accounts
from tests.contract.operators import claim, open_all, tokens_of, vote
from tests.contract.task_scenes import create, record
from tests.unit.subtask_builders import brief
from tests.unit.task_builders import image

ANN = Erasure(person="ann", pseudonym="erased-00000001", begins_at=T0)


class Relay:
    woken = 0

    def wake(self) -> None:
        self.woken += 1


class NoPreferences:
    def __init__(self) -> None:
        self.forgotten: list[str] = []

    async def find(self, user: str) -> Preferences:
        return Preferences()

    async def save(self, user: str, preferences: Preferences) -> bool:
        return True

    async def forget(self, user: str) -> None:
        self.forgotten.append(user)


async def all_steps(step, *resources) -> int:
    erasure, count = ANN, 1
    while (place := await step(*resources, erasure)) is not None:
        assert place != erasure.place
        erasure, count = replace(erasure, place=place), count + 1
    return count


async def test_tasks_and_their_images_name_a_pseudonym(tasks, monkeypatch):
    monkeypatch.setattr(eraser, "BATCH", 2)
    relay = Relay()
    for task_id, owner in (("a" * 32, "ann"), ("b" * 32, "bob")):
        await create(tasks, task_id=task_id, owner=owner)
        task = await tasks.store.task(task_id)
        await tasks.store.add_images(task, [image(f"{task_id[0]}{number}", task_id=task_id) for number in range(5)])
        for one in await tasks.store.images(task_id, state=None, label=None, after="", limit=3):
            votes = (VoteCast(voter="ann", label="cat", at=T0), VoteCast(voter="bob", label="cat", at=T0))
            await record(tasks, one, votes=votes, by="ann")
    counts = [(await tasks.store.find(task_id))[1] for task_id in ("a" * 32, "b" * 32)]
    await all_steps(eraser.step, tasks.store, relay)
    assert [(await tasks.store.find(task_id))[1] for task_id in ("a" * 32, "b" * 32)] == counts
    for task_id, owner in (("a" * 32, ANN.pseudonym), ("b" * 32, "bob")):
        task = await tasks.store.task(task_id)
        assert (task.owner, task.revision) == (owner, 2 if owner == ANN.pseudonym else 1)
        images = await tasks.store.images(task_id, state=None, label=None, after="", limit=10)
        assert sum(one.result is not None for one in images) == 3
        for one in images:
            assert {vote.voter for vote in one.votes} <= {ANN.pseudonym, "bob"}
            assert one.result is None or (one.result.by, len(one.votes)) == (ANN.pseudonym, 2)
    for owner, count in (("ann", 0), (ANN.pseudonym, 1), ("bob", 1)):
        listing = Listing(team="first", states=("open",), owner=owner)
        assert len(await tasks.store.tasks(listing, after="", limit=10)) == count
    assert relay.woken >= 2
    assert any(one.type == "task.changed.v1" for one in await tasks.store.pending(100)), "the subtask manager is told"


async def test_a_finished_task_is_finished_by_a_pseudonym(tasks):
    await create(tasks, task_id="a" * 32, owner="bob")
    await tasks.store.update("a" * 32, lambda task, now: domain.finish(task, now, by="ann", reason="late"))
    await all_steps(eraser.step, tasks.store, Relay())
    task = await tasks.store.task("a" * 32)
    assert task.finish == domain.Finish(by=ANN.pseudonym, reason="late")
    await all_steps(eraser.step, tasks.store, Relay())
    assert await tasks.store.task("a" * 32) == task, "done again, it changes nothing"


async def test_subtasks_name_a_pseudonym_and_count_as_before(subtasks, monkeypatch):
    monkeypatch.setattr(subtask_eraser, "BATCH", 3)
    store, preferences = subtasks.store, NoPreferences()
    of = brief(votes_required=2, max_votes=2)
    ids = [f"{number:032x}" for number in range(8)]
    await open_all(store, of, ids)
    tokens = tokens_of(await claim(store, "ann", 8), "ann")
    for subtask_id in ids[:5]:
        await vote(store, "ann", subtask_id, "cat", tokens[subtask_id])
    await store.update(
        ids[5], lambda one, brief, now: subtask_domain.skip(one, brief, now, operator="ann", token=tokens[ids[5]])
    )
    bobs = tokens_of(await claim(store, "bob", 8), "bob")
    await vote(store, "bob", ids[0], "cat", bobs[ids[0]])
    await vote(store, "bob", ids[1], "dog", bobs[ids[1]])
    await store.update(
        ids[1], lambda one, brief, now: subtask_domain.adjudicate(one, brief, now, by="ann", label="cat", reason="r")
    )
    before = [(await store.find(one))[0] for one in ids]
    assert await all_steps(subtask_eraser.step, store, preferences) == 3
    after = [(await store.find(one))[0] for one in ids]
    assert [[vote.voter for vote in one.votes] for one in after[:3]] == [
        [ANN.pseudonym, "bob"], [ANN.pseudonym, "bob"], [ANN.pseudonym],
    ]  # fmt: skip
    assert [replace(vote, voter="") for one in after for vote in one.votes] == [
        replace(vote, voter="") for one in before for vote in one.votes
    ]
    assert after[1].result == replace(before[1].result, by=ANN.pseudonym)
    assert after[5].skipped_by == (ANN.pseudonym,)
    assert {lease.operator for one in after for lease in one.leases} == {ANN.pseudonym, "bob"}
    assert await store.voted("ann", since=0.0) == []
    assert len(await store.voted(ANN.pseudonym, since=0.0)) == 5
    assert preferences.forgotten == ["ann"]
    assert [one.id for one, _ in (await claim(store, "ann", 8)).held] == [] or "ann is nobody any more"
    await vote(store, "bob", ids[2], "cat", bobs[ids[2]])
    assert (await store.find(ids[2]))[0].state == "completed", "the vote of the pseudonym counts"


async def test_subtasks_of_a_cancelled_task_keep_nobody_waiting(subtasks):
    store = subtasks.store
    of = brief()
    ids = [f"{number:032x}" for number in range(3)]
    await open_all(store, of, ids)
    await claim(store, "ann", 3)
    await store.cancel(of.task_id)
    await all_steps(subtask_eraser.step, store, NoPreferences())
    with pytest.raises(NotFound):
        await store.find(ids[0])


async def test_the_audit_of_a_file_takes_no_other_change(tmp_path):
    async with sqlite_accounts(tmp_path) as stored:
        store = stored.store
        made = AuditEntry(
            id="1", at=T0, actor="ann", actor_name="Ann", action="key.make", object="k", team="first", address="::1"
        )
        await store.append(made)

        async def change(statement: str) -> None:
            await store._database.write(lambda db: db.execute(statement).rowcount)

        with pytest.raises(sqlite3.IntegrityError):  # she was not erased
            await store.rename_in_audit("ann", "erased-1", after="", limit=10)
        await store.erasures.insert(ErasedPerson(id="ann", pseudonym="erased-1", erased_at=T0))
        for wrong in (
            "UPDATE audit SET action = 'key.revoke'",
            "UPDATE audit SET team = 'other'",
            "UPDATE audit SET body = json_set(CAST(body AS TEXT), '$.object', 'else')",
            "DELETE FROM audit",
        ):
            with pytest.raises(sqlite3.IntegrityError):
                await change(wrong)
        await store.rename_in_audit("ann", "erased-1", after="", limit=10)
        [entry] = await store.entries("first", AuditListing(), before="", limit=10)
        assert entry == replace(made, actor_name="erased-1", address="")
