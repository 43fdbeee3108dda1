"""What a task store promises about the steps of pipelines, whatever it is made of."""

import asyncio
import random
from functools import partial

import pytest

from services.task_manager import domain
from services.task_manager.pipelines.rules import Step, take_step
from services.task_manager.refusals import StillProcessing
from shared import crash_points
from shared.errors import NotFound, Unavailable
from shared.events import parse
from shared.terms import QuorumPolicy, Terms
from tests.contract.task_scenes import OTHER_ID, all_images, cancelled, create, record, sealed
from tests.unit.step_builders import piped, step_of, uploaded
from tests.unit.task_builders import TASK_ID, image

NO_VOTES = Terms(labels=(), quorum=QuorumPolicy(votes_required=0, max_votes=0))


async def begin(at, *operations, names=("dog",), **fields):
    of = piped(*operations, **fields)
    await at.store.create(of)
    images = [uploaded(name, of) for name in names]
    await at.store.add_images(of, images)
    return of, images


async def take(at, one, step):
    return await at.store.take_step(one.task_id, one.id, partial(take_step, step=step))


async def found(at, image_id):
    return next(one for one in await all_images(at) if one.id == image_id)


async def by_state(at) -> dict[str, int]:
    counts = await at.store.recount(TASK_ID)
    told = {"images": counts.images, "open": counts.open, "completed": counts.completed}
    return told | {"processing": counts.processing, "failed": counts.failed}


async def recounted(at) -> dict[str, int]:
    states = [one.state for one in await all_images(at)]
    told = {state: states.count(state) for state in ("open", "completed", "processing", "failed")}
    return {"images": len(states) - states.count("derived"), **told}


async def work_all(at, of, *, repeats=1, seed=0) -> None:
    """Whatever is processing is worked on, in any order, each step told so often, with keys of its own."""
    chance = random.Random(seed)
    for _ in range(20):
        waiting = [one for one in await all_images(at) if one.state == "processing"]
        if not waiting:
            return
        steps = [(one, step_of(of, one, nonce=nonce)) for one in waiting for nonce in range(repeats)]
        chance.shuffle(steps)
        await asyncio.gather(*(take(at, *step) for step in steps))
    raise AssertionError("images are processing yet")


async def types_told(at):
    messages = await at.store.pending(5_000)
    return sorted((message.subject, message.type) for message in messages)


async def test_images_wait_for_their_first_operation(tasks):
    _, [one] = await begin(tasks, "split")
    assert await by_state(tasks) == {"images": 1, "open": 0, "completed": 0, "processing": 1, "failed": 0}
    [message] = await tasks.store.pending(10)
    event = parse(message.body)
    assert (event.type, event.data.image_id, event.data.object_key) == (
        "step.opened.split.v1",
        one.id,
        one.object_key,
    )
    assert (await all_images(tasks)) == [one]


async def test_what_was_made_of_an_image_takes_its_place(tasks):
    of, [one] = await begin(tasks, "split")
    assert (await take(tasks, one, step_of(of, one))).is_finished is False
    assert await by_state(tasks) == {"images": 4, "open": 4, "completed": 0, "processing": 0, "failed": 0}
    told = await types_told(tasks)
    assert [kind for _, kind in told].count("image.ready.v2") == 4
    parent = await found(tasks, one.id)
    assert (parent.state, parent.object_key) == ("derived", one.object_key)
    usage = await tasks.store.usage(of.team)
    assert (usage.images, usage.bytes) == (5, one.size_bytes + 40 * 30)


async def test_a_picture_between_two_visits_is_named_and_then_spent(tasks):
    of, [one] = await begin(tasks, "grayscale", ("rotate", 90), "split")
    assert (await take(tasks, one, step_of(of, one))).spent is None
    [between] = [each for each in await all_images(tasks) if each.state == "processing"]
    keys = [between.work_key, one.object_key, between.work_key.replace("000000000000", "000000000001")]
    assert await tasks.store.referenced(keys) == set(keys[:2])
    assert (await take(tasks, between, step_of(of, between))).spent == between.work_key
    further = await found(tasks, between.id)
    assert await tasks.store.referenced([between.work_key, further.work_key]) == {further.work_key}
    assert (await take(tasks, further, step_of(of, further))).spent == further.work_key
    usage = await tasks.store.usage(of.team)
    assert (usage.images, usage.bytes) == (5, one.size_bytes + 40 * 30)
    assert await by_state(tasks) == {"images": 4, "open": 4, "completed": 0, "processing": 0, "failed": 0}


@pytest.mark.parametrize("seed", range(3))
async def test_steps_may_be_told_twice_at_once_and_in_any_order(tasks, seed):
    of, images = await begin(tasks, "split", ("blur", "median"), "split", names=("a", "b", "c"))
    await work_all(tasks, of, repeats=3, seed=seed)
    made = [one for one in await all_images(tasks) if one.state == "open"]
    assert len(made) == len({(one.origin.image_id, one.origin.path) for one in made}) == 3 * 16
    assert {one.origin.image_id for one in made} == {one.id for one in images}
    told = [kind for _, kind in await types_told(tasks)]
    assert told.count("image.ready.v2") == 48
    assert await by_state(tasks) == await recounted(tasks)
    usage = await tasks.store.usage(of.team)
    assert (usage.images, usage.bytes) == (3 + 48, sum(one.size_bytes for one in [*images, *made]))
    late = step_of(of, images[0], nonce=9)
    before = await all_images(tasks)
    assert (await take(tasks, images[0], late)).spent is None
    assert await all_images(tasks) == before


async def test_a_task_is_finished_once_nothing_of_it_is_open_or_processing(tasks):
    of, [one, other] = await begin(tasks, "split", terms=NO_VOTES, names=("a", "b"))
    await tasks.store.update(TASK_ID, sealed)
    assert not await tasks.store.is_finished(TASK_ID)
    assert await tasks.store.unfinished() == []
    assert not (await take(tasks, one, step_of(of, one))).is_finished
    assert (await take(tasks, other, Step(step=0, operations=1, error="no picture"))).is_finished
    assert await tasks.store.unfinished() == [TASK_ID]
    assert await by_state(tasks) == {"images": 5, "open": 0, "completed": 4, "processing": 0, "failed": 1}
    assert [kind for _, kind in await types_told(tasks)].count("image.ready.v2") == 0


async def test_a_task_whose_images_people_label_is_finished_by_their_results(tasks):
    of, [one] = await begin(tasks, "split")
    await tasks.store.update(TASK_ID, sealed)
    await take(tasks, one, step_of(of, one))
    made = [each for each in await all_images(tasks) if each.state == "open"]
    for each in made[:-1]:
        await record(tasks, each)
    assert not await tasks.store.is_finished(TASK_ID)
    await record(tasks, made[-1])
    assert await tasks.store.is_finished(TASK_ID)


async def test_at_no_instant_nothing_of_a_sealed_task_is_open(tasks):
    of, images = await begin(tasks, "split", "split", names=tuple("abcd"))
    await tasks.store.update(TASK_ID, sealed)
    seen: list[bool] = []
    is_over = asyncio.Event()

    async def look() -> None:
        while not is_over.is_set():
            seen.append(await tasks.store.is_finished(TASK_ID))
            await asyncio.sleep(0)

    looking = asyncio.create_task(look())
    await work_all(tasks, of, repeats=2)
    is_over.set()
    await looking
    assert seen
    assert not any(seen)
    assert (await by_state(tasks))["open"] == 16 * len(images)


async def test_what_comes_after_a_cancellation_leaves_nothing(tasks):
    of, [one] = await begin(tasks, "split")
    step = step_of(of, one)
    await tasks.store.update(TASK_ID, cancelled)
    await take(tasks, one, step)
    assert await all_images(tasks) == [one]
    await tasks.store.remove_images(TASK_ID, 10)
    with pytest.raises(NotFound):
        await take(tasks, one, step)
    assert await by_state(tasks) == dict.fromkeys(("images", "open", "completed", "processing", "failed"), 0)


async def test_cancelling_races_with_steps_and_what_stays_can_be_removed(tasks):
    of, images = await begin(tasks, "split", names=tuple("abcdefgh"))
    steps = [take(tasks, one, step_of(of, one)) for one in images]
    steps.insert(4, tasks.store.update(TASK_ID, cancelled))
    await asyncio.gather(*steps)
    while await tasks.store.remove_images(TASK_ID, 10):
        pass
    await asyncio.gather(*(take(tasks, one, step_of(of, one)) for one in images), return_exceptions=True)
    assert await all_images(tasks) == []


async def test_an_image_is_not_removed_while_it_is_processing(tasks):
    of, [one] = await begin(tasks, "split")
    with pytest.raises(StillProcessing):
        await tasks.store.remove_image(TASK_ID, one.id)
    await take(tasks, one, Step(step=0, operations=1, error="no picture"))
    assert await tasks.store.remove_image(TASK_ID, one.id) == one.object_key
    assert await by_state(tasks) == dict.fromkeys(("images", "open", "completed", "processing", "failed"), 0)
    assert (await tasks.store.usage(of.team)).images == 0


async def test_a_step_of_another_task_changes_nothing(tasks):
    of, [one] = await begin(tasks, "split")
    await create(tasks, task_id=OTHER_ID)
    with pytest.raises(NotFound):
        await tasks.store.take_step(OTHER_ID, one.id, partial(take_step, step=step_of(of, one)))
    assert await all_images(tasks) == [one]


@pytest.mark.parametrize("failure", ["announce", "commit"])
async def test_a_step_that_could_not_be_saved_can_be_told_again(tasks, failure):
    of, [one] = await begin(tasks, "split")
    if failure == "announce":
        tasks.refuse_to_announce.append(ValueError("no event"))
        with pytest.raises(ValueError, match="no event"):
            await take(tasks, one, step_of(of, one))
        tasks.refuse_to_announce.clear()
    else:
        with tasks.failing_commits(), pytest.raises(Unavailable):
            await take(tasks, one, step_of(of, one))
    assert await all_images(tasks) == [one]
    await take(tasks, one, step_of(of, one))
    assert (await by_state(tasks))["open"] == 4


async def test_who_dies_between_the_images_and_the_one_they_were_made_of_is_followed(tasks, monkeypatch):
    """Only MongoDB has such an instant; SQLite's transaction has passed it, or not begun."""
    of, [one] = await begin(tasks, "split")

    def die(point: str) -> None:
        if point == "mongo.after_insert":
            raise Unavailable("the process dies")

    monkeypatch.setattr(crash_points, "reached", die)
    for nonce in range(2):
        try:
            await take(tasks, one, step_of(of, one, nonce=nonce))
        except Unavailable:
            assert (await found(tasks, one.id)).state == "processing"
            assert not await tasks.store.is_finished(TASK_ID)
    monkeypatch.undo()
    await take(tasks, one, step_of(of, one, nonce=3))
    assert await by_state(tasks) == {"images": 4, "open": 4, "completed": 0, "processing": 0, "failed": 0}
    assert (await tasks.store.usage(of.team)).images >= 5, "who died leaves a batch counted too much"
    made = [each for each in await all_images(tasks) if each.state == "open"]
    assert len({each.object_key[-18:] for each in made}) == 1, "the first that were stored stay"


async def test_tasks_without_a_pipeline_take_no_step(tasks):
    await create(tasks)
    plain = image("a")
    await tasks.store.add_images(await tasks.store.task(TASK_ID), [plain])
    step = step_of(piped("split"), uploaded("a", piped("split")))
    assert (await take(tasks, plain, step)).spent is None
    assert await all_images(tasks) == [plain]


async def test_a_failed_image_is_reopened_by_nothing(tasks):
    of, [one] = await begin(tasks, "split")
    await take(tasks, one, Step(step=0, operations=1, error="no picture"))
    failed = await found(tasks, one.id)
    assert (failed.state, failed.failure) == ("failed", "no picture")
    await take(tasks, one, step_of(of, one))
    assert await found(tasks, one.id) == failed
    await tasks.store.update(TASK_ID, sealed)
    assert await tasks.store.is_finished(TASK_ID)
    await tasks.store.update(TASK_ID, domain.reopen)
    assert await found(tasks, one.id) == failed
