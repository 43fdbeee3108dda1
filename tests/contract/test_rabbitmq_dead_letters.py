"""What a broker gives up, and how its dead letters are told apart, looked at and replayed."""

import asyncio

import pytest

from shared.bus.rabbitmq import consumer
from shared.errors import Unavailable
from tests.contract.adapters import T0
from tests.contract.deliveries import OPTIONAL, QUEUE, TYPE, Handler, event, until, until_dead
from tests.contract.rabbitmq import BROKER_LIMIT, DELIVERY_LIMIT, broker, die_with, opened, raw_channel


async def test_what_always_ends_its_process_is_given_up_by_the_broker(rabbit):
    await rabbit.bus.publish([event(1), event(2)])
    for _ in range(BROKER_LIMIT):
        assert (await die_with(rabbit.broker, QUEUE)).message_id == "event 1"
    assert await rabbit.bus.dead_letters(10) == []
    assert (await die_with(rabbit.broker, QUEUE)).message_id == "event 1"
    [dead] = await until_dead(rabbit.bus, 1)
    assert (dead.queue, dead.type, dead.subject) == (QUEUE, TYPE, "x")
    assert "delivery_limit" in dead.reason
    assert dead.died_at > T0
    handler = Handler()
    rabbit.bus.consume(QUEUE, handler, prefetch=4)
    await handler.until(lambda seen: seen == [2])
    assert await rabbit.bus.replay([dead.id]) == 1
    await handler.until(lambda seen: seen == [2, 1])
    assert await rabbit.bus.dead_letters(10) == []


@pytest.mark.parametrize("queue", [QUEUE, OPTIONAL])
async def test_what_was_lost_too_often_is_dead_lettered_before_it_ends_one_more_process(rabbit, queue):
    await rabbit.bus.publish([event(1), event(2)])
    for _ in range(BROKER_LIMIT):
        await die_with(rabbit.broker, queue)
    handler = Handler()
    rabbit.bus.consume(queue, handler, prefetch=1)
    [dead] = await until_dead(rabbit.bus, 1)
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


async def test_lost_deliveries_count_with_failures(rabbit):
    await rabbit.bus.publish([event(1)])
    for _ in range(DELIVERY_LIMIT - 1):
        await die_with(rabbit.broker, QUEUE)
    handler = Handler()
    handler.failures[1] = [ValueError("the last straw")]
    rabbit.bus.consume(QUEUE, handler, prefetch=1)
    [dead] = await until_dead(rabbit.bus, 1)
    assert "the last straw" in dead.reason
    assert handler.seen == [1]


async def test_a_dependency_that_is_away_for_long_leaves_no_delivery_unanswered(rabbit, monkeypatch):
    """The broker would close the channel; the message goes back as a new one, which it has never lost."""
    monkeypatch.setattr(consumer, "HOLD_S", 100.0)
    await rabbit.bus.publish([event(1)])
    for _ in range(DELIVERY_LIMIT - 1):
        await die_with(rabbit.broker, QUEUE)
    handler = Handler()
    handler.failures[1] = [Unavailable("away")] * 5
    rabbit.bus.consume(QUEUE, handler, prefetch=1)
    for times in range(1, 6):
        await handler.until(lambda seen, times=times: len(seen) >= times)
        await asyncio.sleep(0.01)
        if times == 5:
            break
        rabbit.clock.now += 60
    await rabbit.bus.close()
    given_back = await die_with(rabbit.broker, QUEUE)
    assert given_back.message_id == "event 1"
    assert given_back.headers.get("x-delivery-count", 0) < DELIVERY_LIMIT - 1
    async with opened(rabbit.broker) as bus:
        handler.failures[1] = [ValueError("its failures were not forgotten")]
        bus.consume(QUEUE, handler, prefetch=1)
        [dead] = await until_dead(bus, 1)
    assert "not forgotten" in dead.reason


async def test_letters_of_an_event_that_was_published_twice_are_told_apart(rabbit):
    handler = Handler()
    handler.failures[1] = [ValueError("no")] * 2 * DELIVERY_LIMIT
    rabbit.bus.consume(QUEUE, handler, prefetch=2)
    await rabbit.bus.publish([event(1), event(1)])

    async def are_dead() -> bool:
        rabbit.clock.now += 60
        return len(await rabbit.bus.dead_letters(10)) == 2

    await until(are_dead)
    first, second = await rabbit.bus.dead_letters(10)
    assert first.id != second.id
    assert await rabbit.bus.replay([second.id]) == 1
    assert [one.id for one in await rabbit.bus.dead_letters(10)] == [first.id]


async def test_whatever_a_failure_says_its_message_can_be_dead_lettered(rabbit):
    handler = Handler()
    handler.failures[1] = [ValueError("\udc80" + 300_000 * "x")] * DELIVERY_LIMIT
    rabbit.bus.consume(QUEUE, handler, prefetch=1)
    await rabbit.bus.publish([event(1)])

    async def is_dead() -> bool:
        rabbit.clock.now += 60
        return len(await rabbit.bus.dead_letters(10)) == 1

    await until(is_dead)
    assert (await rabbit.bus.dead_letters(10))[0].reason.startswith("ValueError: ?xxx")


async def test_looking_at_dead_letters_does_not_wear_them_out(rabbit):
    await rabbit.bus.publish([event(1)])
    for _ in range(BROKER_LIMIT + 1):
        await die_with(rabbit.broker, QUEUE)
    await until_dead(rabbit.bus, 1)
    for _ in range(30):
        assert len(await rabbit.bus.dead_letters(10)) == 1
