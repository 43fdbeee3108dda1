"""How the states of accounts are stored. Each is at its first schema."""

from typing import Any

from services.accounts.credentials import Invitation, Key, Session
from services.accounts.device import DeviceRequest, Guesses
from services.accounts.domain import Person, Team
from services.accounts.erasure import ErasedPerson
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
ERASURES = Codec(ErasedPerson)
OWN_PART = "accounts"


def key_fields(key: Key) -> dict[str, Any]:
    """What queries need of a key: a revoked one is in no list."""
    return {"id": key.id, "live_team": None if key.revoked_at is not None else key.team, "person": key.person}


def erasure_fields(erased: ErasedPerson) -> dict[str, Any]:
    """What queries need of an erasure."""
    is_finished = erased.is_told and OWN_PART in dict(erased.done)
    return {"id": erased.id, "erased_at": erased.erased_at, "unfinished": None if is_finished else 1}


def invitation_fields(invitation: Invitation) -> dict[str, Any]:
    """What queries need of an invitation: one that was used or withdrawn is in no list."""
    is_over = invitation.used_by is not None or invitation.revoked_at is not None
    return {"id": invitation.id, "team": invitation.team, "open_until": None if is_over else invitation.expires_at}
