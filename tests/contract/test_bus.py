import asyncio
import itertools
from itertools import pairwise

import pytest

from shared.errors import NotFound, Unavailable
from shared.events import Message, TaskEnded, parse
from tests.contract.adapters import T0
from tests.contract.deliveries import OPTIONAL, PATIENCE_S, QUEUE, TYPE, Handler, event, until, until_dead


async def poke(buses, handler: Handler, number: int) -> None:
    """Let the bus see the time: when the new message is handled, so is all that was ready."""
    await buses.bus.publish([event(number)])
    await handler.until(lambda seen: number in seen)
    await asyncio.sleep(0.01)


async def test_every_message_is_delivered(buses):
    handler = Handler()
    await buses.bus.publish([event(number) for number in range(50)])
    buses.bus.consume(QUEUE, handler, prefetch=10)
    await buses.bus.publish([event(number) for number in range(50, 100)])
    await handler.until(lambda seen: len(seen) >= 100)
    assert sorted(handler.seen) == list(range(100))


async def test_every_queue_of_a_type_gets_its_own(buses):
    required, optional = Handler(), Handler()
    buses.bus.consume(QUEUE, required, prefetch=1)
    buses.bus.consume(OPTIONAL, optional, prefetch=1)
    await buses.bus.publish([event(1)])
    await required.until(lambda seen: seen == [1])
    await optional.until(lambda seen: seen == [1])


async def test_a_type_that_nobody_hears_is_published_to_nobody(buses):
    data = TaskEnded(task_id="0" * 32, owner="owner", at=T0)
    await buses.bus.publish(
        [Message(id="e", type="task.completed.v1", subject="x", body=data.model_dump_json().encode())]
    )
    await buses.bus.publish([])


async def test_an_event_comes_whole(buses):
    got = asyncio.get_running_loop().create_future()

    async def handler(given) -> None:
        got.set_result(given)

    buses.bus.consume(QUEUE, handler, prefetch=1)
    await buses.bus.publish([event(7)])
    given = await asyncio.wait_for(got, PATIENCE_S)
    assert (given.id, given.type, given.data.task_id, given.data.owner) == ("event 7", TYPE, f"{7:032x}", "owner")


async def test_the_oldest_message_that_waits_is_seen_also_while_it_is_handled(buses):
    handler = Handler()
    handler.may_go_on.clear()
    buses.bus.consume(QUEUE, handler, prefetch=1)
    assert await buses.bus.oldest() == {}
    published_at = buses.clock.now
    await buses.bus.publish([event(1)])
    await handler.until(lambda seen: seen == [1])
    buses.clock.now += 500
    await buses.bus.publish([event(2)])
    assert await buses.bus.oldest() == {QUEUE: pytest.approx(published_at, abs=1)}
    handler.may_go_on.set()
    await handler.until(lambda seen: seen == [1, 2])

    async def is_empty() -> bool:
        return await buses.bus.oldest() == {}

    await until(is_empty)


async def test_a_waiting_consumer_is_woken_though_time_stands_still(buses):
    """No clock moves here: only the publishing itself can wake it."""
    handler = Handler()
    buses.bus.consume(QUEUE, handler, prefetch=1)
    for number in range(5):
        await buses.bus.publish([event(number)])
        await handler.until(lambda seen, number=number: number in seen)
    assert handler.seen == list(range(5))


async def test_published_twice_is_delivered_twice(buses):
    handler = Handler()
    buses.bus.consume(QUEUE, handler, prefetch=4)
    await buses.bus.publish([event(1), event(1)])
    await buses.bus.publish([event(1)])
    await handler.until(lambda seen: len(seen) >= 3)
    assert handler.seen == [1, 1, 1]


@pytest.mark.parametrize("prefetch", [1, 3, 8])
async def test_no_more_are_handled_at_once_than_the_prefetch(buses, prefetch):
    handler = Handler()
    handler.may_go_on.clear()
    try:
        await buses.bus.publish([event(number) for number in range(30)])
        buses.bus.consume(QUEUE, handler, prefetch=prefetch)
        await handler.until(lambda seen: len(seen) >= prefetch)
        await buses.bus.publish([event(30)])
        await asyncio.sleep(0.02)
        assert len(handler.seen) == prefetch
    finally:
        handler.may_go_on.set()
    await handler.until(lambda seen: len(seen) >= 31)
    assert handler.most_running == prefetch


async def test_a_failed_message_comes_again_after_growing_pauses_then_dies_with_its_reason(buses):
    handler = Handler(buses.clock)
    handler.failures[1] = [ValueError(f"failure {number}") for number in range(1, 100)]
    buses.bus.consume(QUEUE, handler, prefetch=4)
    await buses.bus.publish([event(1)])
    await handler.until(lambda seen: 1 in seen)
    number = 100
    while not (dead := await buses.bus.dead_letters(10)):
        assert number < 1000, "it never died"
        buses.clock.now += 0.1
        number += 1
        await poke(buses, handler, number)
    times = [at for at, one in zip(handler.times, handler.seen, strict=True) if one == 1]
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert len(times) == buses.delivery_limit
    assert pauses == sorted(pauses)
    assert 0 < pauses[0] < pauses[-1]
    assert [(one.queue, one.type, one.subject) for one in dead] == [(QUEUE, TYPE, "x")]
    assert f"failure {buses.delivery_limit}" in dead[0].reason
    assert dead[0].died_at == times[-1]


async def test_a_failure_of_one_does_not_hold_up_the_others(buses):
    handler = Handler()
    handler.failures[1] = [ValueError("once")]
    buses.bus.consume(QUEUE, handler, prefetch=1)
    await buses.bus.publish([event(1), event(2), event(3)])
    await handler.until(lambda seen: len(seen) >= 3)
    buses.clock.now += 60
    await poke(buses, handler, 4)
    await handler.until(lambda seen: sorted(seen) == [1, 1, 2, 3, 4])
    assert await buses.bus.dead_letters(10) == []


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff\xfe", b"[]", b'{"type": "task.cancelled.v2"}', b"null"])
async def test_a_message_that_cannot_be_read_dies_at_once(buses, body):
    handler = Handler()
    buses.bus.consume(QUEUE, handler, prefetch=1)
    await buses.bus.publish([Message(id="poison", type=TYPE, subject="it", body=body), event(2)])
    [dead] = await until_dead(buses.bus, 1)
    assert (dead.queue, dead.type, dead.subject) == (QUEUE, TYPE, "it")
    assert dead.reason
    await handler.until(lambda seen: seen == [2])


async def test_a_failing_dependency_pauses_the_queue_and_does_not_count(buses):
    handler = Handler()
    times = 3 * buses.delivery_limit
    handler.failures[1] = [Unavailable("the database is away") for _ in range(times)]
    buses.bus.consume(QUEUE, handler, prefetch=1)
    await buses.bus.publish([event(1), event(2)])
    for attempt in range(1, times + 1):
        await handler.until(lambda seen, attempt=attempt: seen.count(1) >= attempt)
        await asyncio.sleep(0.005)
        if attempt == 1:
            await buses.bus.publish([event(3)])
            await asyncio.sleep(0.02)
            assert handler.seen == [1], "the whole queue pauses"
        buses.clock.now += 60
        await buses.bus.publish([event(1000 + attempt)])
    await handler.until(lambda seen: seen.count(1) == times + 1 and {2, 3} <= set(seen))
    assert await buses.bus.dead_letters(10) == []


async def bury(buses, handler: Handler, numbers: list[int]) -> list:
    """Let these fail until they are dead."""
    for number in numbers:
        handler.failures[number] = [ValueError("no")] * buses.delivery_limit
    await buses.bus.publish([event(number) for number in numbers])
    probe = 1000
    while len(await buses.bus.dead_letters(100)) < len(numbers):
        assert probe < 1100, "they never died"
        buses.clock.now += 60
        probe += 1
        await poke(buses, handler, probe)
    return await buses.bus.dead_letters(100)


async def test_a_dead_letter_is_read_and_discarded(buses):
    handler = Handler()
    buses.bus.consume(QUEUE, handler, prefetch=4)
    dead = await bury(buses, handler, [1, 2, 3])
    counts = await buses.bus.dead_counts()
    assert (counts.pop(QUEUE), set(counts.values())) == (3, {0})
    assert await buses.bus.dead_letters(2, [OPTIONAL, QUEUE]) == dead[:2]
    assert await buses.bus.dead_letters(10, [OPTIONAL]) == await buses.bus.dead_letters(10, []) == []
    letter, body = await buses.bus.dead_letter(dead[1].id)
    assert (letter, parse(body).subject) == (dead[1], dead[1].subject)
    await buses.bus.discard(dead[1].id)
    for gone in (dead[1].id, "never there", f"{QUEUE}:0"):
        with pytest.raises(NotFound):
            await buses.bus.dead_letter(gone)
        with pytest.raises(NotFound):
            await buses.bus.discard(gone)
    assert {one.id for one in await buses.bus.dead_letters(100)} == {dead[0].id, dead[2].id}


async def test_what_is_told_of_dead_letters_is_published_with_what_is_done(buses):
    handler = Handler()
    buses.bus.consume(QUEUE, handler, prefetch=4)
    dead = await bury(buses, handler, [1, 2])
    with pytest.raises(NotFound):
        await buses.bus.discard("never there", [event(7)])
    await buses.bus.discard(dead[0].id, [event(8)])
    assert await buses.bus.replay([dead[1].id], [event(9)]) == 1
    await handler.until(lambda seen: {8, 9} <= set(seen))
    assert 7 not in handler.seen
    assert await buses.bus.dead_letters(100) == []


async def test_dead_letters_come_back_when_told(buses):
    handler = Handler()
    buses.bus.consume(QUEUE, handler, prefetch=4)
    dead = await bury(buses, handler, [1, 2, 3])
    assert len(await buses.bus.dead_letters(2)) == 2
    handler.seen.clear()
    assert await buses.bus.replay([dead[0].id, "never there"]) == 1
    await handler.until(lambda seen: len(seen) == 1)
    assert len(await buses.bus.dead_letters(100)) == 2
    assert await buses.bus.replay(None) == 2
    await handler.until(lambda seen: sorted(seen) == [1, 2, 3])
    assert await buses.bus.dead_letters(100) == []
    assert await buses.bus.replay(None) == 0


async def test_a_replayed_message_has_all_its_tries_again(buses):
    handler = Handler()
    buses.bus.consume(QUEUE, handler, prefetch=4)
    [dead] = await bury(buses, handler, [1])
    handler.failures[1] = [ValueError("once more")]
    handler.seen.clear()
    await buses.bus.replay([dead.id])
    await handler.until(lambda seen: 1 in seen)
    await asyncio.sleep(0.01)
    buses.clock.now += 60
    await poke(buses, handler, 2000)
    await handler.until(lambda seen: seen.count(1) == 2)
    assert await buses.bus.dead_letters(10) == []


async def test_what_a_killed_process_had_not_finished_is_delivered_again(buses):
    handler = Handler()
    handler.may_go_on.clear()
    try:
        await buses.bus.publish([event(number) for number in range(6)])
        buses.bus.consume(QUEUE, handler, prefetch=3)
        await handler.until(lambda seen: len(seen) == 3)
        async with buses.after_a_kill() as next_bus:
            next_handler = Handler()
            next_bus.consume(QUEUE, next_handler, prefetch=10)
            await next_handler.until(lambda seen: sorted(seen) == [0, 1, 2, 3, 4, 5])
    finally:
        handler.may_go_on.set()


async def test_what_was_handled_is_not_delivered_again(buses):
    handler = Handler()
    buses.bus.consume(QUEUE, handler, prefetch=3)
    await buses.bus.publish([event(number) for number in range(6)])
    await handler.until(lambda seen: len(seen) == 6)
    await buses.bus.close()
    async with buses.after_a_kill() as next_bus:
        next_handler = Handler()
        next_bus.consume(QUEUE, next_handler, prefetch=10)
        await next_bus.publish([event(9)])
        await next_handler.until(lambda seen: 9 in seen)
        assert next_handler.seen == [9]
        await next_bus.publish([event(10)])
        await next_handler.until(lambda seen: seen == [9, 10])


async def test_closing_waits_for_what_runs(buses):
    handler = Handler()
    handler.may_go_on.clear()
    buses.bus.consume(QUEUE, handler, prefetch=1)
    await buses.bus.publish([event(1), event(2)])
    await handler.until(lambda seen: seen == [1])
    closing = asyncio.create_task(buses.bus.close())
    await asyncio.sleep(0.02)
    assert not closing.done()
    handler.may_go_on.set()
    await asyncio.wait_for(closing, PATIENCE_S)
    assert (handler.running, handler.seen) == (0, [1])


@pytest.mark.parametrize(("beyond_s", "expected"), [(-1.0, [1, 2]), (0.0, [1, 2]), (0.001, [2])])
async def test_an_absent_consumer_finds_only_what_is_not_too_old(buses, beyond_s, expected):
    """At the instant itself, where the bus lives by a clock that can be set to it."""
    slack_s = buses.ttl_slack_s if beyond_s > 0 else -buses.ttl_slack_s
    await buses.bus.publish([event(1)])
    await buses.grow_old(buses.optional_ttl_s + beyond_s + slack_s)
    await buses.bus.publish([event(2)])
    optional, required = Handler(), Handler()
    buses.bus.consume(OPTIONAL, optional, prefetch=4)
    buses.bus.consume(QUEUE, required, prefetch=4)
    await optional.until(lambda seen: 2 in seen)
    await required.until(lambda seen: sorted(seen) == [1, 2])
    assert sorted(optional.seen) == expected


async def test_what_is_broadcast_is_heard_by_every_listener(buses):
    await buses.bus.broadcast(b"nobody listens")
    heard: tuple[set[bytes], set[bytes]] = (set(), set())
    for one in heard:
        buses.bus.listen(one.add)

    async def is_heard() -> bool:
        await buses.bus.broadcast(b"news")
        return all(b"news" in one for one in heard)

    await until(is_heard)
    assert heard == ({b"news"}, {b"news"})


async def test_settled_is_what_had_come_before(buses):
    handler = Handler()
    handler.may_go_on.clear()
    buses.bus.consume(QUEUE, handler, prefetch=1)
    await buses.bus.settle([QUEUE])
    await buses.bus.publish([event(1), event(2)])
    settling = asyncio.create_task(buses.bus.settle([QUEUE]))
    await handler.until(lambda seen: seen == [1])
    await asyncio.sleep(0.02)
    assert not settling.done()
    handler.may_go_on.set()
    await asyncio.wait_for(settling, PATIENCE_S)
    assert (handler.running, handler.seen) == (0, [1, 2])


async def test_what_comes_later_holds_up_nobody_who_settles(buses):
    handler = Handler()
    buses.bus.consume(QUEUE, handler, prefetch=64)
    numbers = itertools.count(1)

    async def publish_on() -> None:
        while True:
            await buses.bus.publish([event(next(numbers)) for _ in range(5)])

    publishing = asyncio.create_task(publish_on())
    await handler.until(lambda seen: len(seen) > 20)
    sent = next(numbers)
    await asyncio.wait_for(buses.bus.settle([QUEUE]), PATIENCE_S)
    assert set(range(1, sent - 5)) <= set(handler.seen)
    publishing.cancel()
    await asyncio.gather(publishing, return_exceptions=True)
