"""What was agreed with a provider: who it is, who this platform is to it, and what its claims give."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.accounts.oidc.mapping import RolesByValue
from shared.fetching.addresses import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderTerms:
    """name: what people call the provider. return_url: where it sends them back to. claim: the one whose values give
    roles. client_secret: none, where PKCE alone proves who redeems a code. networks: where the provider may be though
    they are not public."""

    issuer: str
    name: str
    client_id: str
    client_secret: str | None = field(repr=False)
    scopes: str
    claim: str
    roles: RolesByValue
    return_url: str
    networks: Sequence[Network] = ()
