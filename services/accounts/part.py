"""The accounts service, assembled."""

from services.accounts import device_routes, routes
from services.accounts.handlers import Background, Resources
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
DEVICE_REQUESTS = Pace(tries=30, within_s=600.0)
"""Programs at one address that may ask for a key."""


def assemble(adapters: Adapters[AccountStore], settings: AccountSettings, *, signer: Signer) -> Part:
    """`signer`: signs the tokens that other services verify."""
    resources = Resources(
        store=adapters.store,
        clock=adapters.clock,
        signer=signer,
        passwords=Passwords(),
        lifetimes=settings.lifetimes,
        by_name=Throttle(BY_NAME),
        by_address=Throttle(BY_ADDRESS),
        device_requests=Throttle(DEVICE_REQUESTS),
        background=Background(),
    )
    return Part(
        name="accounts",
        routers=[
            routes.session_router(resources),
            device_routes.router(resources),
            routes.own_router(resources),
            routes.admin_router(resources),
        ],
        tools=[resources.passwords, resources.background],
        resources=resources,
    )


def records(adapters: Adapters[AccountStore], settings: AccountSettings) -> StoredRecords:
    """What the authenticator of the same process asks."""
    return StoredRecords(adapters.store, adapters.clock, settings.lifetimes)
