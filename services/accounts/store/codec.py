"""How the states of accounts are stored. Each is at its first schema."""

from typing import Any

from services.accounts.credentials import Invitation, Key, Session
from services.accounts.device import DeviceRequest, Guesses
from services.accounts.domain import Person, Team
from shared.audit import AuditEntry
from shared.codec import Codec

TEAMS = Codec(Team)
PEOPLE = Codec(Person)
SESSIONS = Codec(Session)
KEYS = Codec(Key)
INVITATIONS = Codec(Invitation)
DEVICES = Codec(DeviceRequest)
GUESSES = Codec(Guesses)
ENTRIES = Codec(AuditEntry)


def key_fields(key: Key) -> dict[str, Any]:
    """What queries need of a key: a revoked one is in no list."""
    return {"id": key.id, "live_team": None if key.revoked_at is not None else key.team, "person": key.person}


def invitation_fields(invitation: Invitation) -> dict[str, Any]:
    """What queries need of an invitation: one that was used or withdrawn is in no list."""
    is_over = invitation.used_by is not None or invitation.revoked_at is not None
    return {"id": invitation.id, "team": invitation.team, "open_until": None if is_over else invitation.expires_at}
