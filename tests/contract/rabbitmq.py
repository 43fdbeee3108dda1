"""The bus on a real RabbitMQ, for the contract suites: each in a virtual host of its own."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from shared.bus import Bus
from shared.bus.rabbitmq import RabbitBus
from shared.bus.rabbitmq.connection import connected
from tests.contract.adapters import T0, ManualClock
from tests.contract.buses import Buses
from tests.servers import need

DELIVERY_LIMIT = 4
BROKER_LIMIT = 2 * DELIVERY_LIMIT
TTL_S = 2.0
TTL_SLACK_S = 1.5


class WakingClock(ManualClock):
    """Time that passes only when told, and wakes those who sleep by it."""

    def __init__(self) -> None:
        self._now = T0
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    @property
    def now(self) -> float:
        return self._now

    @now.setter
    def now(self, value: float) -> None:
        self._now = value
        for until, woken in self._sleepers:
            if until <= value:
                woken.set()

    async def sleep(self, seconds: float) -> None:
        sleeper = (self._now + seconds, asyncio.Event())
        if seconds <= 0:
            return
        self._sleepers.append(sleeper)
        try:
            await sleeper[1].wait()
        finally:
            self._sleepers.remove(sleeper)


class Proxy:
    """Stands between a bus and the broker: what goes through can be cut off, or held up."""

    def __init__(self, url: str) -> None:
        self._broker = urlsplit(url)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task] = set()
        self.flowing = asyncio.Event()
        self.flowing.set()

    async def start(self) -> str:
        """Begin; returns the URL of the broker through here."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        netloc = self._broker.netloc.replace(f"{self._broker.hostname}:{self._broker.port}", f"127.0.0.1:{port}")
        return self._broker._replace(netloc=netloc).geturl()

    def cut(self) -> None:
        """Every connection breaks now; new ones are let through."""
        for writer in self._writers:
            writer.transport.abort()

    def kill(self) -> None:
        """Every connection breaks now, and there will be no others."""
        if self._server is not None:
            self._server.close()
        self.cut()

    async def close(self) -> None:
        self.kill()
        self.flowing.set()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.current_task())
        with contextlib.suppress(OSError):
            there, back = await asyncio.open_connection(self._broker.hostname, self._broker.port)
            self._writers |= {writer, back}
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        self._tasks.discard(asyncio.current_task())

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                await self.flowing.wait()
                target.write(data)
                await target.drain()
        target.transport.abort()
        self._writers.discard(target)


@dataclass(kw_only=True)
class Broker:
    """A virtual host of the broker, and its management."""

    url: str
    vhost: str
    management: httpx.AsyncClient

    async def delete_queue(self, queue: str) -> None:
        (await self.management.delete(f"/api/queues/{self.vhost}/{queue}")).raise_for_status()

    async def set_policy(self, name: str, queue: str, **definition: object) -> None:
        policy = {"pattern": f"^{queue}$", "definition": definition, "apply-to": "queues"}
        (await self.management.put(f"/api/policies/{self.vhost}/{name}", json=policy)).raise_for_status()

    async def delete_policy(self, name: str) -> None:
        (await self.management.delete(f"/api/policies/{self.vhost}/{name}")).raise_for_status()

    def bus(self, url: str | None = None, **settings: object) -> RabbitBus:
        """A bus that lives by real time, but for what is told otherwise."""
        return RabbitBus(
            url or self.url,
            **{
                "clock": WakingClock(),
                "service": "detector",
                "delivery_limit": DELIVERY_LIMIT,
                "broker_limit": BROKER_LIMIT,
                "optional_ttl_s": TTL_S,
                **settings,
            },
        )


@dataclass(kw_only=True)
class RabbitBuses(Buses):
    """The bus under test reaches the broker through the proxy."""

    broker: Broker
    proxy: Proxy
    url: str


@asynccontextmanager
async def broker() -> AsyncIterator[Broker]:
    env = need("RabbitMQ")
    parts = urlsplit(env["RABBITMQ_MANAGEMENT_URL"])
    vhost = f"test-{uuid.uuid4().hex}"
    async with httpx.AsyncClient(
        base_url=f"{parts.scheme}://{parts.hostname}:{parts.port}", auth=(parts.username, parts.password)
    ) as management:
        (await management.put(f"/api/vhosts/{vhost}")).raise_for_status()
        try:
            url = urlsplit(env["QUORATE_AMQP_URL"])._replace(path=f"/{vhost}").geturl()
            yield Broker(url=url, vhost=vhost, management=management)
        finally:
            await management.delete(f"/api/vhosts/{vhost}")


@asynccontextmanager
async def rabbit_buses(_folder: Path) -> AsyncIterator[RabbitBuses]:
    clock = WakingClock()
    async with broker() as at:
        proxy = Proxy(at.url)

        async def opened(url: str) -> RabbitBus:
            bus = at.bus(url, clock=clock, sleep=clock.sleep)
            await bus.open()
            return bus

        @asynccontextmanager
        async def after_a_kill() -> AsyncIterator[Bus]:
            proxy.kill()
            bus = await opened(at.url)
            try:
                yield bus
            finally:
                await bus.close()

        url = await proxy.start()
        bus = await opened(url)
        yield RabbitBuses(
            bus=bus,
            clock=clock,
            delivery_limit=DELIVERY_LIMIT,
            optional_ttl_s=TTL_S,
            after_a_kill=after_a_kill,
            grow_old=asyncio.sleep,
            ttl_slack_s=TTL_SLACK_S,
            broker=at,
            proxy=proxy,
            url=url,
        )
        await bus.close()
        await proxy.close()


@asynccontextmanager
async def opened(where: Broker, **settings: object) -> AsyncIterator[RabbitBus]:
    """One more bus, on its own connection."""
    bus = where.bus(**settings)
    await bus.open()
    try:
        yield bus
    finally:
        await bus.close()


@asynccontextmanager
async def raw_channel(where: Broker) -> AsyncIterator[AbstractChannel]:
    async with connected(where.url, "test") as connection:
        yield await connection.channel()


async def die_with(where: Broker, queue: str) -> AbstractIncomingMessage | None:
    """Take one message and end without an answer."""
    async with raw_channel(where) as channel:
        source = await channel.get_queue(queue, ensure=False)
        return await source.get(fail=False)
