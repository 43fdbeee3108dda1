"""What only a broker has: connections that break, queues that vanish, consumers beside each other."""

import asyncio
import contextlib

import aio_pika
import pytest
import pytest_asyncio
from aio_pika.exceptions import AMQPError

from shared.bus.rabbitmq import broadcast, connection, consumer
from shared.errors import Unavailable
from shared.events import SubtaskOpened, SubtaskOpenedV1, envelope, message
from tests.contract.adapters import T0
from tests.contract.deliveries import OPTIONAL, PATIENCE_S, QUEUE, TYPE, Handler, event, until, until_dead
from tests.contract.rabbitmq import DELIVERY_LIMIT, broker, rabbit_buses

BROKER_LIMIT = 2 * DELIVERY_LIMIT


@pytest_asyncio.fixture
async def at(tmp_path):
    async with rabbit_buses(tmp_path) as opened:
        yield opened


@contextlib.asynccontextmanager
async def opened(where, **settings):
    bus = where.bus(**settings)
    await bus.open()
    try:
        yield bus
    finally:
        await bus.close()


@contextlib.asynccontextmanager
async def raw_channel(where):
    connection = await aio_pika.connect(where.url)
    async with connection:
        yield await connection.channel()


async def die_with(at, queue: str):
    """Take one message and end without an answer."""
    async with raw_channel(at.broker) as channel:
        source = await channel.get_queue(queue, ensure=False)
        return await source.get(fail=False)


async def publish_at_last(bus, messages) -> None:
    """As the relay does it: again until it is taken."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with contextlib.suppress(Unavailable):
                return await bus.publish(messages)
            await asyncio.sleep(0.01)


async def test_a_returned_message_is_refused_and_the_queue_made_again(at):
    for queue in (QUEUE, OPTIONAL):
        await at.broker.delete_queue(queue)
    with pytest.raises(Unavailable, match="a queue is missing"):
        await at.bus.publish([event(number) for number in range(100)])
    await at.bus.publish([event(7)])
    handler = Handler()
    at.bus.consume(QUEUE, handler, prefetch=4)
    await handler.until(lambda seen: 7 in seen)


async def test_a_queue_that_may_be_absent_is_not_taken_for_the_required_one(at):
    """Both have the same key, and only the optional one is there when this publisher comes."""
    await at.broker.delete_queue(QUEUE)
    async with opened(at.broker, service="task_manager") as bus:
        await bus.publish([event(1)])
    handler = Handler()
    at.bus.consume(QUEUE, handler, prefetch=4)
    await handler.until(lambda seen: seen == [1])


async def test_a_refused_message_is_not_taken_for_published(at):
    """A full queue refuses: the broker answers with a nack."""
    await at.broker.set_policy("full", QUEUE, **{"max-length": 5})

    async def is_full() -> bool:
        with contextlib.suppress(Unavailable):
            await at.bus.publish([event(1)])
            return False
        return True

    await until(is_full)
    handler = Handler()
    at.bus.consume(QUEUE, handler, prefetch=4)
    await publish_at_last(at.bus, [event(2)])
    await handler.until(lambda seen: 2 in seen)


async def test_a_broker_that_takes_nothing_more_is_unavailable_in_time(at):
    async with opened(at.broker, url=at.url, publish_timeout_s=0.2) as bus:
        await bus.publish([event(1)])
        at.proxy.flowing.clear()
        async with asyncio.timeout(PATIENCE_S):
            for _ in range(3):
                with pytest.raises(Unavailable):
                    await bus.publish([event(number) for number in range(200)])
        at.proxy.flowing.set()
        await publish_at_last(bus, [event(2)])


async def test_nothing_is_lost_when_connections_break_while_publishing(at):
    handler = Handler()
    async with opened(at.broker) as other:
        other.consume(QUEUE, handler, prefetch=8)
        publishing = asyncio.create_task(publish_batches(at.bus))
        for enough in (200, 600, 1000):
            await handler.until(lambda seen, enough=enough: len(seen) >= enough)
            at.proxy.cut()
        await publishing
        await handler.until(lambda seen: set(seen) == set(range(2000)))


async def publish_batches(bus) -> None:
    for first in range(0, 2000, 100):
        await publish_at_last(bus, [event(number) for number in range(first, first + 100)])


async def test_nothing_is_lost_when_connections_break_while_consuming(at, caplog):
    handler = Handler()
    await at.bus.publish([event(number) for number in range(1000)])
    at.bus.consume(QUEUE, handler, prefetch=8)
    for enough in (100, 300, 500):
        await handler.until(lambda seen, enough=enough: len(seen) >= enough)
        at.proxy.cut()
    await handler.until(lambda seen: set(seen) == set(range(1000)))

    async def is_done() -> bool:
        with contextlib.suppress(Unavailable):
            return not any((await at.bus.depths()).values())
        return False

    await until(is_done)
    assert await at.bus.dead_letters(10) == []
    assert not [record for record in caplog.records if record.name.startswith("shared") and record.exc_info]


async def test_a_handler_goes_on_though_the_connection_breaks(at):
    handler = Handler()
    handler.may_go_on.clear()
    at.bus.consume(QUEUE, handler, prefetch=1)
    await at.bus.publish([event(1)])
    await handler.until(lambda seen: seen == [1])
    at.proxy.cut()

    async def is_ready() -> bool:
        return not await at.bus.is_ready()

    await until(is_ready)
    assert handler.running == 1
    handler.may_go_on.set()
    await handler.until(lambda seen: seen == [1, 1])


async def test_readiness_follows_the_connections(at):
    assert await at.bus.is_ready()
    at.proxy.kill()

    async def is_away() -> bool:
        return not await at.bus.is_ready()

    await until(is_away)


async def test_two_replicas_share_the_work(at):
    numbers = list(range(50))
    handler = Handler()
    async with opened(at.broker) as other:
        at.bus.consume(QUEUE, handler, prefetch=4)
        other.consume(QUEUE, handler, prefetch=4)
        await at.bus.publish([event(number) for number in numbers])
        await handler.until(lambda seen: len(seen) >= 50)

        async def is_done() -> bool:
            return not any([*(await at.bus.depths()).values(), *(await other.depths()).values()])

        await until(is_done)
    assert sorted(handler.seen) == numbers


async def test_replicas_hear_each_other_again_after_their_connections_broke(at):
    heard: set[bytes] = set()
    at.bus.listen(heard.add)
    async with opened(at.broker) as other:

        async def is_heard() -> bool:
            await other.broadcast(b"after" if is_cut else b"before")
            return (b"after" if is_cut else b"before") in heard

        for is_cut in (False, True):
            if is_cut:
                at.proxy.cut()
            await until(is_heard)


async def test_to_broadcast_without_a_broker_is_unavailable_in_time(at, monkeypatch):
    monkeypatch.setattr(broadcast, "ANSWER_S", 0.2)
    at.proxy.kill()
    with pytest.raises(Unavailable):
        await at.bus.broadcast(b"news")


async def test_an_absent_detector_neither_blocks_nor_is_written_to(at):
    await at.broker.delete_queue(OPTIONAL)
    async with opened(at.broker, service="task_manager") as bus:
        data = SubtaskOpened(task_id="t", subtask_id="s", object_key="k", labels=(), label_map={}, min_confidence=0.5)
        attributes = envelope(event_id="e", source="tests", subject="s", at=T0)
        await bus.publish([event(1), message(SubtaskOpenedV1(**attributes, data=data))])
        handler = Handler()
        bus.consume(QUEUE, handler, prefetch=1)
        await handler.until(lambda seen: seen == [1])
    async with raw_channel(at.broker) as channel:
        with pytest.raises(AMQPError):
            await channel.declare_queue(OPTIONAL, passive=True)


async def test_what_was_published_before_the_consumer_ever_was_is_there(at):
    """Only a service of another name has ever been there, in a virtual host with no queues."""
    for queue in (QUEUE, OPTIONAL):
        await at.broker.delete_queue(queue)
    async with opened(at.broker, service="task_manager") as bus:
        await bus.publish([event(number) for number in range(3)])
    handler = Handler()
    async with opened(at.broker, service="subtask_manager") as bus:
        bus.consume(QUEUE, handler, prefetch=4)
        await handler.until(lambda seen: sorted(seen) == [0, 1, 2])


async def test_what_always_ends_its_process_is_given_up_by_the_broker(at):
    await at.bus.publish([event(1), event(2)])
    for _ in range(BROKER_LIMIT):
        assert (await die_with(at, QUEUE)).message_id == "event 1"
    assert await at.bus.dead_letters(10) == []
    assert (await die_with(at, QUEUE)).message_id == "event 1"
    [dead] = await until_dead(at.bus, 1)
    assert (dead.queue, dead.type, dead.subject) == (QUEUE, TYPE, "x")
    assert "delivery_limit" in dead.reason
    assert dead.died_at > T0
    handler = Handler()
    at.bus.consume(QUEUE, handler, prefetch=4)
    await handler.until(lambda seen: seen == [2])
    assert await at.bus.replay([dead.id]) == 1
    await handler.until(lambda seen: seen == [2, 1])
    assert await at.bus.dead_letters(10) == []


@pytest.mark.parametrize("queue", [QUEUE, OPTIONAL])
async def test_what_was_lost_too_often_is_dead_lettered_before_it_ends_one_more_process(at, queue):
    await at.bus.publish([event(1), event(2)])
    for _ in range(BROKER_LIMIT):
        await die_with(at, queue)
    handler = Handler()
    at.bus.consume(queue, handler, prefetch=1)
    [dead] = await until_dead(at.bus, 1)
    assert (dead.queue, dead.subject) == (queue, "x")
    assert "without an answer" in dead.reason
    await handler.until(lambda seen: seen == [2])


async def test_what_expired_does_not_become_a_dead_letter():
    async with broker() as elsewhere, opened(elsewhere, optional_ttl_s=0.1) as bus, raw_channel(elsewhere) as channel:
        await bus.publish([event(1)])

        async def is_gone() -> bool:
            queue = await channel.declare_queue(OPTIONAL, passive=True)
            return queue.declaration_result.message_count == 0

        await until(is_gone)
        assert await bus.dead_letters(10) == []


async def test_lost_deliveries_count_with_failures(at):
    await at.bus.publish([event(1)])
    for _ in range(DELIVERY_LIMIT - 1):
        await die_with(at, QUEUE)
    handler = Handler()
    handler.failures[1] = [ValueError("the last straw")]
    at.bus.consume(QUEUE, handler, prefetch=1)
    [dead] = await until_dead(at.bus, 1)
    assert "the last straw" in dead.reason
    assert handler.seen == [1]


async def test_a_dependency_that_is_away_for_long_leaves_no_delivery_unanswered(at, monkeypatch):
    """The broker would close the channel; the message goes back as a new one, which it has never lost."""
    monkeypatch.setattr(consumer, "HOLD_S", 100.0)
    await at.bus.publish([event(1)])
    for _ in range(DELIVERY_LIMIT - 1):
        await die_with(at, QUEUE)
    handler = Handler()
    handler.failures[1] = [Unavailable("away")] * 5
    at.bus.consume(QUEUE, handler, prefetch=1)
    for times in range(1, 6):
        await handler.until(lambda seen, times=times: len(seen) >= times)
        await asyncio.sleep(0.01)
        if times == 5:
            break
        at.clock.now += 60
    await at.bus.close()
    given_back = await die_with(at, QUEUE)
    assert given_back.message_id == "event 1"
    assert given_back.headers.get("x-delivery-count", 0) < DELIVERY_LIMIT - 1
    async with opened(at.broker) as bus:
        handler.failures[1] = [ValueError("its failures were not forgotten")]
        bus.consume(QUEUE, handler, prefetch=1)
        [dead] = await until_dead(bus, 1)
    assert "not forgotten" in dead.reason


async def test_a_consumer_comes_back_when_its_queue_was_deleted(at):
    handler = Handler()
    at.bus.consume(QUEUE, handler, prefetch=1)
    await at.bus.publish([event(1)])
    await handler.until(lambda seen: seen == [1])
    await at.broker.delete_queue(QUEUE)

    async def is_consumed() -> bool:
        with contextlib.suppress(AMQPError):
            async with raw_channel(at.broker) as channel:
                queue = await channel.declare_queue(QUEUE, passive=True)
                return queue.declaration_result.consumer_count == 1
        return False

    await until(is_consumed)
    await at.bus.publish([event(2)])
    await handler.until(lambda seen: 2 in seen)


async def test_letters_of_an_event_that_was_published_twice_are_told_apart(at):
    handler = Handler()
    handler.failures[1] = [ValueError("no")] * 2 * DELIVERY_LIMIT
    at.bus.consume(QUEUE, handler, prefetch=2)
    await at.bus.publish([event(1), event(1)])

    async def are_dead() -> bool:
        at.clock.now += 60
        return len(await at.bus.dead_letters(10)) == 2

    await until(are_dead)
    first, second = await at.bus.dead_letters(10)
    assert first.id != second.id
    assert await at.bus.replay([second.id]) == 1
    assert [one.id for one in await at.bus.dead_letters(10)] == [first.id]


async def test_whatever_a_failure_says_its_message_can_be_dead_lettered(at):
    handler = Handler()
    handler.failures[1] = [ValueError("\udc80" + 300_000 * "x")] * DELIVERY_LIMIT
    at.bus.consume(QUEUE, handler, prefetch=1)
    await at.bus.publish([event(1)])

    async def is_dead() -> bool:
        at.clock.now += 60
        return len(await at.bus.dead_letters(10)) == 1

    await until(is_dead)
    assert (await at.bus.dead_letters(10))[0].reason.startswith("ValueError: ?xxx")


async def test_closing_ends_though_the_broker_is_silent(at, monkeypatch):
    for module in (consumer, connection):
        monkeypatch.setattr(module, "END_S", 0.2)
    async with opened(at.broker, url=at.url, publish_timeout_s=0.1) as bus:
        handler = Handler()
        bus.consume(QUEUE, handler, prefetch=1)
        await bus.publish([event(1)])
        await handler.until(lambda seen: seen == [1])
        at.proxy.flowing.clear()
        with pytest.raises(Unavailable):
            await bus.publish([event(2)])
        await asyncio.wait_for(bus.close(), PATIENCE_S)
    at.proxy.flowing.set()


async def test_looking_at_dead_letters_does_not_wear_them_out(at):
    await at.bus.publish([event(1)])
    for _ in range(BROKER_LIMIT + 1):
        await die_with(at, QUEUE)
    await until_dead(at.bus, 1)
    for _ in range(30):
        assert len(await at.bus.dead_letters(10)) == 1


async def test_a_broker_that_is_not_there_is_said_without_its_password(at, monkeypatch, caplog):
    monkeypatch.setattr("shared.bus.rabbitmq.OPEN_S", 0.3)
    at.proxy.kill()
    bus = at.broker.bus("amqp://someone:secret@127.0.0.1:1/")
    with pytest.raises(Unavailable) as raised:
        await bus.open()
    assert "secret" not in raised.value.detail + caplog.text


async def test_queues_that_were_declared_otherwise_are_named(at):
    bus = at.broker.bus(optional_ttl_s=77.0)
    with pytest.raises(Unavailable, match="x-message-ttl' for queue 'detector"):
        await bus.open()
