"""The accounts service, assembled."""

from functools import partial

from services.accounts import erasing_routes, routes
from services.accounts.erasing import ErasingWorker, note_done
from services.accounts.handlers import Background, Resources
from services.accounts.oidc import routes as oidc_routes
from services.accounts.oidc.provider import Provider
from services.accounts.passwords import Passwords
from services.accounts.records import StoredRecords
from services.accounts.settings import AccountSettings
from services.accounts.store import AccountStore
from services.accounts.throttle import Pace, Throttle
from shared.identity.tokens import Signer
from shared.part import Adapters, Part

BY_NAME = Pace(tries=10, within_s=600.0)
BY_ADDRESS = Pace(tries=50, within_s=600.0)
"""Wrong passwords that are taken before more are refused."""


def assemble(adapters: Adapters[AccountStore], settings: AccountSettings, *, signer: Signer) -> Part:
    """`signer`: signs the tokens that other services verify."""
    terms = settings.provider_terms
    provider = None if terms is None else Provider(terms, adapters.clock)
    worker = ErasingWorker(adapters.store, adapters.bus, adapters.clock)
    resources = Resources(
        store=adapters.store,
        clock=adapters.clock,
        signer=signer,
        passwords=Passwords(),
        lifetimes=settings.lifetimes,
        by_name=Throttle(BY_NAME),
        by_address=Throttle(BY_ADDRESS),
        background=Background(),
        provider=provider,
        erase_soon=worker.wake,
    )
    return Part(
        name="accounts",
        routers=[
            routes.session_router(resources),
            oidc_routes.router(resources),
            routes.own_router(resources),
            routes.admin_router(resources),
            erasing_routes.router(resources),
        ],
        tools=[resources.passwords, resources.background, *([] if provider is None else [provider])],
        subscribe=lambda bus: bus.consume(
            "accounts.person.pseudonymised.v1", partial(note_done, adapters.store), prefetch=1
        ),
        workers=[worker],
        resources=resources,
    )


def records(adapters: Adapters[AccountStore], settings: AccountSettings) -> StoredRecords:
    """What the authenticator of the same process asks."""
    return StoredRecords(adapters.store, adapters.clock, settings.lifetimes)
