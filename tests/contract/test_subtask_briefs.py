"""The terms of tasks in subtask stores, and the images that come before them."""

import asyncio
import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from services.subtask_manager import domain
from services.subtask_manager import tasks as subtask_tasks
from services.subtask_manager.handlers import Resources
from services.subtask_manager.metrics import WorkMetrics
from services.subtask_manager.subtask import Awaiting
from services.task_manager import announcements as task_announcements
from services.task_manager import domain as task_domain
from shared import events
from shared.errors import NotFound
from shared.terms import Terms
from tests.contract.operators import claim, open_all, subtask_ids
from tests.contract.subtask_scenes import ONE_VOTE, TASK, find
from tests.unit.subtask_builders import brief
from tests.unit.task_builders import T0, image, task

NEWER = replace(ONE_VOTE, revision=2, terms=replace(ONE_VOTE.terms, instructions="look twice"))


def awaiting(number: int) -> Awaiting:
    return Awaiting(subtask_id=subtask_ids(1, first=number)[0], task_id=TASK, object_key=f"key {number}")


class Unused:
    """What these handlers do not use, but for a wake-up that nothing waits for."""

    def wake(self) -> None: ...


@pytest.fixture
def work(subtasks) -> Resources:
    return Resources(
        store=subtasks.store,
        preferences=Unused(),
        objects=Unused(),
        bus=Unused(),
        relay=Unused(),
        clock=subtasks.clock,
        lease_s=300,
        arrivals=Unused(),
        limits=Unused(),
        model=Unused(),
        metrics=WorkMetrics(CollectorRegistry()),
        quotas=Unused(),
        eraser=Unused(),
        auditor=Unused(),
    )


# Terms


async def test_terms_are_known_when_they_have_come(subtasks):
    assert await subtasks.store.brief(TASK) is None
    await subtasks.store.keep_brief(ONE_VOTE)
    assert await subtasks.store.brief(TASK) == ONE_VOTE
    got = await claim(subtasks.store, "ann", 1, task_id=TASK)
    assert (got.held, got.is_cut_short, got.waiting_for_others) == ((), False, 0)
    assert (await claim(subtasks.store, "ann", 1)).held == ()
    await open_all(subtasks.store, ONE_VOTE, subtask_ids(1))
    assert len((await claim(subtasks.store, "ann", 1)).held) == 1


@pytest.mark.parametrize("order", list(itertools.permutations([1, 2, 3])))
async def test_of_terms_the_highest_revision_stays_in_whatever_order_they_come(subtasks, order):
    for revision in (*order, *order):
        await subtasks.store.keep_brief(replace(NEWER, revision=revision))
    assert (await subtasks.store.brief(TASK)).revision == 3


async def test_an_open_subtask_is_found_with_the_newest_terms(subtasks):
    await open_all(subtasks.store, ONE_VOTE, subtask_ids(1))
    await subtasks.store.keep_brief(NEWER)
    assert (await subtasks.store.find(subtask_ids(1)[0]))[1] == NEWER
    await open_all(subtasks.store, ONE_VOTE, subtask_ids(1, first=1))
    assert (await subtasks.store.find(subtask_ids(1, first=1)[0]))[1] == NEWER
    assert len((await claim(subtasks.store, "ann", 2)).held) == 2


async def test_terms_of_one_revision_that_come_at_once_leave_one(subtasks):
    several = [replace(NEWER, terms=Terms(labels=(f"label {number}",))) for number in range(20)]
    await asyncio.gather(*(subtasks.store.keep_brief(one) for one in several))
    assert await subtasks.store.brief(TASK) in several


async def test_a_tombstone_stays_whatever_terms_come(subtasks):
    await subtasks.store.cancel(TASK)
    await subtasks.store.keep_brief(NEWER)
    with pytest.raises(NotFound):
        await subtasks.store.brief(TASK)
    assert await open_all(subtasks.store, NEWER, subtask_ids(1)) == [False]


# Images that come before them


async def test_images_are_put_by_once_and_forgotten(subtasks):
    for number in (0, 1, 2, 1, 0):
        await subtasks.store.put_by(awaiting(number))
    other = replace(awaiting(3), task_id="11" * 16)
    await subtasks.store.put_by(other)
    assert sorted(await subtasks.store.awaiting(TASK, 10, revision=1), key=str) == [awaiting(n) for n in range(3)]
    assert len(await subtasks.store.awaiting(TASK, 2, revision=1)) == 2
    await subtasks.store.forget_awaiting([awaiting(0).subtask_id, awaiting(2).subtask_id, "never there"])
    assert await subtasks.store.awaiting(TASK, 10, revision=1) == [awaiting(1)]
    assert await subtasks.store.awaiting("11" * 16, 10, revision=1) == [other]


async def test_what_was_put_by_goes_with_its_cancelled_task(subtasks):
    await subtasks.store.put_by(awaiting(0))
    await subtasks.store.cancel(TASK)
    assert await subtasks.store.purge(TASK, 10) == 0
    assert await subtasks.store.awaiting(TASK, 10, revision=1) == []


def told(count: int) -> tuple[events.TaskOpenedV1, list[events.ImageReadyV2]]:
    """A task with a vote to give, and so many images of it."""
    new = task_domain.announce(task(terms=ONE_VOTE.terms))
    [opened] = task_announcements.task_changed(new.state, new.facts, T0)
    ready = [task_announcements.image_ready(new.state, image(f"{number}")) for number in range(count)]
    return events.parse(opened.body), [events.parse(one.body) for one in ready]


async def deliver(work: Resources, event) -> None:
    handle = subtask_tasks.keep_brief if isinstance(event, events.TaskOpenedV1) else subtask_tasks.open_subtask
    await handle(work, event)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_in_whatever_order_a_task_and_its_images_come_each_is_opened_once(subtasks, work, order):
    opened, ready = told(2)
    deliveries = [opened, *ready]
    for position in order:
        await deliver(work, deliveries[position])
    assert await subtasks.store.awaiting(TASK, 10, revision=1) == []
    got = await claim(subtasks.store, "ann", 10)
    assert {subtask.object_key for subtask, _ in got.held} == {one.data.object_key for one in ready}
    for position in order:  # and all of it once more
        await deliver(work, deliveries[position])
    assert [(await find(subtasks, subtask.id)).leases for subtask, _ in got.held] == [
        subtask.leases for subtask, _ in got.held
    ]
    assert await subtasks.store.awaiting(TASK, 10, revision=1) == []


async def test_images_that_come_together_with_their_task_are_all_opened(subtasks, work):
    opened, ready = told(150)
    deliveries = [*ready[:100], opened, *ready[100:], *ready[50:120], opened]
    await asyncio.gather(*(deliver(work, one) for one in deliveries))
    assert await subtasks.store.awaiting(TASK, 10, revision=1) == []
    for one in ready:
        assert (await find(subtasks, one.data.image_id)).object_key == one.data.object_key


async def test_images_wait_for_terms_that_are_lost_until_those_are_replayed(subtasks, work):
    opened, ready = told(250)
    for one in ready:
        await deliver(work, one)
    assert (await claim(subtasks.store, "ann", 1, task_id=TASK)).held == ()
    await open_all(subtasks.store, brief(task_id="11" * 16, votes_required=1), subtask_ids(1))
    assert len((await claim(subtasks.store, "ann", 1)).held) == 1, "another task's images do not wait"
    await deliver(work, opened)
    assert await subtasks.store.awaiting(TASK, 10, revision=1) == []
    assert len((await claim(subtasks.store, "bob", 300, task_id=TASK)).held) == 250


async def test_an_image_that_comes_while_its_task_is_cancelled_leaves_nothing(subtasks, work, monkeypatch):
    _, [ready] = told(1)
    put_by = subtasks.store.put_by

    async def and_cancelled(one: Awaiting) -> None:
        await subtasks.store.cancel(TASK)
        await subtasks.store.purge(TASK, 10)
        await put_by(one)

    monkeypatch.setattr(subtasks.store, "put_by", and_cancelled)
    await deliver(work, ready)
    assert await subtasks.store.awaiting(TASK, 10, revision=1) == []


async def test_an_image_that_an_earlier_version_announced_brings_its_terms(subtasks, work):
    golden = json.loads((Path(__file__).parent / "golden/image.ready.v1.json").read_text())
    event = events.parse(json.dumps(golden).encode())
    await subtask_tasks.open_subtask_with_terms(work, event)
    subtask, of = await subtasks.store.find(event.data.image_id)
    assert (subtask.object_key, of.terms, of.created_at) == (
        event.data.object_key,
        event.data.terms,
        event.data.task_created_at,
    )
    newer = replace(of, revision=2, terms=replace(of.terms, labels=("cat", "lynx")))
    await subtasks.store.keep_brief(newer)
    await subtask_tasks.open_subtask_with_terms(work, event)
    assert (await subtasks.store.find(event.data.image_id))[1] == newer


# What an image costs the bus


async def bytes_of_an_image(subtasks, work, terms: Terms) -> int:
    """Of all events between its upload and the detector's look."""
    new = task_domain.announce(task(terms=terms))
    ready = task_announcements.image_ready(new.state, image("a"))
    await subtasks.store.keep_brief(domain.Brief(task_id=TASK, owner="owner", terms=new.state.terms, created_at=T0))
    await subtask_tasks.open_subtask(work, events.parse(ready.body))
    [opened] = await subtasks.store.pending(10)
    assert (ready.type, opened.type) == ("image.ready.v2", "subtask.opened.v2")
    return len(ready.body) + len(opened.body)


@pytest.mark.parametrize("labels", [1, 1000])
async def test_an_images_events_do_not_grow_with_the_terms(subtasks, work, labels):
    named = tuple(f"label {number:<25}." for number in range(labels))
    label_map = {f"{number:0>25}": named[0] for number in range(labels // 2)}
    policy = replace(Terms(labels=named).detector, label_map=label_map)
    terms = Terms(labels=named, instructions="look " * labels, detector=policy)
    assert await bytes_of_an_image(subtasks, work, terms) < 1_000
