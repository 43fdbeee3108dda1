"""`python -m tests.broker_away`: how often each event is published that waited while the broker was away.

Processes of the subtask manager's store and relay, on the servers that `make services` started, save events while the
broker refuses them. Some seconds after the last was saved it takes them again, and a consumer counts how often each of
them comes. It prints one line of JSON, and fails where they come more often than `AT_MOST` times on average.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from typing import Any

from services.subtask_manager import announcements
from services.subtask_manager.store.mongo import MongoSubtaskStore
from shared.bus.rabbitmq import RabbitBus
from shared.mongo.connection import MongoDatabase, connect
from shared.outbox import Relay
from tests.contract.mongo import database
from tests.contract.operators import open_all, subtask_ids
from tests.contract.rabbitmq import Broker, Proxy, broker
from tests.contract.subtask_scenes import SUGGESTING
from tests.servers import need
from tests.unit.subtask_builders import brief

QUEUE = "detector.subtask.opened.v2"
AT_MOST = 1.05
PATIENCE_S = 300.0
QUIET_S = 10.0
"""So long after the last event the others that look for orphans have looked again, twice and more."""


class AwayProxy(Proxy):
    """Refuses connections while the broker is away."""

    is_away = False

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_away:
            writer.transport.abort()
            return
        await super()._connected(reader, writer)


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.broker_away", description=__doc__)
    parser.add_argument("--processes", type=int, default=12)
    parser.add_argument("--events", type=int, default=6_000)
    parser.add_argument("--away-s", type=float, default=8.0)
    parser.add_argument(
        "--process", nargs=4, metavar=("DATABASE", "AMQP_URL", "FIRST", "COUNT"), help=argparse.SUPPRESS
    )
    options = parser.parse_args()
    if options.process is not None:
        name, url, first, count = options.process
        asyncio.run(work(name, url, int(first), int(count)))
        return 0
    found = asyncio.run(measure(options.processes, options.events, options.away_s))
    print(json.dumps(found))  # noqa: T201 - its answer
    return 0 if found["mean"] <= AT_MOST and found["events"] == options.events else 1


async def work(name: str, amqp_url: str, first: int, count: int) -> None:
    """One process: it says `ready`, saves its events when told so, says `saved`, and works until its input ends."""
    client = connect(need("MongoDB")["QUORATE_MONGO_URL"])
    store = MongoSubtaskStore(client[name], time.time, announcements.announce)
    bus = RabbitBus(amqp_url, time.time, service="subtask_manager")
    await bus.open()
    relay = Relay(store, bus)
    relay.start()
    await _tell("ready")
    await asyncio.to_thread(sys.stdin.readline)
    await open_all(store, brief(detector=SUGGESTING, task_id=f"{first:032x}"), subtask_ids(count, first=first))
    relay.wake()
    await _tell("saved")
    await asyncio.to_thread(sys.stdin.read)
    await relay.close()
    await bus.close()
    await client.close()


async def _tell(word: str) -> None:
    await asyncio.to_thread(print, word, flush=True)


async def measure(processes: int, events: int, away_s: float) -> dict[str, Any]:
    """How often the events came, on average and at most."""
    async with database() as db, broker() as at:
        await MongoSubtaskStore(db, time.time, announcements.announce).prepare()
        proxy = AwayProxy(at.url)
        url, each = await proxy.start(), events // processes
        running = [await _started(db.name, url, number * each, each) for number in range(processes)]
        try:
            await _all_say(running, "ready")
            proxy.is_away = True
            proxy.cut()
            for process in running:
                process.stdin.write(b"go\n")
            await _all_say(running, "saved")
            await asyncio.sleep(away_s)
            proxy.is_away = False
            came = await _counted(at, db, each * processes)
        finally:
            for process in running:
                process.stdin.close()
            await asyncio.wait_for(asyncio.gather(*(process.wait() for process in running)), PATIENCE_S)
            await proxy.close()
    mean = sum(came.values()) / len(came)
    return {"processes": processes, "events": len(came), "mean": round(mean, 4), "most": max(came.values())}


async def _started(name: str, url: str, first: int, count: int) -> asyncio.subprocess.Process:
    command = [sys.executable, "-m", "tests.broker_away", "--process", name, url, str(first), str(count)]
    return await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)


async def _all_say(running: list[asyncio.subprocess.Process], word: str) -> None:
    for process in running:
        line = await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)
        assert line.decode().strip() == word, f"a process said {line!r} instead of {word}"


async def _counted(at: Broker, db: MongoDatabase, events: int) -> Counter[str]:
    """What comes until nothing waits any more, and nothing has come for a while."""
    came: Counter[str] = Counter()
    last = time.monotonic()

    async def handle(event: Any) -> None:
        nonlocal last
        came[event.data.subtask_id] += 1
        last = time.monotonic()

    bus = RabbitBus(at.url, time.time, service="counter")
    await bus.open()
    bus.consume(QUEUE, handle, prefetch=64)
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        await asyncio.sleep(0.5)
        waits = await db["subtasks"].count_documents({"pending_at": {"$gt": 0}})
        if waits == 0 and len(came) >= events and time.monotonic() > last + QUIET_S:
            break
    await bus.close()
    return came


if __name__ == "__main__":
    sys.exit(main())
