"""What both stores promise of work that is brought to an end by its client: new terms, removed images."""

import asyncio
from dataclasses import replace
from functools import partial

import pytest

from services.subtask_manager import domain
from services.subtask_manager.subtask import Finish
from services.task_manager import domain as task_domain
from services.task_manager.domain import Change
from shared.errors import NotFound
from shared.events import parse
from tests.contract.adapters import told
from tests.contract.operators import claim, open_all, subtask_ids, tokens_of, vote
from tests.contract.replicas import cost_of
from tests.contract.subtask_scenes import ONE_VOTE, TASK
from tests.unit.subtask_builders import T0, awaiting, brief
from tests.unit.task_builders import TASK_ID, VOTES, image, result, task

ORDER = Finish(by="client", reason="too few people")


def stub(subtask_id: str, *, object_key: str = "key"):
    return domain.removed(TASK, subtask_id, T0, object_key=object_key)


async def reopen_as(subtasks, subtask_id: str, object_key: str) -> bool:
    rule = partial(domain.open_subtask, ONE_VOTE, image=awaiting(subtask_id, ONE_VOTE, object_key=object_key))
    return await subtasks.store.open(ONE_VOTE, rule)


# Terms


async def test_the_terms_of_the_highest_revision_stay(subtasks):
    await open_all(subtasks.store, ONE_VOTE, subtask_ids(1))
    third = replace(brief(labels=("third",)), revision=3)
    assert await subtasks.store.keep_brief(third)
    assert not await subtasks.store.keep_brief(replace(brief(labels=("second",)), revision=2))
    assert await subtasks.store.keep_brief(third), "what is delivered twice is done twice"
    await open_all(subtasks.store, ONE_VOTE, subtask_ids(1, first=1))
    assert (await subtasks.store.find(subtask_ids(1)[0]))[1] == third
    assert (await subtasks.store.find(subtask_ids(1, first=1)[0]))[1] == third


async def test_terms_may_come_before_the_first_image_and_not_after_the_end(subtasks):
    early = replace(brief(labels=("early",)), revision=2)
    assert await subtasks.store.keep_brief(early)
    await open_all(subtasks.store, ONE_VOTE, subtask_ids(1))
    assert (await subtasks.store.find(subtask_ids(1)[0]))[1] == early
    await subtasks.store.cancel(TASK)
    assert not await subtasks.store.keep_brief(replace(early, revision=9))
    with pytest.raises(NotFound):
        await subtasks.store.find(subtask_ids(1)[0])


async def test_another_replica_goes_by_new_terms_in_time(replicas):
    first, second = replicas.stores[:2]
    await open_all(first, ONE_VOTE, subtask_ids(1))
    [subtask_id] = subtask_ids(1)
    await second.find(subtask_id)
    newer = replace(brief(labels=("newer",)), revision=2)
    await first.keep_brief(newer)
    await asyncio.sleep(first.stale_s + 0.05)
    assert (await second.find(subtask_id))[1] == newer


async def test_open_subtasks_are_listed_in_pages(subtasks):
    ids = subtask_ids(7)
    await open_all(subtasks.store, ONE_VOTE, ids)
    token = tokens_of(await claim(subtasks.store, "ann", 1, task_id=TASK), "ann")
    [(ended, its_token)] = token.items()
    await vote(subtasks.store, "ann", ended, "cat", its_token)
    pages, after = [], ""
    while page := await subtasks.store.open_ids(TASK, after=after, limit=3):
        pages += page
        after = page[-1]
    assert pages == sorted(set(ids) - {ended})


async def test_new_terms_settle_what_they_can_and_free_places(subtasks):
    before = brief(votes_required=3, stop="exact")
    [voted, fresh] = ids = subtask_ids(2)
    await open_all(subtasks.store, before, ids)
    for who in ("ann", "bob"):
        got = tokens_of(await claim(subtasks.store, who, 2, task_id=TASK), who)
        await vote(subtasks.store, who, voted, "cat", got[voted])
    await subtasks.store.keep_brief(replace(brief(votes_required=2), revision=2))
    for subtask_id in ids:
        await subtasks.store.update(subtask_id, domain.reconsider)
    assert (await subtasks.store.find(voted))[0].result.label == "cat"
    assert (await subtasks.store.find(fresh))[0].state == "open"
    assert [kind for kind, _ in ((parse(m.body).type, m) for m in await subtasks.store.pending(10))] == [
        "subtask.completed.v1"
    ]


# Removed images


async def test_a_removed_subtask_is_gone_and_its_leases_with_it(subtasks):
    ids = subtask_ids(2)
    await open_all(subtasks.store, ONE_VOTE, ids)
    token = tokens_of(await claim(subtasks.store, "ann", 2), "ann")[ids[0]]
    await subtasks.store.remove(stub(ids[0]))
    await subtasks.store.remove(stub(ids[0]))
    for refused in (subtasks.store.find(ids[0]), vote(subtasks.store, "ann", ids[0], "cat", token)):
        with pytest.raises(NotFound):
            await refused
    assert [subtask.id for subtask, _ in (await claim(subtasks.store, "ann", 5)).held] == [ids[1]]
    assert await subtasks.store.open_ids(TASK, after="", limit=9) == [ids[1]]
    assert (await claim(subtasks.store, "bob", 5)).waiting_for_others == 1


async def test_a_removal_may_come_before_its_image(subtasks):
    [subtask_id] = subtask_ids(1)
    await subtasks.store.remove(stub(subtask_id))
    assert await open_all(subtasks.store, ONE_VOTE, [subtask_id]) == [False]
    assert await told(subtasks) == []
    assert (await claim(subtasks.store, "ann", 1)).held == ()


async def test_the_same_bytes_may_come_again_and_a_late_removal_does_not_touch_them(subtasks):
    [subtask_id] = subtask_ids(1)
    await open_all(subtasks.store, ONE_VOTE, [subtask_id])
    await subtasks.store.remove(stub(subtask_id))
    assert await open_all(subtasks.store, ONE_VOTE, [subtask_id]) == [False], "an event that comes late"
    assert await reopen_as(subtasks, subtask_id, "another key")
    assert not await reopen_as(subtasks, subtask_id, "another key")
    await subtasks.store.remove(stub(subtask_id))
    assert (await subtasks.store.find(subtask_id))[0].object_key == "another key"
    assert [one.id for one, _ in (await claim(subtasks.store, "ann", 1)).held] == [subtask_id]


async def test_a_removal_races_with_votes_and_the_count_of_open_ones_stays_right(subtasks):
    ids = subtask_ids(20)
    await open_all(subtasks.store, ONE_VOTE, ids)
    tokens = tokens_of(await claim(subtasks.store, "ann", 20), "ann")

    async def try_vote(subtask_id: str) -> None:
        try:
            await vote(subtasks.store, "ann", subtask_id, "cat", tokens[subtask_id])
        except NotFound:
            return

    await asyncio.gather(*(try_vote(i) for i in ids), *(subtasks.store.remove(stub(i)) for i in ids[::2]))
    assert await subtasks.store.open_ids(TASK, after="", limit=99) == []
    assert (await claim(subtasks.store, "bob", 5)).waiting_for_others == 0


async def test_opening_costs_no_more_for_what_might_have_been_removed(replicas):
    store = replicas.stores[0]
    await open_all(store, ONE_VOTE, subtask_ids(1))
    cost = await cost_of(replicas, open_all(store, ONE_VOTE, subtask_ids(1, first=1)))
    assert sorted(cost.commands) == ["find briefs", "insert subtasks"]


# The task manager's side


async def counts(tasks):
    found = (await tasks.store.find(TASK_ID))[1]
    return (found.images, found.open, found.completed, found.disputed)


async def record(tasks, name: str, state: str) -> None:
    rule = partial(task_domain.record_result, state=state, result=result(), votes=VOTES, prelabel=None)
    await tasks.store.update_image(TASK_ID, image(name).id, rule)


async def test_an_image_is_removed_once_and_told_of(tasks):
    await tasks.store.create(task())
    await tasks.store.add_images(task(), [image(name) for name in "abc"])
    await record(tasks, "a", "completed")
    await record(tasks, "b", "disputed")
    assert await counts(tasks) == (3, 1, 1, 1)
    for name, left in (("a", (2, 1, 0, 1)), ("b", (1, 1, 0, 0)), ("c", (0, 0, 0, 0))):
        keys = [await tasks.store.remove_image(TASK_ID, image(name).id) for _ in range(3)]
        assert keys == [image(name).object_key] * 3
        assert await counts(tasks) == left
    assert await tasks.store.images(TASK_ID, state=None, label=None, after="", limit=9) == []
    assert await tasks.store.referenced([image("a").object_key]) == set()
    removed = [parse(m.body) for m in await tasks.store.pending(99) if m.type == "image.removed.v1"]
    assert sorted(event.data.object_key for event in removed) == sorted(image(name).object_key for name in "abc")
    with pytest.raises(NotFound):
        await record(tasks, "a", "completed")


async def test_what_is_not_there_cannot_be_removed(tasks):
    await tasks.store.create(task())
    for image_id in (image("a").id, "0" * 32):
        with pytest.raises(NotFound):
            await tasks.store.remove_image(TASK_ID, image_id)
    await tasks.store.add_images(task(), [image("a")])
    await tasks.store.update(TASK_ID, task_domain.cancel)
    with pytest.raises(NotFound):
        await tasks.store.remove_image(TASK_ID, image("a").id)


async def test_a_removed_image_may_come_again(tasks):
    await tasks.store.create(task())
    await tasks.store.add_images(task(), [image("a")])
    await tasks.store.remove_image(TASK_ID, image("a").id)
    again = replace(image("a"), object_key=image("a").object_key.replace("-000000000000", "-111111111111"))
    assert await tasks.store.known(TASK_ID, [again.id]) == set()
    assert await tasks.store.add_images(task(), [again]) == set()
    assert await counts(tasks) == (1, 1, 0, 0)
    assert await tasks.store.remove_image(TASK_ID, again.id) == again.object_key
    assert await counts(tasks) == (0, 0, 0, 0)


async def test_the_last_open_image_that_is_removed_finishes_the_task(tasks):
    await tasks.store.create(task())
    await tasks.store.add_images(task(), [image("a")])
    await tasks.store.update(TASK_ID, task_domain.seal)
    assert not await tasks.store.is_finished(TASK_ID)
    await tasks.store.remove_image(TASK_ID, image("a").id)
    assert await tasks.store.is_finished(TASK_ID)


async def test_changes_are_told_with_the_terms_as_they_are(tasks):
    await tasks.store.create(task())
    await tasks.store.update(TASK_ID, partial(task_domain.edit, change=Change(votes_required=1, add_labels=("fox",))))
    await tasks.store.update(TASK_ID, partial(task_domain.finish, by="client", reason="enough"))
    changed = [parse(m.body).data for m in await tasks.store.pending(99) if m.type == "task.changed.v1"]
    assert [(one.revision, one.terms.labels[-1], one.finish and one.finish.reason) for one in changed] == [
        (2, "fox", None),
        (3, "fox", "enough"),
    ]
