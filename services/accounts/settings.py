"""What the accounts service can be told, by environment variables with the prefix `QUORATE_`."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, TypeAdapter

from services.accounts.credentials import Lifetimes
from services.accounts.oidc.addresses import is_safe
from services.accounts.oidc.terms import ProviderTerms
from shared.errors import QuorateError
from shared.fetching.addresses import networks_in
from shared.http.serving import ServerSettings, UnsafeSettings
from shared.identity import Role
from shared.identity.tokens import Signer, Verifier, key_pairs_in, public
from shared.settings import AmqpSettings, MongoSettings, Networks

WEEK_S = 604_800.0
RETURN_PATH = "/sign-in/return"
"""The page's: it hands on what the provider said."""
_ROLES = TypeAdapter(dict[str, dict[str, tuple[Role, ...]]])


class ProviderUnusable(QuorateError):
    """The settings of the OpenID provider do not go together."""


def _readable(text: str) -> str:
    """Raises ValueError where the roles cannot be read."""
    _ROLES.validate_json(text)
    return text


class ProviderSettings(ServerSettings):
    """The OpenID provider that people can sign in with."""

    public_url: Annotated[
        str,
        Field(description="where people reach the platform, `https://name`: links to it begin so, and a provider sends"
              " people back there"),
    ] = ""  # fmt: skip
    oidc_issuer: Annotated[
        str | None,
        Field(description="URL of an OpenID provider that people can sign in with, as its tokens name it; none: people"
              " sign in by password alone"),
    ] = None  # fmt: skip
    oidc_client_id: Annotated[str | None, Field(description="who the platform is to the provider")] = None
    oidc_client_secret: Annotated[
        SecretStr | None, Field(description="what the platform proves that by; none: by PKCE alone")
    ] = None
    oidc_name: Annotated[
        str, Field(min_length=1, max_length=60, description="what people call the provider: `Sign in with ...`")
    ] = "your organization"
    oidc_scopes: Annotated[str, Field(description="what the provider is asked for; `openid` is among it")] = (
        "openid profile"
    )
    oidc_claim: Annotated[
        str, Field(description="the claim of the ID token whose values give roles; a dot leads into a claim")
    ] = "groups"
    oidc_roles: Annotated[
        str,
        AfterValidator(_readable),
        Field(description="the roles that each value of the claim gives, by the id of the team, as JSON:"
              ' `{"labelers": {"first": ["operator"]}}`'),
    ] = "{}"  # fmt: skip

    oidc_networks: Annotated[
        Networks,
        Field(
            description="networks (`10.1.0.0/16`), comma separated, in which the provider may be though they are not"
            " public; none: it is asked on the open network alone"
        ),
    ] = ""

    @property
    def provider_terms(self) -> ProviderTerms | None:
        """What was agreed with the provider; None where there is none. Raises ProviderUnusable."""
        if not self.oidc_issuer:
            return None
        roles = _ROLES.validate_json(self.oidc_roles)
        public_url = self.public_url.rstrip("/")
        if not is_safe(self.oidc_issuer) or not is_safe(public_url):
            raise ProviderUnusable(
                "QUORATE_OIDC_ISSUER and QUORATE_PUBLIC_URL have to be https://... (http://... on this machine alone)"
            )
        if not self.oidc_client_id or not roles or "openid" not in self.oidc_scopes.split():
            raise ProviderUnusable(
                "QUORATE_OIDC_ISSUER needs QUORATE_OIDC_CLIENT_ID, QUORATE_OIDC_ROLES, and `openid` among"
                " QUORATE_OIDC_SCOPES"
            )
        secret = self.oidc_client_secret
        return ProviderTerms(
            issuer=self.oidc_issuer,
            name=self.oidc_name,
            client_id=self.oidc_client_id,
            client_secret=None if secret is None else secret.get_secret_value(),
            scopes=self.oidc_scopes,
            claim=self.oidc_claim,
            roles=roles,
            return_url=public_url + RETURN_PATH,
            networks=networks_in(self.oidc_networks),
        )


class AccountSettings(ProviderSettings):
    """How people sign in, and how long they stay signed in, in an accounts service alone or within the embedded
    platform."""

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

    def keys(self) -> tuple[Signer, Verifier]:
        """What signs tokens, and what verifies them. Raises UnsafeSettings."""
        try:
            pairs = key_pairs_in(self.signing_keys.get_secret_value())
        except ValueError as error:
            raise UnsafeSettings(f"QUORATE_AUTH=on needs QUORATE_SIGNING_KEYS: {error}") from None
        return Signer(pairs[0]), Verifier([public(pair) for pair in pairs])
