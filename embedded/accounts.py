"""People, keys and sessions of the platform in one process, where authentication is on."""

from pathlib import Path

from embedded.signing_keys import signing_keys
from services.accounts import handlers
from services.accounts import part as accounts
from services.accounts.handlers import Resources
from services.accounts.settings import AccountSettings
from services.accounts.shapes import link_path
from services.accounts.store import AccountStore
from shared.identity.authenticator import Accounts
from shared.part import Adapters


class EmbeddedAccounts:
    """The accounts service, and the authenticator that asks its store."""

    def __init__(self, adapters: Adapters[AccountStore], settings: AccountSettings, root: Path) -> None:
        keys = signing_keys(root, adapters.clock())
        self.part = accounts.assemble(adapters, settings, signer=keys.signer)
        self.authenticator = Accounts(keys.verifier, accounts.records(adapters, settings), adapters.clock)
        self._first_link: str | None = None

    async def begin(self) -> None:
        """Bring the open store to where people can use it."""
        assert isinstance(self.part.resources, Resources)  # noqa: S101 - what `assemble` has put there
        self._first_link = await handlers.prepare(self.part.resources)

    def greeting(self, url: str) -> str:
        """The link of a first start, while nobody has an account."""
        return "" if self._first_link is None else f"Make the first admin: {url}{link_path(self._first_link)}"
