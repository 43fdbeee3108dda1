"""What people set for themselves on the page, kept as they sent it, and apart from the work.

It lives here as long as there are no accounts. The accounts service, which will own what belongs to a person, takes
it over.
"""

from dataclasses import dataclass
from typing import Protocol

from shared.errors import Outdated

MAX_BYTES = 16_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """A person's preferences. version: how often they were set. body: an object as JSON."""

    version: int = 0
    body: str = "{}"


class PreferencesStore(Protocol):
    """Preferences by user."""

    async def find(self, user: str) -> Preferences:
        """The user's preferences, those of version 0 where none were set."""
        ...

    async def save(self, user: str, preferences: Preferences) -> bool:
        """Put preferences in place of those of the version before. False, with nothing saved: others are there."""
        ...

    async def forget(self, user: str) -> None:
        """Keep nothing that the user set."""
        ...


def replaced(before: Preferences, *, version: int, body: str) -> Preferences:
    """The preferences after a request that knew this version; sent again, it changes nothing. Raises Outdated."""
    after = Preferences(version=version + 1, body=body)
    if before == after:
        return before
    if before.version != version:
        raise Outdated("the preferences were set meanwhile: read them again")
    return after
