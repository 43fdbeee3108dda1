"""How subtasks and briefs are stored, and the upgrades of their schemas; and how large a brief is."""

from itertools import chain

from services.subtask_manager.subtask import Brief, Subtask
from shared.codec import Codec, Fields
from shared.terms import with_terms


def _same(stored: Fields) -> Fields:
    """Schema 1 of a subtask has the fields of schema 2; in MongoDB they were JSON text."""
    return stored


SUBTASKS = Codec(Subtask, [_same])
BRIEFS = Codec(Brief, [with_terms])

BRIEFS_CACHED_BYTES = 4_000_000
"""What a cache of briefs may take: most have 2 kB, and one with all that a client may name has 500."""
_TEXT_BYTES = 60
BARE_BYTES = 1_500


def brief_bytes(brief: Brief) -> int:
    """About how much memory a brief takes."""
    terms = brief.terms
    named = chain(terms.labels, *terms.label_names.items(), *terms.detector.label_map.items())
    return BARE_BYTES + sum(_TEXT_BYTES + 2 * len(text) for text in (*named, terms.instructions or ""))
