"""The accounts service as a process of its own, on MongoDB and RabbitMQ."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from services.accounts import announcements, routes
from services.accounts.part import FirstStart, assemble, records
from services.accounts.settings import AccountsSettings
from services.accounts.store.mongo import MongoAccountStore
from services.accounts.telling import Teller
from shared.http.application import open_when_up
from shared.http.serving import Deployable
from shared.identity.authenticator import Accounts
from shared.part import Adapters, Part, deployable
from shared.steady_clock import SteadyClock

TITLE = "Quorate accounts"
SERVICE = "quorate-accounts"


def create(settings: AccountsSettings) -> Deployable:
    """The accounts service, ready to be served; it opens its servers when it starts. Raises UnsafeSettings."""
    return _known(settings) if settings.auth == "on" else _trusting(settings)


def _trusting(settings: AccountsSettings) -> Deployable:
    """With authentication off there is nothing to keep: it tells the page so."""
    clock = SteadyClock()
    bus = settings.bus("accounts", clock)
    adapters = Adapters(store=None, bus=bus, clock=clock, telemetry=settings.telemetry(SERVICE))
    part = Part(name="accounts", routers=[routes.off_router()])

    @asynccontextmanager
    async def opened() -> AsyncGenerator[None]:
        await bus.open()
        try:
            yield
        finally:
            await bus.close()

    return deployable(TITLE, settings, [part], adapters, opened=opened, uses={"RabbitMQ": bus.is_ready})


def _known(settings: AccountsSettings) -> Deployable:
    clock = SteadyClock()
    signer, verifier = settings.keys()
    mongo = settings.mongo()
    store = MongoAccountStore(mongo.database, clock, announcements.told)
    bus = settings.bus("accounts", clock)
    adapters = Adapters(store=store, bus=bus, clock=clock, telemetry=settings.telemetry(SERVICE))
    part = assemble(adapters, settings, signer=signer)
    first_start = FirstStart(part)

    @asynccontextmanager
    async def opened() -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(mongo.close)
            await open_when_up(store.prepare)
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
        needs={"MongoDB": mongo.is_ready},
        uses={"RabbitMQ": bus.is_ready},
    )
    return replace(served, greeting=lambda _url: first_start.greeting(settings.public_url))
