"""What a service knows of keys and sessions, without asking another service."""

import hmac
from dataclasses import dataclass
from typing import Protocol

from shared.identity import Role
from shared.identity.keys import digest_of
from shared.identity.tokens import Claims


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """A key that was given out and not revoked. digest: its SHA-256. name: of the person whose it is."""

    id: str
    digest: str
    person: str
    name: str
    team: str
    roles: tuple[Role, ...]
    expires_at: float | None = None

    def opens_to(self, text: str, now: float) -> bool:
        """Whether this is the key, and still valid."""
        is_it = hmac.compare_digest(self.digest, digest_of(text))
        return is_it and (self.expires_at is None or now < self.expires_at)


class Records(Protocol):
    """Keys and revocations, as the accounts service told them last."""

    async def key(self, key_id: str) -> KeyRecord | None:
        """A key that can be used now, with the roles that its person has now; None where there is none."""
        ...

    async def is_revoked(self, claims: Claims) -> bool:
        """Whether the session of an access token has ended, or its person has lost something since it began."""
        ...

    async def used(self, key_id: str) -> None:
        """Note that somebody came with a key; to the hour."""
        ...
