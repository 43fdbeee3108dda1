"""What only a broker has: connections that break, queues that vanish, consumers beside each other."""

import asyncio
import contextlib

import pytest
from aio_pika.exceptions import AMQPError

from shared.bus.rabbitmq import broadcast, connection, consumer
from shared.bus.rabbitmq.connection import ASK_S
from shared.errors import Unavailable
from shared.events import SubtaskOpened, SubtaskOpenedV1, envelope, message
from shared.probing import HOLDS_S
from tests.contract.adapters import T0
from tests.contract.deliveries import OPTIONAL, OTHER, PATIENCE_S, QUEUE, Handler, event, until
from tests.contract.rabbitmq import opened, raw_channel


async def publish_at_last(bus, messages) -> None:
    """As the relay does it: again until it is taken."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with contextlib.suppress(Unavailable):
                return await bus.publish(messages)
            await asyncio.sleep(0.01)


async def test_a_returned_message_is_refused_and_the_queue_made_again(rabbit):
    for queue in (QUEUE, OTHER, OPTIONAL):
        await rabbit.broker.delete_queue(queue)
    with pytest.raises(Unavailable, match="a queue is missing"):
        await rabbit.bus.publish([event(number) for number in range(100)])
    await rabbit.bus.publish([event(7)])
    handler = Handler()
    rabbit.bus.consume(QUEUE, handler, prefetch=4)
    await handler.until(lambda seen: 7 in seen)


async def test_a_queue_that_may_be_absent_is_not_taken_for_the_required_one(rabbit):
    """Both have the same key, and only the optional one is there when this publisher comes."""
    await rabbit.broker.delete_queue(QUEUE)
    async with opened(rabbit.broker, service="task_manager") as bus:
        await bus.publish([event(1)])
    handler = Handler()
    rabbit.bus.consume(QUEUE, handler, prefetch=4)
    await handler.until(lambda seen: seen == [1])


async def test_a_refused_message_is_not_taken_for_published(rabbit):
    """A full queue refuses: the broker answers with a nack."""
    await rabbit.broker.set_policy("full", QUEUE, **{"max-length": 5})

    async def is_full() -> bool:
        with contextlib.suppress(Unavailable):
            await rabbit.bus.publish([event(1)])
            return False
        return True

    await until(is_full)
    handler = Handler()
    rabbit.bus.consume(QUEUE, handler, prefetch=4)
    await publish_at_last(rabbit.bus, [event(2)])
    await handler.until(lambda seen: 2 in seen)


async def test_a_broker_that_takes_nothing_more_is_unavailable_in_time(rabbit):
    async with opened(rabbit.broker, url=rabbit.url, publish_timeout_s=0.2) as bus:
        await bus.publish([event(1)])
        rabbit.proxy.flowing.clear()
        async with asyncio.timeout(PATIENCE_S):
            for _ in range(3):
                with pytest.raises(Unavailable):
                    await bus.publish([event(number) for number in range(200)])
        rabbit.proxy.flowing.set()
        await publish_at_last(bus, [event(2)])


async def test_nothing_is_lost_when_connections_break_while_publishing(rabbit):
    handler = Handler()
    async with opened(rabbit.broker) as other:
        other.consume(QUEUE, handler, prefetch=8)
        publishing = asyncio.create_task(publish_batches(rabbit.bus))
        for enough in (200, 600, 1000):
            await handler.until(lambda seen, enough=enough: len(seen) >= enough)
            rabbit.proxy.cut()
        await publishing
        await handler.until(lambda seen: set(seen) == set(range(2000)))


async def publish_batches(bus) -> None:
    for first in range(0, 2000, 100):
        await publish_at_last(bus, [event(number) for number in range(first, first + 100)])


async def test_nothing_is_lost_when_connections_break_while_consuming(rabbit, caplog):
    handler = Handler()
    await rabbit.bus.publish([event(number) for number in range(1000)])
    rabbit.bus.consume(QUEUE, handler, prefetch=8)
    for enough in (100, 300, 500):
        await handler.until(lambda seen, enough=enough: len(seen) >= enough)
        rabbit.proxy.cut()
    await handler.until(lambda seen: set(seen) == set(range(1000)))

    async def is_done() -> bool:
        with contextlib.suppress(Unavailable):
            return not any((await rabbit.bus.depths()).values())
        return False

    await until(is_done)
    assert await rabbit.bus.dead_letters(10) == []
    assert not [record for record in caplog.records if record.name.startswith("shared") and record.exc_info]


async def test_a_handler_goes_on_though_the_connection_breaks(rabbit):
    handler = Handler()
    handler.may_go_on.clear()
    rabbit.bus.consume(QUEUE, handler, prefetch=1)
    await rabbit.bus.publish([event(1)])
    await handler.until(lambda seen: seen == [1])
    rabbit.proxy.cut()

    async def is_ready() -> bool:
        return not await rabbit.bus.is_ready()

    await until(is_ready)
    assert handler.running == 1
    handler.may_go_on.set()
    await handler.until(lambda seen: seen == [1, 1])


async def test_readiness_follows_the_connections(rabbit):
    assert await rabbit.bus.is_ready()
    rabbit.proxy.kill()

    async def is_away() -> bool:
        return not await rabbit.bus.is_ready()

    await until(is_away)


async def test_a_broker_that_hangs_is_not_ready_though_its_connections_are_open(rabbit):
    assert await rabbit.bus.is_ready()
    rabbit.proxy.flowing.clear()
    async with asyncio.timeout(HOLDS_S + ASK_S + 5):
        while await rabbit.bus.is_ready():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.2)
    assert rabbit.bus._to_publish.is_open
    rabbit.proxy.flowing.set()
    async with asyncio.timeout(PATIENCE_S):
        while not await rabbit.bus.is_ready():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.2)


async def test_two_replicas_share_the_work(rabbit):
    numbers = list(range(50))
    handler = Handler()
    async with opened(rabbit.broker) as other:
        rabbit.bus.consume(QUEUE, handler, prefetch=4)
        other.consume(QUEUE, handler, prefetch=4)
        await rabbit.bus.publish([event(number) for number in numbers])
        await handler.until(lambda seen: len(seen) >= 50)

        async def is_done() -> bool:
            return not any([*(await rabbit.bus.depths()).values(), *(await other.depths()).values()])

        await until(is_done)
    assert sorted(handler.seen) == numbers


async def test_replicas_hear_each_other_again_after_their_connections_broke(rabbit):
    heard: set[bytes] = set()
    rabbit.bus.listen(heard.add)
    async with opened(rabbit.broker) as other:

        async def is_heard() -> bool:
            await other.broadcast(b"after" if is_cut else b"before")
            return (b"after" if is_cut else b"before") in heard

        for is_cut in (False, True):
            if is_cut:
                rabbit.proxy.cut()
            await until(is_heard)


async def test_to_broadcast_without_a_broker_is_unavailable_in_time(rabbit, monkeypatch):
    monkeypatch.setattr(broadcast, "ANSWER_S", 0.2)
    rabbit.proxy.kill()
    with pytest.raises(Unavailable):
        await rabbit.bus.broadcast(b"news")


async def test_an_absent_detector_neither_blocks_nor_is_written_to(rabbit):
    await rabbit.broker.delete_queue(OPTIONAL)
    async with opened(rabbit.broker, service="task_manager") as bus:
        data = SubtaskOpened(task_id="t", subtask_id="s", object_key="k", labels=(), label_map={}, min_confidence=0.5)
        attributes = envelope(event_id="e", source="tests", subject="s", at=T0)
        await bus.publish([event(1), message(SubtaskOpenedV1(**attributes, data=data))])
        handler = Handler()
        bus.consume(QUEUE, handler, prefetch=1)
        await handler.until(lambda seen: seen == [1])
    async with raw_channel(rabbit.broker) as channel:
        with pytest.raises(AMQPError):
            await channel.declare_queue(OPTIONAL, passive=True)


async def test_what_was_published_before_the_consumer_ever_was_is_there(rabbit):
    """Only a service of another name has ever been there, in a virtual host with no queues."""
    for queue in (QUEUE, OPTIONAL):
        await rabbit.broker.delete_queue(queue)
    async with opened(rabbit.broker, service="task_manager") as bus:
        await bus.publish([event(number) for number in range(3)])
    handler = Handler()
    async with opened(rabbit.broker, service="subtask_manager") as bus:
        bus.consume(QUEUE, handler, prefetch=4)
        await handler.until(lambda seen: sorted(seen) == [0, 1, 2])


async def test_a_consumer_comes_back_when_its_queue_was_deleted(rabbit):
    handler = Handler()
    rabbit.bus.consume(QUEUE, handler, prefetch=1)
    await rabbit.bus.publish([event(1)])
    await handler.until(lambda seen: seen == [1])
    await rabbit.broker.delete_queue(QUEUE)

    async def is_consumed() -> bool:
        with contextlib.suppress(AMQPError):
            async with raw_channel(rabbit.broker) as channel:
                queue = await channel.declare_queue(QUEUE, passive=True)
                return queue.declaration_result.consumer_count == 1
        return False

    await until(is_consumed)
    await rabbit.bus.publish([event(2)])
    await handler.until(lambda seen: 2 in seen)


async def test_closing_ends_though_the_broker_is_silent(rabbit, monkeypatch):
    for module in (consumer, connection):
        monkeypatch.setattr(module, "END_S", 0.2)
    async with opened(rabbit.broker, url=rabbit.url, publish_timeout_s=0.1) as bus:
        handler = Handler()
        bus.consume(QUEUE, handler, prefetch=1)
        await bus.publish([event(1)])
        await handler.until(lambda seen: seen == [1])
        rabbit.proxy.flowing.clear()
        with pytest.raises(Unavailable):
            await bus.publish([event(2)])
        await asyncio.wait_for(bus.close(), PATIENCE_S)
    rabbit.proxy.flowing.set()


async def test_a_broker_that_is_not_there_is_said_without_its_password(rabbit, monkeypatch, caplog):
    monkeypatch.setattr("shared.bus.rabbitmq.OPEN_S", 0.3)
    rabbit.proxy.kill()
    bus = rabbit.broker.bus("amqp://someone:secret@127.0.0.1:1/")
    with pytest.raises(Unavailable) as raised:
        await bus.open()
    assert "secret" not in raised.value.detail + caplog.text


async def test_how_often_an_event_is_tried_may_change_from_start_to_start(rabbit):
    async with opened(rabbit.broker, delivery_limit=7) as bus:
        handler = Handler()
        bus.consume(QUEUE, handler, prefetch=1)
        await bus.publish([event(1)])
        await handler.until(lambda seen: seen == [1])


async def test_queues_that_were_declared_otherwise_are_named(rabbit):
    bus = rabbit.broker.bus(optional_ttl_s=77.0)
    with pytest.raises(Unavailable, match="x-message-ttl' for queue 'detector"):
        await bus.open()
