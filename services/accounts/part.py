"""The accounts service, assembled."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from services.accounts import audit_routes, consumers, device_routes, erasing_routes, handlers, routes
from services.accounts.erasing import ErasingWorker
from services.accounts.handlers import Background, Resources
from services.accounts.oidc import routes as oidc_routes
from services.accounts.oidc.terms import ProviderTerms
from services.accounts.passwords import Passwords
from services.accounts.records import StoredRecords
from services.accounts.settings import AccountSettings, ProviderUnusable
from services.accounts.shapes import link_path
from services.accounts.store import AccountStore
from services.accounts.throttle import Pace, Throttle
from shared.arrivals import Arrivals
from shared.clock import Clock
from shared.errors import Invalid
from shared.identity.tokens import Signer
from shared.outbox import Relay
from shared.part import Adapters, Part

if TYPE_CHECKING:
    from services.accounts.oidc.provider import Provider

BY_NAME = Pace(tries=10, within_s=600.0)
BY_ADDRESS = Pace(tries=50, within_s=600.0)
"""Wrong passwords that are taken before more are refused."""
DEVICE_REQUESTS = Pace(tries=30, within_s=600.0)
"""Programs at one address that may ask for a key."""


def assemble(
    adapters: Adapters[AccountStore],
    settings: AccountSettings,
    *,
    signer: Signer,
    relays: Sequence[Relay] | None = None,
) -> Part:
    """`signer`: signs the tokens that other services verify. `relays`: those of all services, where they run in this
    process."""
    relay = Relay(adapters.store, adapters.bus)
    terms = settings.provider_terms
    provider = None if terms is None else _provider(terms, adapters.clock)
    worker = ErasingWorker(adapters.store, relay, adapters.clock)
    resources = Resources(
        store=adapters.store,
        relay=relay,
        arrivals=Arrivals(adapters.bus, consumers.NOTED, relays),
        clock=adapters.clock,
        signer=signer,
        passwords=Passwords(),
        lifetimes=settings.lifetimes,
        by_name=Throttle(BY_NAME),
        by_address=Throttle(BY_ADDRESS),
        device_requests=Throttle(DEVICE_REQUESTS),
        background=Background(),
        provider=provider,
        erase_soon=worker.wake,
    )
    return Part(
        name="accounts",
        routers=[
            routes.session_router(resources),
            device_routes.router(resources),
            oidc_routes.router(resources),
            routes.own_router(resources),
            routes.admin_router(resources),
            audit_routes.router(resources),
            erasing_routes.router(resources),
        ],
        subscribe=partial(consumers.subscribe, resources),
        relays=[relay],
        workers=[worker],
        tools=[resources.passwords, resources.background, *([] if provider is None else [provider])],
        resources=resources,
    )


def _provider(terms: ProviderTerms, clock: Clock) -> "Provider":
    """Raises ProviderUnusable where the issuer is somewhere that may not be asked."""
    from services.accounts.oidc.provider import Provider  # noqa: PLC0415 - most platforms start without one
    from shared.fetching import Fetcher  # noqa: PLC0415

    fetcher = Fetcher(terms.networks)
    try:
        fetcher.check(terms.issuer)
    except Invalid as error:
        raise ProviderUnusable(
            f"QUORATE_OIDC_ISSUER: {error.detail}; QUORATE_OIDC_NETWORKS names the networks of yours where it may be"
        ) from None
    return Provider(terms, clock, fetcher)


def records(adapters: Adapters[AccountStore], settings: AccountSettings) -> StoredRecords:
    """What the authenticator of the same process asks."""
    return StoredRecords(adapters.store, adapters.clock, settings.lifetimes)


class FirstStart:
    """Brings an open store to where people can use it, and says how the first of them gets in."""

    def __init__(self, part: Part) -> None:
        assert isinstance(part.resources, Resources)  # noqa: S101 - what `assemble` has put there
        self._resources = part.resources
        self._link: str | None = None

    async def begin(self) -> None:
        self._link = await handlers.prepare(self._resources)

    def greeting(self, url: str) -> str:
        """The link of a first start, while nobody has an account. url: where people reach the platform."""
        return "" if self._link is None else f"Make the first admin: {url}{link_path(self._link)}"
