"""Where subtasks stand in their task's order: at random, or by how sure the detector is of its suggestion. Pure.

A subtask's slot is its place in that order. So it stands in the index of slots that every task has, and a lease costs
what it costs in any other order.
"""

import hashlib

from services.subtask_manager.subtask import Brief
from shared.results import Prelabel

RANKED = frozenset({"uncertain", "confident"})
_RANK_BITS, _OWN_BITS = 30, 32


def slot_of(subtask_id: str) -> int:
    """A subtask's slot, 0 to 2**62 - 1: as good as random, and the same on every replica."""
    return int.from_bytes(hashlib.sha256(subtask_id.encode()).digest()[:8]) >> 2


def is_ranked(brief: Brief) -> bool:
    """Whether the task's images come by their suggestions."""
    return brief.terms.order in RANKED and brief.terms.detector.mode != "off"


def slot_by(brief: Brief, prelabel: Prelabel, subtask_id: str) -> int:
    """A subtask's slot by its suggestion; among equals it is as good as random, by the id's own slot.

    The detector is least sure of what it suggests no label for.
    """
    sure = min(1.0, max(0.0, prelabel.confidence or 0.0)) if prelabel.label is not None else 0.0
    rank = sure if brief.terms.order == "uncertain" else 1 - sure
    return round(rank * (2**_RANK_BITS - 1)) << _OWN_BITS | slot_of(subtask_id) >> (62 - _OWN_BITS)
