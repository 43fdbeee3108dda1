"""How a service erases a person: resumed after crashes, told once it is done, and done once more later."""

from dataclasses import replace

import pytest

from shared import events
from shared.erasures import AGAIN_AFTER_S, BEGINS_AFTER_S, Eraser, Erasure
from shared.errors import Unavailable
from tests.contract.adapters import T0, ManualClock

ANN = Erasure(person="ann", pseudonym="erased-00000001", begins_at=T0 + 1)
BOB = Erasure(person="bob", pseudonym="erased-00000002", begins_at=T0)


async def test_erasures_are_kept_by_person_until_they_are_forgotten(erasures):
    assert await erasures.all() == []
    for one in (ANN, BOB):
        await erasures.keep(one)
    assert await erasures.all() == [BOB, ANN], "those that begin first at the front"
    moved = replace(BOB, place="a.b/$set", turns=1, begins_at=T0 + 5)
    await erasures.keep(moved)
    assert await erasures.all() == [ANN, moved]
    await erasures.forget("ann")
    await erasures.forget("ann")
    assert await erasures.all() == [moved]


class Wire:
    def __init__(self) -> None:
        self.sent: list[events.PersonPseudonymised] = []
        self.is_away = False

    async def publish(self, messages) -> None:
        if self.is_away:
            raise Unavailable("away")
        self.sent += [events.parse(one.body).data for one in messages]


class Steps:
    """Four steps, noted; a crash comes before the one that is named."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.crashes_at = ""

    async def __call__(self, erasure: Erasure) -> str | None:
        following = {"": "a", "a": "b", "b": "c", "c": None}[erasure.place]
        if self.crashes_at == erasure.place != "":
            raise Unavailable("killed")
        self.done.append(erasure.place)
        return following


def told(person: str = "ann") -> events.PersonErasedV1:
    data = events.PersonErased(person=person, pseudonym=f"erased-{person}", at=T0)
    return events.PersonErasedV1(
        **events.envelope(event_id=f"{person}/erased", source="quorate/accounts", subject=person, at=T0), data=data
    )


@pytest.fixture
def wire():
    return Wire()


@pytest.fixture
def steps():
    return Steps()


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def eraser(erasures, wire, steps, clock):
    return Eraser("task_manager", erasures, steps, wire, clock)


async def test_a_person_is_erased_a_moment_later_and_it_is_told(eraser, wire, steps, clock):
    await eraser.hear(told())
    assert eraser.pseudonyms == {"ann": "erased-ann"}
    await eraser.work()
    assert steps.done == [], "a session may still be known for a moment"
    clock.now += BEGINS_AFTER_S
    await eraser.work()
    assert steps.done == ["", "a", "b", "c"]
    [done] = wire.sent
    assert (done.pseudonym, done.service, done.at) == ("erased-ann", "task_manager", clock.now)
    await eraser.hear(told())
    await eraser.work()
    assert len(steps.done) == 4, "told again, it changes nothing"
    assert eraser.pseudonyms == {"ann": "erased-ann"}, "something may be on its way"


async def test_it_is_done_once_more_and_then_nobody_knows_whose_the_pseudonym_is(eraser, erasures, wire, steps, clock):
    await eraser.hear(told())
    clock.now += BEGINS_AFTER_S
    await eraser.work()
    clock.now += AGAIN_AFTER_S
    await eraser.work()
    await eraser.work()
    assert steps.done == ["", "a", "b", "c"] * 2
    assert [one.pseudonym for one in wire.sent] == ["erased-ann"] * 2, "what a lost broker had is told again"
    assert await erasures.all() == []
    assert eraser.pseudonyms == {}


async def test_another_process_goes_on_where_one_was_killed(eraser, erasures, wire, steps, clock):
    await eraser.hear(told())
    clock.now += BEGINS_AFTER_S
    steps.crashes_at = "b"
    with pytest.raises(Unavailable):
        await eraser.work()
    assert wire.sent == []
    following = Eraser("task_manager", erasures, steps, wire, clock)
    steps.crashes_at, wire.is_away = "", True
    with pytest.raises(Unavailable):
        await following.work()
    wire.is_away = False
    await following.work()
    assert steps.done == ["", "a", "b", "c", "c"]
    assert len(wire.sent) == 1
