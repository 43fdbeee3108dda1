"""What a task store promises about images, whatever it is made of."""

import asyncio
import random

import pytest

from services.task_manager import domain
from services.task_manager.order import key_of
from services.task_manager.refusals import NotOpen
from services.task_manager.store import mongo_versions
from shared.decision import Decision
from shared.errors import NotFound, Unavailable
from shared.events import parse
from shared.results import Detection, Prelabel, Rectangle, VoteCast
from tests.contract.adapters import told
from tests.contract.task_scenes import OTHER_ID, all_images, cancelled, counts_of, create, record, sealed
from tests.unit.task_builders import T0, TASK_ID, VOTES, image, result, task


async def test_images_are_saved_and_told_of_in_one_write(tasks):
    await create(tasks)
    images = [image("a"), image("b")]
    assert await tasks.store.add_images(task(), images) == set()
    assert await counts_of(tasks) == (2, 2, 0, 0)
    assert await all_images(tasks) == sorted(images, key=lambda one: one.id)
    messages = await tasks.store.pending(10)
    assert [message.subject for message in messages] == [one.id for one in images]
    ready = parse(messages[0].body).data
    assert (ready.image_id, ready.task_id, ready.object_key) == (images[0].id, TASK_ID, images[0].object_key)
    await tasks.store.clear([message.id for message in messages])
    assert await tasks.store.pending(10) == []


async def test_one_image_is_found_within_its_task(tasks):
    await create(tasks)
    await create(tasks, task_id=OTHER_ID)
    await tasks.store.add_images(task(), [image("a"), image("b")])
    assert await tasks.store.image(TASK_ID, image("a").id) == image("a")
    for task_id, image_id in ((OTHER_ID, image("a").id), (TASK_ID, "f" * 32)):
        with pytest.raises(NotFound):
            await tasks.store.image(task_id, image_id)


async def test_known_ones_stay_as_they_are(tasks):
    await create(tasks)
    await tasks.store.add_images(task(), [image("a")])
    again = [image("a", filename="other.png"), image("b")]
    assert await tasks.store.known(TASK_ID, [one.id for one in again]) == {image("a").id}
    assert await tasks.store.add_images(task(), again) == {image("a").id}
    assert (await all_images(tasks))[0].filename == "a.png"
    assert await counts_of(tasks) == (2, 2, 0, 0)
    assert [subject for subject, _ in await told(tasks)] == [image("a").id, image("b").id]


async def test_the_same_image_twice_in_one_call_is_one_image(tasks):
    await create(tasks)
    await tasks.store.add_images(task(), [image("a"), image("a", filename="again.png")])
    assert await counts_of(tasks) == (1, 1, 0, 0)
    assert await told(tasks) == [(image("a").id, "image.ready.v2")]


async def test_the_same_image_added_at_once_is_accepted_once(tasks):
    await create(tasks)
    answers = await asyncio.gather(
        *(tasks.store.add_images(task(), [image("a", filename=f"{number}.png")]) for number in range(50))
    )
    assert sum(answer == set() for answer in answers) == 1
    assert await counts_of(tasks) == (1, 1, 0, 0)
    assert await told(tasks) == [(image("a").id, "image.ready.v2")]


@pytest.mark.parametrize("failure", ["announce", "commit"])
async def test_images_that_could_not_be_saved_leave_nothing(tasks, failure):
    await create(tasks)
    if failure == "announce":
        tasks.refuse_to_announce.append(ValueError("no event"))
        with pytest.raises(ValueError, match="no event"):
            await tasks.store.add_images(task(), [image("a")])
        tasks.refuse_to_announce.clear()
    else:
        with tasks.failing_commits(), pytest.raises(Unavailable):
            await tasks.store.add_images(task(), [image("a")])
    assert (await counts_of(tasks), await all_images(tasks), await told(tasks)) == ((0, 0, 0, 0), [], [])
    assert await tasks.store.add_images(task(), [image("a")]) == set()


@pytest.mark.parametrize("end", [sealed, cancelled])
async def test_a_task_that_is_not_open_takes_no_images_whatever_the_caller_believed(tasks, end):
    believed = await create(tasks)
    await tasks.store.update(TASK_ID, end)
    with pytest.raises(NotOpen):
        await tasks.store.add_images(believed, [image("a")])
    assert (await counts_of(tasks), await all_images(tasks)) == ((0, 0, 0, 0), [])


async def test_sealing_races_with_images_and_every_accepted_one_is_counted(tasks):
    await create(tasks)
    adding = [tasks.store.add_images(task(), [image(f"{number}")]) for number in range(40)]
    adding.insert(20, tasks.store.update(TASK_ID, sealed))
    outcomes = await asyncio.gather(*adding, return_exceptions=True)
    accepted = sum(outcome == set() for outcome in outcomes)
    assert accepted + sum(isinstance(outcome, NotOpen) for outcome in outcomes) == 40
    assert await counts_of(tasks) == (accepted, accepted, 0, 0)
    assert len(await all_images(tasks)) == accepted


async def test_an_image_is_found_in_its_own_task_only(tasks):
    await create(tasks)
    await create(tasks, task_id=OTHER_ID)
    await tasks.store.add_images(task(), [image("a")])
    with pytest.raises(NotFound):
        await tasks.store.update_image(OTHER_ID, image("a").id, lambda one, _now: Decision(state=one, answer=None))
    assert await tasks.store.known(OTHER_ID, [image("a").id]) == set()


async def test_an_image_is_found_with_its_result_as_it_was_saved(tasks):
    await create(tasks)
    await tasks.store.add_images(task(), [image("a")])
    seen = Detection(label="cat", confidence=0.5, rectangle=Rectangle(left=1, top=2, width=3, height=4))
    prelabel = Prelabel(model="detector:m@1", label="cat", confidence=0.5, objects=(seen,))
    await record(tasks, image("a"), prelabel=prelabel)
    assert (await all_images(tasks))[0] == image(
        "a", state="completed", result=result(), votes=VOTES, prelabel=prelabel
    )


async def test_results_may_come_twice_and_in_any_order(tasks):
    await create(tasks)
    await tasks.store.add_images(task(), [image("a")])
    await record(tasks, image("a"), revision=2, label="dog")
    await asyncio.gather(*(record(tasks, image("a"), state="disputed", revision=1, label=None) for _ in range(10)))
    assert await counts_of(tasks) == (1, 0, 1, 0)
    assert [one.result.label for one in await all_images(tasks, label="dog")] == ["dog"]
    assert await all_images(tasks, state="disputed") == []


async def test_images_come_in_pages_by_state_and_label(tasks):
    await create(tasks)
    given = [image(f"{number}") for number in range(30)]
    await tasks.store.add_images(task(), given)
    ends = {"cat": given[:10], "$inc": given[10:15]}
    for label, images in ends.items():
        for one in images:
            await record(tasks, one, label=label)
    for one in given[15:18]:
        await record(tasks, one, state="disputed", label=None)

    def ids(images):
        return sorted(one.id for one in images)

    assert [one.id for one in await all_images(tasks)] == ids(given)
    for label, images in ends.items():
        assert [one.id for one in await all_images(tasks, label=label)] == ids(images)
        assert [one.id for one in await all_images(tasks, state="completed", label=label)] == ids(images)
        assert await all_images(tasks, state="open", label=label) == []
    assert [one.id for one in await all_images(tasks, state="disputed")] == ids(given[15:18])
    assert [one.id for one in await all_images(tasks, state="open")] == ids(given[18:])
    assert await all_images(tasks, OTHER_ID) == []


@pytest.mark.parametrize("seed", range(3))
async def test_counts_equal_a_recount_after_anything(tasks, seed):
    chance = random.Random(seed)
    await create(tasks)
    names = [f"{number}" for number in range(25)]
    for _ in range(30):
        some = [image(name) for name in chance.sample(names, 3)]
        calls = [tasks.store.add_images(task(), some)]
        for name in chance.sample(names, 4):
            state, revision = chance.choice(["completed", "disputed"]), chance.randint(1, 3)
            calls.append(record(tasks, image(name), state=state, revision=revision))
        await asyncio.gather(*calls, return_exceptions=True)
    images = await all_images(tasks)
    states = [one.state for one in images]
    recount = (len(states), *(states.count(state) for state in ("open", "completed", "disputed")))
    assert await counts_of(tasks) == recount


async def test_images_are_removed_so_many_at_a_time_of_a_cancelled_task_alone(tasks):
    await create(tasks)
    await create(tasks, task_id=OTHER_ID)
    await tasks.store.add_images(task(), [image(f"{number}") for number in range(25)])
    await tasks.store.add_images(task(task_id=OTHER_ID), [image("a", task_id=OTHER_ID)])
    assert await tasks.store.remove_images(TASK_ID, 10) == 0
    await tasks.store.update(TASK_ID, cancelled)
    assert await tasks.store.unerased() == [TASK_ID]
    assert [await tasks.store.remove_images(TASK_ID, 10) for _ in range(4)] == [10, 10, 5, 0]
    assert await counts_of(tasks) == (0, 0, 0, 0)
    assert await counts_of(tasks, OTHER_ID) == (1, 1, 0, 0)
    await tasks.store.update(TASK_ID, domain.mark_erased)
    assert await tasks.store.unerased() == []
    assert (await tasks.store.find(TASK_ID))[0].is_erased


async def test_only_objects_that_an_image_names_are_referenced(tasks):
    await create(tasks)
    await tasks.store.add_images(task(), [image("a"), image("b")])
    other_attempt = image("a").object_key.replace("-000000000000", "-000000000001")
    keys = [image("a").object_key, other_attempt, image("c").object_key, "odd", "x/y", f"{TASK_ID}/"]
    assert await tasks.store.referenced(keys) == {image("a").object_key}
    assert await tasks.store.referenced([]) == set()


async def test_votes_of_images_that_ended_lately_are_counted(tasks):
    await create(tasks)
    names = ["early", "late", "open", "decided", "detected"]
    await tasks.store.add_images(task(), [image(name) for name in names])
    two = tuple(VoteCast(voter=voter, label="cat", at=T0) for voter in ("ann", "bob"))
    detected = (VoteCast(voter="detector:m@1", label="cat", at=T0),)
    assert await tasks.store.votes_since(TASK_ID, 0) == 0
    await record(tasks, image("early"), revision=1, votes=two)
    await record(tasks, image("late"), revision=2, votes=(*two, *VOTES, *detected))
    await record(tasks, image("decided"), revision=3, votes=two, by="eve")
    await record(tasks, image("detected"), revision=3, votes=detected)
    assert await tasks.store.votes_since(TASK_ID, T0) == 5
    assert await tasks.store.votes_since(TASK_ID, T0 + 1) == 3
    assert await tasks.store.votes_since(TASK_ID, T0 + 3) == 0
    assert await tasks.store.votes_since(OTHER_ID, 0) == 0


async def test_votes_of_no_more_images_than_the_newest_are_counted(tasks, monkeypatch):
    for store in ("sqlite", "mongo"):
        monkeypatch.setattr(f"services.task_manager.store.{store}.RATED", 2)
    await create(tasks)
    await tasks.store.add_images(task(), [image(name) for name in "abc"])
    for number, name in enumerate("abc"):
        await record(tasks, image(name), revision=number + 1, votes=VOTES * (number + 1))
    assert await tasks.store.votes_since(TASK_ID, 0) == 5


async def test_whether_an_image_has_ended_since(tasks):
    await create(tasks)
    await tasks.store.add_images(task(), [image("a"), image("open")])
    await record(tasks, image("a"), revision=2)
    assert await tasks.store.has_ended_since(TASK_ID, T0 + 1)
    assert not await tasks.store.has_ended_since(TASK_ID, T0 + 2)
    assert not await tasks.store.has_ended_since(OTHER_ID, 0)


async def test_statistics_are_kept_until_the_task_is_erased(tasks):
    await create(tasks)
    saved = {"as_of": T0 + 0.5, "counts": [1, 2], "shown": {"labels": [{"label": "$a.b", "count": 1}], "none": None}}
    assert await tasks.store.statistics(TASK_ID) is None
    await tasks.store.save_statistics(TASK_ID, {"as_of": T0})
    await tasks.store.save_statistics(TASK_ID, saved)
    with tasks.counting() as cost:
        assert await tasks.store.statistics(TASK_ID) == saved
    assert len(cost.commands) <= 1
    await tasks.store.update(TASK_ID, cancelled)
    await tasks.store.remove_images(TASK_ID, 10)
    assert await tasks.store.statistics(TASK_ID) is None
    await tasks.store.save_statistics(TASK_ID, saved)
    assert await tasks.store.statistics(TASK_ID) is None, "a computation may end after the erasure"
    with pytest.raises(NotFound):
        await tasks.store.save_statistics(OTHER_ID, saved)


ORDERED = [f"IMG_{number}.png" for number in range(1, 13)]


@pytest.mark.parametrize("limit", [1, 5, 12])
async def test_images_come_by_upload_and_by_name_page_by_page(tasks, limit):
    await create(tasks)
    uploaded = random.Random(1).sample(ORDERED, len(ORDERED))
    batch = [image(name, filename=name, position=n + 1) for n, name in enumerate(uploaded)]
    await tasks.store.add_images(task(), random.Random(2).sample(batch, len(batch)))
    for one in batch[::2]:
        await record(tasks, one)
    assert await names_by(tasks, "upload", limit) == uploaded
    assert await names_by(tasks, "name", limit) == ORDERED
    assert await names_by(tasks, "newest", limit) == uploaded[::-1]
    assert sorted(await names_by(tasks, "id", limit)) == sorted(ORDERED)


@pytest.mark.parametrize("limit", [1, 3, 10])
async def test_images_that_have_ended_come_by_agreement_page_by_page(tasks, limit):
    await create(tasks)
    agreed = {"alike.png": 1.0, "mostly.png": 0.75, "barely.png": 0.5, "little.png": 0.5 - 1e-6}
    batch = [image(name, filename=name) for name in ("open.png", "disputed.png", *agreed)]
    await tasks.store.add_images(task(), batch)
    for one in batch[2:]:
        await record(tasks, one, agreement=agreed[one.filename])
    three = tuple(VoteCast(voter=voter, label=label, at=T0) for voter, label in {"a": "x", "b": "y", "c": "z"}.items())
    await record(tasks, batch[1], state="disputed", label=None, votes=three)
    ordered = ["disputed.png", "little.png", "barely.png", "mostly.png", "alike.png"]
    assert await names_by(tasks, "uncertain", limit) == ordered
    assert await names_by(tasks, "confident", limit) == ordered[::-1]
    await record(tasks, batch[1], revision=2, agreement=0.9)
    assert (await names_by(tasks, "confident", limit))[:3] == ["alike.png", "disputed.png", "mostly.png"]


async def names_by(at, by, limit) -> list[str]:
    names, after = [], ""
    while page := await at.store.images(TASK_ID, state=None, label=None, after=after, limit=limit, by=by):
        assert len(page) <= limit
        names += [one.filename for one in page]
        after = key_of(page[-1], by)
    return names


@pytest.mark.parametrize("page", [1, 3, 50_000])
async def test_every_change_of_an_image_is_told_from_all_before_it(tasks, monkeypatch, page):
    monkeypatch.setattr(mongo_versions, "PAGE", page)
    await create(tasks)
    await create(tasks, id=OTHER_ID)
    images = [image(str(number)) for number in range(4)]
    await tasks.store.add_images(task(), images)
    seen = [await tasks.store.changes(TASK_ID)]
    for one in images:
        await record(tasks, one)
        seen.append(await tasks.store.changes(TASK_ID))
    for number in range(3):
        await record(tasks, images[0], revision=2 + number, label="dog")
        seen.append(await tasks.store.changes(TASK_ID))
    for one in images[:2]:
        await tasks.store.remove_image(TASK_ID, one.id)
        seen.append(await tasks.store.changes(TASK_ID))
    await record(tasks, images[2], revision=2)
    seen.append(await tasks.store.changes(TASK_ID))
    assert len(set(seen)) == len(seen)
    await record(tasks, images[2], revision=2)
    assert await tasks.store.changes(TASK_ID) == seen[-1], "nothing has changed"


async def test_changes_of_other_tasks_are_none_of_a_task(tasks):
    await create(tasks)
    await create(tasks, id=OTHER_ID)
    other = image("other", task_id=OTHER_ID)
    await tasks.store.add_images(task(), [image("a")])
    await tasks.store.add_images(task(id=OTHER_ID), [other])
    before = await tasks.store.changes(TASK_ID)
    await record(tasks, other)
    assert await tasks.store.changes(TASK_ID) == before
    assert await tasks.store.changes("00" * 16) == "0"


async def test_no_image_is_left_out_between_two_pages(tasks, monkeypatch):
    monkeypatch.setattr(mongo_versions, "PAGE", 2)
    await create(tasks)
    images = [image(str(number)) for number in range(5)]
    await tasks.store.add_images(task(), images)
    for one in images:
        before = await tasks.store.changes(TASK_ID)
        await record(tasks, one)
        assert await tasks.store.changes(TASK_ID) != before
