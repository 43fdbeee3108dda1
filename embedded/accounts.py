"""People, keys and sessions of the platform in one process, where authentication is on."""

from collections.abc import Sequence
from pathlib import Path

from embedded.signing_keys import signing_keys
from services.accounts import part as accounts
from services.accounts.settings import AccountSettings
from services.accounts.store import AccountStore
from shared.identity.authenticator import Accounts
from shared.outbox import Relay
from shared.part import Adapters


class EmbeddedAccounts:
    """The accounts service, and the authenticator that asks its store."""

    def __init__(
        self, adapters: Adapters[AccountStore], settings: AccountSettings, root: Path, relays: Sequence[Relay]
    ) -> None:
        keys = signing_keys(root, adapters.clock())
        self.part = accounts.assemble(adapters, settings, signer=keys.signer, relays=relays)
        self.first_start = accounts.FirstStart(self.part)
        self.authenticator = Accounts(keys.verifier, accounts.records(adapters, settings), adapters.clock)
