"""That new terms are in effect is told on both stores: after all that they ended, and again if nobody heard it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, cast

import pytest
import pytest_asyncio

from services.subtask_manager import announcements, handlers
from services.subtask_manager import tasks as subtask_tasks
from services.subtask_manager.part import assemble
from services.subtask_manager.settings import LeaseSettings
from services.task_manager import announcements as task_announcements
from services.task_manager import domain as task_domain
from services.task_manager.domain import Change
from shared.bus import Bus
from shared.errors import Unavailable
from shared.events import Message, TaskChangedV1, parse
from shared.part import PictureAdapters
from shared.telemetry import Telemetry
from tests.contract.operators import claim, open_all, subtask_ids, tokens_of, vote
from tests.contract.subtask_scenes import TASK
from tests.unit.subtask_builders import T0, brief
from tests.unit.task_builders import task

BEFORE = brief(votes_required=2, stop="exact")
COUNT = 70
"""More than are reconsidered at once."""


class Wire:
    """The side of a bus to which events go."""

    def __init__(self) -> None:
        self.published: list[Message] = []
        self.is_away = False

    async def publish(self, messages: list[Message]) -> None:
        if self.is_away:
            raise Unavailable("the broker does not answer")
        self.published += messages

    @property
    def types(self) -> list[str]:
        return [message.type for message in self.published]


class Unset:
    """Quotas of which none was set; they share the outbox of the store."""

    outbox = None


def changed(votes_required: int) -> TaskChangedV1:
    """What the task manager tells of a task that asks for fewer votes."""
    asked = replace(task(), terms=BEFORE.terms)
    edited = task_domain.edit(asked, T0, change=Change(votes_required=votes_required)).state
    [message] = task_announcements.task_changed(edited, ("changed",), T0)
    return cast("TaskChangedV1", parse(message.body))


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest_asyncio.fixture
async def resources(subtasks, wire) -> AsyncIterator[handlers.Resources]:
    """The subtask manager on a store, with a vote on each image, and its relay at work."""
    unused: Any = None
    adapters = PictureAdapters(
        store=subtasks.store, objects=unused, bus=cast("Bus", wire), clock=subtasks.clock, telemetry=Telemetry()
    )
    part = assemble(adapters, LeaseSettings(), preferences=unused, erasures=unused, quotas=cast("Any", Unset()))
    await open_all(subtasks.store, BEFORE, subtask_ids(COUNT))
    for subtask_id, token in tokens_of(await claim(subtasks.store, "ann", COUNT, task_id=TASK), "ann").items():
        await vote(subtasks.store, "ann", subtask_id, "cat", token)
    [relay] = part.relays
    relay.start()
    yield cast("handlers.Resources", part.resources)
    wire.is_away = False
    await relay.close()


async def test_it_is_told_after_all_that_they_ended(resources, wire):
    await subtask_tasks.change_task(resources, changed(1))
    assert wire.types == ["subtask.completed.v1"] * COUNT + ["task.applied.v1"]
    applied = parse(wire.published[-1].body)
    assert (applied.data.task_id, applied.data.revision, applied.subject) == (TASK, 2, TASK)


async def test_delivered_again_they_are_told_again_unless_later_ones_came(resources, wire):
    for _ in range(2):
        await subtask_tasks.change_task(resources, changed(1))
    assert wire.types.count("task.applied.v1") == 2
    await resources.store.keep_brief(replace(BEFORE, revision=3))
    await subtask_tasks.change_task(resources, changed(1))
    assert wire.types.count("task.applied.v1") == 2


async def test_it_is_not_told_while_what_they_ended_cannot_be(resources, wire, monkeypatch):
    monkeypatch.setattr(subtask_tasks, "TOLD_S", 0.01)
    wire.is_away = True
    with pytest.raises(Unavailable):
        await subtask_tasks.change_task(resources, changed(1))
    assert wire.published == []


def test_announced_again_it_has_the_same_id():
    assert announcements.task_applied(BEFORE, T0).id == announcements.task_applied(BEFORE, T0 + 1).id
