"""A step that is given up, for it killed its worker again and again, fails its image."""

import contextlib
from functools import partial

import pytest

from services.task_manager.pipelines import handlers
from services.task_manager.pipelines.handlers import Steps
from services.task_manager.pipelines.rules import take_step
from shared.bus.sqlite import SqliteBus
from shared.events import Message
from shared.objects.filesystem import FilesystemObjectStore
from shared.outbox import Relay
from tests.contract import deliveries
from tests.contract.deliveries import until
from tests.contract.task_scenes import all_images, cancelled, sealed
from tests.unit.step_builders import piped, step_of, uploaded
from tests.unit.task_builders import TASK_ID

QUEUE = "worker.step.opened.split.v1"


@pytest.fixture
async def steps(tasks, tmp_path):
    """On a bus that gives a message up with its first failure, and a worker that always fails."""
    bus = SqliteBus(tmp_path / "bus.sqlite", tasks.clock, delivery_limit=1)
    objects = FilesystemObjectStore(tmp_path, b"secret")
    await bus.open()
    await objects.open()

    async def die(_event) -> None:
        raise ValueError("out of memory")

    bus.consume(QUEUE, die, prefetch=1)
    bus.consume(deliveries.QUEUE, die, prefetch=1)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(bus.close)
        stack.push_async_callback(objects.close)
        yield Steps(store=tasks.store, objects=objects, bus=bus, relay=Relay(tasks.store, bus))


async def given_up(tasks, steps: Steps):
    """An image, and the dead letter of its first step."""
    of = piped("split")
    one = uploaded("dog", of)
    await tasks.store.create(of)
    await tasks.store.add_images(of, [one])
    [message] = await tasks.store.pending(10)
    await bury(steps, QUEUE, message)
    return of, one


async def bury(steps: Steps, queue: str, message: Message) -> None:
    await steps.bus.publish([message])

    async def is_dead() -> bool:
        return (await steps.bus.dead_counts()).get(queue) == 1

    await until(is_dead)


async def test_its_image_fails_and_the_letter_goes(tasks, steps):
    await given_up(tasks, steps)
    await tasks.store.update(TASK_ID, sealed)
    await steps.fail_dead()
    [failed] = await all_images(tasks)
    assert (failed.state, failed.failure) == ("failed", "no worker could do it: ValueError: out of memory")
    assert await steps.bus.dead_letters(10) == []
    assert (await tasks.store.task(TASK_ID)).state == "completed"
    await steps.fail_dead()
    assert await all_images(tasks) == [failed]


async def test_letters_of_other_queues_are_not_in_the_way(tasks, steps, monkeypatch):
    monkeypatch.setattr(handlers, "LETTERS", 1)
    await bury(steps, deliveries.QUEUE, deliveries.event(1))
    await given_up(tasks, steps)
    await steps.fail_dead()
    assert [one.state for one in await all_images(tasks)] == ["failed"]
    assert [one.queue for one in await steps.bus.dead_letters(10)] == [deliveries.QUEUE]


async def test_an_image_that_another_worker_has_done_stays_as_it_is(tasks, steps):
    of, one = await given_up(tasks, steps)
    await tasks.store.take_step(TASK_ID, one.id, partial(take_step, step=step_of(of, one)))
    before = await all_images(tasks)
    await steps.fail_dead()
    assert await all_images(tasks) == before
    assert await steps.bus.dead_letters(10) == []


async def test_of_a_task_that_is_gone_the_letter_goes_too(tasks, steps):
    await given_up(tasks, steps)
    await tasks.store.update(TASK_ID, cancelled)
    await tasks.store.remove_images(TASK_ID, 10)
    await steps.fail_dead()
    assert await steps.bus.dead_letters(10) == []
