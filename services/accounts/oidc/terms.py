"""What was agreed with a provider: who it is, who this platform is to it, and what its claims give."""

from dataclasses import dataclass, field

from services.accounts.oidc.mapping import RolesByValue


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderTerms:
    """name: what people call the provider. return_url: where it sends them back to. claim: the one whose values give
    roles. client_secret: none, where PKCE alone proves who redeems a code."""

    issuer: str
    name: str
    client_id: str
    client_secret: str | None = field(repr=False)
    scopes: str
    claim: str
    roles: RolesByValue
    return_url: str
