"""What the accounts service can be told, by environment variables with the prefix `QUORATE_`."""

from typing import Annotated

from pydantic import Field, SecretStr

from services.accounts.credentials import Lifetimes
from shared.http.serving import ServerSettings, UnsafeSettings
from shared.identity.tokens import Signer, Verifier, key_pairs_in, public
from shared.settings import AmqpSettings, MongoSettings

WEEK_S = 604_800.0


class AccountSettings(ServerSettings):
    """How long people stay signed in, in an accounts service alone or within the embedded platform."""

    session_idle_s: Annotated[
        float, Field(gt=0, le=WEEK_S, description="seconds without use after which a session of the page ends")
    ] = 43_200.0
    session_s: Annotated[
        float, Field(gt=0, le=30 * 86_400, description="seconds after which a session of the page ends in any case")
    ] = WEEK_S

    @property
    def lifetimes(self) -> Lifetimes:
        return Lifetimes(idle_s=self.session_idle_s, absolute_s=self.session_s)


class AccountsSettings(AccountSettings, MongoSettings, AmqpSettings):
    """Settings of an accounts service by itself."""

    mongo_database: Annotated[str, Field(min_length=1, max_length=60, description="database of this service alone")] = (
        "quorate_accounts"
    )
    signing_keys: Annotated[
        SecretStr,
        Field(
            description="keys that sign access tokens, `<name>:<32 bytes in hex>`, comma separated: the first signs,"
            " and what the second signed is good until it expires; needed where QUORATE_AUTH=on"
        ),
    ] = SecretStr("")
    public_url: Annotated[
        str, Field(description="where people reach the platform, `https://name`: links to it begin so")
    ] = ""

    def keys(self) -> tuple[Signer, Verifier]:
        """What signs tokens, and what verifies them. Raises UnsafeSettings."""
        try:
            pairs = key_pairs_in(self.signing_keys.get_secret_value())
        except ValueError as error:
            raise UnsafeSettings(f"QUORATE_AUTH=on needs QUORATE_SIGNING_KEYS: {error}") from None
        return Signer(pairs[0]), Verifier([public(pair) for pair in pairs])
