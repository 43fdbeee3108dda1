"""The accounts service as a process of its own, on MongoDB and RabbitMQ."""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial

from services.accounts import announcements, routes
from services.accounts.erasure import is_over
from services.accounts.part import FirstStart, assemble, records
from services.accounts.settings import AccountsSettings
from services.accounts.store.mongo import MongoAccountStore
from services.accounts.telling import Teller
from shared.events import Message
from shared.http.application import open_when_up
from shared.http.serving import Deployable
from shared.identity.authenticator import Accounts
from shared.mongo.connection import MongoDatabase
from shared.part import Adapters, Part, deployable
from shared.settings import MONGODB, RABBITMQ
from shared.settings.migrating import Step
from shared.steady_clock import SteadyClock

TITLE = "Quorate accounts"
SERVICE = "quorate-accounts"
ERASURES_TOLD = 1_000


def create(settings: AccountsSettings) -> Deployable:
    """The accounts service, ready to be served; it opens its servers when it starts. Raises UnsafeSettings."""
    return _known(settings) if settings.auth == "on" else _trusting(settings)


def migrations(database: MongoDatabase) -> Sequence[Step]:
    """What this release brings to the service's database."""
    return [MongoAccountStore(database, time.time, announcements.told).prepare]


async def told_anew(database: MongoDatabase) -> AsyncIterator[Sequence[Message]]:
    """Who was erased lately. Who may come is told anew every few minutes as it is."""
    store = MongoAccountStore(database, time.time, announcements.told)
    told = [one for one in await store.newest_erasures(ERASURES_TOLD) if one.is_told]
    yield [announcements.person_erased(one) for one in told if not is_over(one)]


def _trusting(settings: AccountsSettings) -> Deployable:
    """With authentication off there is nothing to keep: it tells the page so."""
    clock = SteadyClock()
    telemetry = settings.telemetry(SERVICE)
    bus = settings.bus("accounts", clock, telemetry)
    adapters = Adapters(store=None, bus=bus, clock=clock, telemetry=telemetry)
    part = Part(name="accounts", routers=[routes.off_router()])

    @asynccontextmanager
    async def opened() -> AsyncGenerator[None]:
        await bus.open()
        try:
            yield
        finally:
            await bus.close()

    return deployable(TITLE, settings, [part], adapters, opened=opened, uses={RABBITMQ: bus.is_ready})


def _known(settings: AccountsSettings) -> Deployable:
    clock = SteadyClock()
    signer, verifier = settings.keys()
    telemetry = settings.telemetry(SERVICE)
    mongo = settings.mongo(telemetry)
    store = MongoAccountStore(mongo.database, clock, announcements.told)
    bus = settings.bus("accounts", clock, telemetry)
    adapters = Adapters(store=store, bus=bus, clock=clock, telemetry=telemetry)
    part = assemble(adapters, settings, signer=signer)
    first_start = FirstStart(part)

    @asynccontextmanager
    async def opened() -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(mongo.close)
            await open_when_up(partial(mongo.prepare, store.prepare))
            await first_start.begin()
            await bus.open()
            stack.push_async_callback(bus.close)
            yield

    served = deployable(
        TITLE,
        settings,
        [replace(part, workers=[*part.workers, Teller(store, bus, clock)])],
        adapters,
        opened=opened,
        authenticator=Accounts(verifier, records(adapters, settings), clock),
        needs={MONGODB: mongo.is_ready},
        uses={RABBITMQ: bus.is_ready},
    )
    return replace(served, greeting=lambda _url: first_start.greeting(settings.public_url))
