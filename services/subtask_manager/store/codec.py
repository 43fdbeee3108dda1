"""How subtasks and briefs are stored, and the upgrades of their schemas."""

from services.subtask_manager.domain import Brief, Subtask
from shared.codec import Codec, Fields
from shared.terms import with_terms


def _same(stored: Fields) -> Fields:
    """Schema 1 of a subtask has the fields of schema 2; in MongoDB they were JSON text."""
    return stored


SUBTASKS = Codec(Subtask, [_same])
BRIEFS = Codec(Brief, [with_terms])
