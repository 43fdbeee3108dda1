"""A worker on a real bus and a real folder: what comes of the steps that it is told of."""

import asyncio
import contextlib
import time

import cv2
import pytest

from services.detector import part as detector
from services.detector.settings import DetectorSettings
from services.worker import handlers
from services.worker import part as worker
from services.worker.settings import WorkerSettings
from shared import events
from shared.errors import StorageFull, Unavailable
from shared.event_data import TaskEnded
from shared.pictures import DecodingBudget
from shared.pipelines import derived_id
from shared.pipelines.pictures import packed, unpacked
from shared.shares import Holder
from tests.service.step_bench import GOOD, IMAGE, TASK, UPLOADED, Bench, opening, picture, started, step

EXAMPLE = (("resize", "200x300"), ("split", True), ("blur", "gaussian"))


@pytest.fixture
async def bench(adapters):
    part = worker.assemble(adapters, WorkerSettings(), budget=DecodingBudget(450_000_000))
    yield await started(adapters, part)
    await adapters.bus.drain()
    for tool in part.tools:
        await tool.close()


def example(p):
    """The predecessor's example request, by OpenCV alone."""
    p = cv2.resize(p, (200, 300), interpolation=cv2.INTER_AREA)
    quarters = (p[:150, :100], p[:150, 100:], p[150:, :100], p[150:, 100:])
    return [cv2.imencode(".png", cv2.GaussianBlur(q.copy(), (5, 5), 0))[1].tobytes() for q in quarters]


async def test_the_example_of_the_predecessor_is_the_direct_chain_byte_for_byte(bench: Bench):
    await bench.objects.put(UPLOADED, GOOD)
    finished = await bench.done(opening(*EXAMPLE))
    assert (finished.error, finished.step, finished.operations) == (None, 0, 3)
    assert [await bench.objects.get(one.object_key) for one in finished.outputs] == example(picture())
    assert [one.origin.path for one in finished.outputs] == [((1, n),) for n in range(4)]
    assert [one.image_id for one in finished.outputs] == [derived_id(IMAGE, ((1, n),)) for n in range(4)]
    assert finished.outputs[3].origin.affine == pytest.approx((0.415, 0, 41.5, 0, 61 / 300, 30.5))
    assert 'quorate_steps_total{operation="resize",outcome="done"} 1.0' in bench.counted()


async def test_in_visits_by_themselves_the_same_comes_out(bench: Bench):
    await bench.objects.put(UPLOADED, GOOD)
    resized = await bench.done(opening(EXAMPLE[0], is_last=False))
    [small] = resized.outputs
    assert small.media_type == "application/octet-stream"
    assert unpacked(await bench.objects.get(small.object_key), WorkerSettings().picture_limits).shape == (300, 200, 3)

    async def go_on(one, operation, step_number, *, is_last):
        opened = opening(
            operation, first=step_number, key=one.object_key, size=(one.width, one.height), is_last=is_last
        )
        finished = await bench.done(opened.model_copy(update={"image_id": one.image_id, "origin": one.origin}))
        return finished.outputs

    quarters = await go_on(small, EXAMPLE[1], 1, is_last=False)
    blurred = [one for quarter in quarters for one in await go_on(quarter, EXAMPLE[2], 2, is_last=True)]
    assert [await bench.objects.get(one.object_key) for one in blurred] == example(picture())
    assert [one.image_id for one in blurred] == [derived_id(IMAGE, ((1, n),)) for n in range(4)]


async def test_done_twice_it_leaves_other_objects_of_the_same_pictures(bench: Bench):
    await bench.objects.put(UPLOADED, GOOD)
    await bench.bus.publish([step(opening(*EXAMPLE)), step(opening(*EXAMPLE))])
    await bench.until(lambda: len(bench.told) == 2)
    first, second = bench.told
    assert [one.image_id for one in first.outputs] == [one.image_id for one in second.outputs]
    assert [one.stored_sha256 for one in first.outputs] == [one.stored_sha256 for one in second.outputs]
    assert not {one.object_key for one in first.outputs} & {one.object_key for one in second.outputs}


async def test_many_pictures_come_in_portions(bench: Bench):
    await bench.objects.put(UPLOADED, cv2.imencode(".png", picture(64, 64))[1].tobytes())
    finished = await bench.done(opening(*[("split", True)] * 5, size=(64, 64)))
    assert len({one.object_key for one in finished.outputs}) == len(finished.outputs) == 1_024
    assert {(one.width, one.height) for one in finished.outputs} == {(2, 2)}


@pytest.mark.parametrize(
    ("data", "operation", "said"),
    [
        (b"no picture", ("grayscale", True), "not a"),
        (GOOD[:-40], ("grayscale", True), "truncated"),
        (
            cv2.imencode(".png", picture())[1].tobytes(),
            ("crop", {"left": 90, "top": 0, "width": 5, "height": 5}),
            "no pixel",
        ),
        (GOOD, ("tile", "1x1"), "more than 1,024"),
    ],
    ids=["no picture", "truncated", "outside", "too many"],
)
async def test_poison_is_told_at_once_and_never_tried_again(bench: Bench, data, operation, said):
    await bench.objects.put(UPLOADED, data)
    finished = await bench.done(opening(operation))
    assert finished.outputs == ()
    assert said in finished.error
    await bench.settled()
    assert len(bench.told) == 1
    assert not any((await bench.bus.dead_counts()).values())
    assert 'outcome="failed"} 1.0' in bench.counted()


async def test_memory_that_does_not_suffice_is_the_pictures_fault(bench: Bench, monkeypatch):
    await bench.objects.put(UPLOADED, GOOD)

    def exhausted(*_args, **_named):
        raise MemoryError

    monkeypatch.setattr(cv2, "cvtColor", exhausted)
    finished = await bench.done(opening(("grayscale", True)))
    assert "more memory" in finished.error


@pytest.mark.parametrize("beside", ["a picture", "a preview"])
async def test_memory_that_another_may_have_taken_is_tried_for_again(bench: Bench, monkeypatch, beside):
    await bench.objects.put(UPLOADED, GOOD)
    resources, converted, real = bench.part.resources, [], cv2.cvtColor
    others = contextlib.AsyncExitStack()
    if beside == "a picture":
        await others.enter_async_context(resources.places)
    else:
        others.enter_context(resources.previews._places.place(Holder("here"), Unavailable("full")))

    def at_first_exhausted(*args, **named):
        converted.append(args)
        if len(converted) == 1:
            raise MemoryError
        return real(*args, **named)

    monkeypatch.setattr(cv2, "cvtColor", at_first_exhausted)
    async with others:
        finished = await bench.done(opening(("grayscale", True)))
    assert finished.error is None
    assert len(bench.told) == 1


async def test_one_picture_is_worked_on_while_the_next_is_read(bench: Bench, monkeypatch):
    await bench.objects.put(UPLOADED, GOOD)
    get, put_all, seen = bench.objects.get, bench.objects.put_all, []

    async def reading(*args, **named):
        seen.append("read")
        return await get(*args, **named)

    async def storing(objects):
        seen.append("begins to store")
        await bench.until(lambda: seen.count("read") == 2)
        await asyncio.sleep(0.05)
        await put_all(objects)
        seen.append("has stored")

    monkeypatch.setattr(bench.objects, "get", reading)
    monkeypatch.setattr(bench.objects, "put_all", storing)
    await bench.bus.publish([step(opening(*EXAMPLE)), step(opening(*EXAMPLE))])
    await bench.until(lambda: len(bench.told) == 2)
    assert [one for one in seen if one != "read"] == ["begins to store", "has stored"] * 2


async def test_a_picture_that_was_encoded_here_may_be_larger_than_one_that_is_sent(adapters):
    settings = WorkerSettings(max_image_bytes=len(GOOD) - 1)
    part = worker.assemble(adapters, settings, budget=DecodingBudget(450_000_000))
    bench = await started(adapters, part)
    await bench.objects.put(UPLOADED, GOOD)
    assert (await bench.done(opening(*EXAMPLE))).error is None
    await adapters.bus.drain()
    for tool in part.tools:
        await tool.close()


async def test_a_picture_that_is_gone_is_told_of(bench: Bench):
    assert (await bench.done(opening(*EXAMPLE))).error == handlers.GONE


@pytest.mark.parametrize("away", [Unavailable("storage is away"), StorageFull("the disk is full")])
async def test_storage_that_is_away_is_waited_for(bench: Bench, monkeypatch, away):
    await bench.objects.put(UPLOADED, GOOD)
    put_all, tries = bench.objects.put_all, []

    async def at_first_away(objects):
        tries.append(objects)
        if len(tries) == 1:
            raise away
        await put_all(objects)

    monkeypatch.setattr(bench.objects, "put_all", at_first_away)
    finished = await bench.done(opening(*EXAMPLE))
    assert finished.error is None
    assert len(tries) == 2
    assert len(bench.told) == 1


async def test_steps_of_cancelled_tasks_are_dropped(bench: Bench):
    await bench.objects.put(UPLOADED, GOOD)
    ended = TaskEnded(task_id=TASK, owner="ann", at=time.time())
    attributes = events.envelope(event_id="x", source="test", subject=TASK, at=time.time())
    await bench.bus.publish([events.message(events.TaskCancelledV1(**attributes, data=ended))])
    await bench.settled()
    await bench.bus.publish([step(opening(*EXAMPLE))])
    await bench.settled()
    assert bench.told == []
    assert 'outcome="dropped"} 1.0' in bench.counted()
    assert [key async for key in bench.objects.keys("", stored_before=time.time() + 9)] == [UPLOADED]


async def test_a_process_does_what_it_was_told_to(adapters):
    part = worker.assemble(adapters, WorkerSettings(operations="blur, split"), budget=DecodingBudget(10**9))
    bench = await started(adapters, part)
    await adapters.objects.put(UPLOADED, GOOD)
    assert set(await bench.bus.depths()) == {
        "task_manager.step.finished.v1",
        "worker.step.opened.blur.v1",
        "worker.step.opened.split.v1",
        "worker.task.cancelled.v1",
    }
    assert len((await bench.done(opening(("split", True)))).outputs) == 4
    await adapters.bus.drain()
    for tool in part.tools:
        await tool.close()
    with pytest.raises(ValueError, match="hide: the operations of workers are"):
        WorkerSettings(operations="blur,hide")


async def test_without_a_model_nothing_goes_on_as_if_it_were_hidden(adapters):
    bench = await started(adapters, detector.assemble(adapters, DetectorSettings(), pool=None))
    raw = f"work/{TASK}/{IMAGE}-0123456789ab.raw"
    await adapters.objects.put(raw, packed(picture()))
    finished = await bench.done(opening(("hide", {"labels": ["person"]}), key=raw))
    assert (finished.error, finished.outputs) == ("nothing can be hidden: no detection model is loaded", ())
