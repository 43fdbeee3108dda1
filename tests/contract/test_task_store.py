"""What a task store promises about tasks, whatever it is made of."""

import asyncio
import random
from functools import partial

import pytest

from services.task_manager import domain, refusals
from services.task_manager.listing import Listing, beginning_of
from shared.errors import NotFound, Unavailable
from shared.events import parse
from shared.teams import FIRST_TEAM
from shared.terms import DetectorPolicy, Terms
from tests.contract.adapters import told
from tests.contract.task_scenes import OTHER_ID, cancelled, completed, create, record, sealed
from tests.unit.task_builders import T0, TASK_ID, image, task


async def test_a_task_is_found_as_it_was_saved(tasks):
    given = task(
        terms=Terms(labels=("a.b", "$inc", "__proto__", "<script>"), instructions="look"),
        uploads=(domain.Registration(id="up", expires_at=T0 + 1.5),),
    )
    assert await tasks.store.create(given) is None
    assert await tasks.store.find(TASK_ID) == (given, domain.Counts())


async def test_created_twice_the_first_stays(tasks):
    answers = await asyncio.gather(*(tasks.store.create(task(name=f"name {number}")) for number in range(20)))
    assert [answer and answer.name for answer in answers] == [None, *["name 0"] * 19]
    assert (await tasks.store.find(TASK_ID))[0].name == "name 0"


async def test_tasks_that_stand_are_counted_by_state(tasks):
    assert await tasks.store.standing() == {"open": 0, "sealed": 0, "erasing": 0}
    for number in range(4):
        await create(tasks, task_id=f"{number:032x}")
    await tasks.store.update(f"{1:032x}", sealed)
    await tasks.store.update(f"{2:032x}", cancelled)
    assert await tasks.store.standing() == {"open": 2, "sealed": 1, "erasing": 1}


async def test_what_is_not_there_is_not_found(tasks):
    with pytest.raises(NotFound):
        await tasks.store.find(TASK_ID)
    with pytest.raises(NotFound):
        await tasks.store.update(TASK_ID, sealed)
    with pytest.raises(NotFound):
        await tasks.store.add_images(task(), [image("a")])
    await create(tasks)
    with pytest.raises(NotFound):
        await record(tasks, image("a"))
    with pytest.raises(NotFound):
        await record(tasks, image("a"))
    assert await tasks.store.images(TASK_ID, state=None, label=None, after="", limit=3) == []


async def test_tasks_come_newest_first_in_pages(tasks):
    created = [(T0 + number // 2 + 0.123456, f"{number:032x}") for number in range(9)]
    for created_at, task_id in random.Random(1).sample(created, 9):
        await create(tasks, task_id=task_id, created_at=created_at)
    seen, after = [], ""
    while page := await tasks.store.tasks(Listing(team=FIRST_TEAM), after=after, limit=4):
        assert len(page) <= 4
        seen += [(one.created_at, one.id) for one, _, _ in page]
        after = page[-1][2]
    assert seen == sorted(created, key=lambda one: (-one[0], one[1]))


LISTED = [
    ("ann", "Streets"),
    ("ann", "STRASSE 2"),
    ("bob", "Straße 1"),
    ("bob", "cats"),
    ("ann", "a.b"),
    ("bob", "$in"),
]


async def listed(at, limit: int, **listing) -> list[str]:
    names, after = [], ""
    while page := await at.store.tasks(Listing(team=FIRST_TEAM, **listing), after=after, limit=limit):
        assert len(page) <= limit
        names += [one.name for one, _, _ in page]
        after = page[-1][2]
    return names


@pytest.mark.parametrize("limit", [1, 2, 10])
async def test_tasks_are_listed_by_state_owner_and_the_beginning_of_their_names(tasks, limit):
    for number, (owner, name) in enumerate(LISTED):
        await create(tasks, task_id=f"{number:032x}", owner=owner, name=name, created_at=T0 - number)
    for number, end in ((1, sealed), (3, cancelled)):
        await tasks.store.update(f"{number:032x}", end)
    every = [name for _, name in LISTED]
    assert await listed(tasks, limit) == every
    assert await listed(tasks, limit, owner="ann") == [every[0], every[1], every[4]]
    assert await listed(tasks, limit, states=("open", "sealed")) == [one for one in every if one != "cats"]
    assert await listed(tasks, limit, states=("sealed",), owner="bob") == []
    assert await listed(tasks, limit, beginning=beginning_of("sTRASS")) == ["Straße 1", "STRASSE 2"]
    assert await listed(tasks, limit, beginning=beginning_of("str"), owner="ann") == ["STRASSE 2", "Streets"]
    assert await listed(tasks, limit, beginning=beginning_of("str"), states=("sealed",)) == ["STRASSE 2"]
    assert await listed(tasks, limit, beginning="$") == ["$in"]
    assert await listed(tasks, limit, beginning="z") == []


async def test_a_task_that_gets_another_name_is_listed_under_it(tasks):
    await create(tasks, name="cats")
    await tasks.store.update(TASK_ID, partial(domain.edit, change=domain.Change(name="dogs")))
    assert await listed(tasks, 5, beginning="cat") == []
    assert await listed(tasks, 5, beginning="dog") == ["dogs"]


async def test_a_list_costs_the_same_however_many_tasks_there_are(tasks):
    async def costs(count: int) -> list[tuple[int, int]]:
        for number in range(count):
            await create(tasks, task_id=f"{number:032x}", owner=f"owner {number % 2}", name=f"{number % 2} of {number}")
        found = []
        for listing in ({}, {"owner": "owner 1"}, {"states": ("open",), "beginning": "1"}, {"beginning": "none"}):
            with tasks.counting() as cost:
                await tasks.store.tasks(Listing(team=FIRST_TEAM, **listing), after="", limit=3)
            found.append((len(cost.commands), cost.steps))
        return found

    few, many = await costs(10), await costs(400)
    for (few_commands, few_steps), (commands, steps) in zip(few, many, strict=True):
        assert commands == few_commands
        assert steps <= few_steps + 50


async def test_a_new_task_and_its_announcement_are_saved_together_or_not_at_all(tasks):
    new = domain.announce(task(terms=Terms(labels=("a.b", "$inc"), detector=DetectorPolicy(label_map={"a.b": "$inc"}))))
    with tasks.failing_commits(), pytest.raises(Unavailable):
        await tasks.store.create(new.state, new.facts)
    assert await tasks.store.pending(10) == []
    answers = await asyncio.gather(*(tasks.store.create(new.state, new.facts) for _ in range(20)))
    assert answers.count(None) == 1
    [message] = await tasks.store.pending(10)
    told_of = parse(message.body).data
    assert (message.type, told_of.terms, told_of.at, told_of.revision) == ("task.opened.v1", new.state.terms, T0, 1)
    assert (await tasks.store.find(TASK_ID))[0].is_announced
    await tasks.store.clear([message.id])
    assert await tasks.store.pending(10) == []


async def test_what_is_told_of_a_task_goes_before_what_is_told_of_its_images(tasks):
    new = domain.announce(task())
    await tasks.store.create(new.state, new.facts)
    await tasks.store.add_images(new.state, [image(f"{number}") for number in range(5)])
    assert [message.type for message in await tasks.store.pending(3)] == ["task.opened.v1", *["image.ready.v2"] * 2]


async def test_a_rule_that_raises_saves_nothing(tasks):
    await create(tasks, is_announced=True)
    await tasks.store.update(TASK_ID, partial(domain.register_upload, upload_id="up"))
    before = await tasks.store.find(TASK_ID)
    with pytest.raises(refusals.StillUploading):
        await tasks.store.update(TASK_ID, sealed)
    assert (await tasks.store.find(TASK_ID), await told(tasks)) == (before, [])
    tasks.clock.now += domain.REGISTRATION_S
    assert (await tasks.store.update(TASK_ID, sealed)).state == "sealed"


async def test_an_end_is_told_once(tasks):
    await create(tasks)
    await tasks.store.update(TASK_ID, sealed)
    answers = await asyncio.gather(*(tasks.store.update(TASK_ID, completed) for _ in range(50)))
    assert {answer.state for answer in answers} == {"completed"}
    assert await told(tasks) == [(TASK_ID, "task.completed.v1")]
    await asyncio.gather(*(tasks.store.update(TASK_ID, cancelled) for _ in range(50)))
    assert await told(tasks) == [(TASK_ID, "task.completed.v1"), (TASK_ID, "task.cancelled.v1")]


@pytest.mark.parametrize("failure", ["announce", "commit"])
async def test_a_change_and_its_event_are_saved_together_or_not_at_all(tasks, failure):
    await create(tasks)
    await tasks.store.update(TASK_ID, sealed)
    if failure == "announce":
        tasks.refuse_to_announce.append(ValueError("no event"))
        with pytest.raises(ValueError, match="no event"):
            await tasks.store.update(TASK_ID, completed)
        tasks.refuse_to_announce.clear()
    else:
        with tasks.failing_commits(), pytest.raises(Unavailable):
            await tasks.store.update(TASK_ID, completed)
    assert ((await tasks.store.find(TASK_ID))[0].state, await told(tasks)) == ("sealed", [])
    assert (await tasks.store.update(TASK_ID, completed)).state == "completed"
    assert len(await told(tasks)) == 1


async def test_a_task_is_finished_when_it_is_sealed_and_no_image_is_open(tasks):
    await create(tasks)
    await tasks.store.add_images(task(), [image("a"), image("b")])
    await record(tasks, image("a"))
    assert not await tasks.store.is_finished(TASK_ID)
    await tasks.store.update(TASK_ID, sealed)
    assert not await tasks.store.is_finished(TASK_ID)
    assert await tasks.store.unfinished() == []
    await record(tasks, image("b"), state="disputed", label=None)
    assert await tasks.store.is_finished(TASK_ID)
    assert await tasks.store.unfinished() == [TASK_ID]
    await tasks.store.update(TASK_ID, completed)
    assert not await tasks.store.is_finished(TASK_ID)
    assert await tasks.store.unfinished() == []


async def test_an_open_or_absent_task_is_not_finished(tasks):
    await create(tasks)
    assert not await tasks.store.is_finished(TASK_ID)
    assert not await tasks.store.is_finished(OTHER_ID)


async def costs_in_a_task_of(at, size: int, task_id: str) -> dict[str, tuple[int, int]]:
    of = task(task_id=task_id)
    await at.store.create(of)
    for start in range(0, size, 500):  # one upload brings them in batches too
        batch = [image(f"{number}", task_id=task_id) for number in range(start, min(start + 500, size))]
        await at.store.add_images(of, batch)
    costs = {}
    works = {
        "insert one": lambda: at.store.add_images(of, [image("new", task_id=task_id)]),
        "insert ten": lambda: at.store.add_images(of, [image(f"new {n}", task_id=task_id) for n in range(10)]),
        "insert one again": lambda: at.store.add_images(of, [image("new", task_id=task_id)]),
        "known": lambda: at.store.known(task_id, [image(f"{n}", task_id=task_id).id for n in range(10)]),
        "record": lambda: record(at, image("5", task_id=task_id)),
        "register": lambda: at.store.update(task_id, partial(domain.register_upload, upload_id="up")),
    }
    for what, work in works.items():
        with at.counting() as cost:
            await work()
        costs[what] = (len(cost.commands), cost.steps)
    return costs


async def test_nothing_grows_with_the_size_of_the_task(tasks):
    small = await costs_in_a_task_of(tasks, 10, "aa" * 16)
    large = await costs_in_a_task_of(tasks, 5000, "bb" * 16)
    for what, (commands, steps) in large.items():
        assert commands == small[what][0], (what, small, large)
        assert steps <= 1.5 * small[what][1] + 500, (what, small, large)
    assert large["insert one"][0] <= 9, large
    assert large["known"][0] <= 10, large
    assert large["insert ten"][0] <= large["insert one"][0] + 2 * 9, large
