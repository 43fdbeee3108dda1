"""What an operator can work on: a look at the oldest tasks with open subtasks, which grants nothing. Pure.

A look goes on from where the operator's walk stands, as a search does (`search.py`), and ends with the first subtask
that the operator could have. Nothing of it is kept.
"""

from dataclasses import dataclass

from services.subtask_manager import domain
from services.subtask_manager.search import Search
from services.subtask_manager.subtask import Brief, Subtask

WINDOWS = 4
"""A lap's two ends, what opened since, and one more."""
MAX_LEASES = 100
"""Leases of the operator that are looked at."""
MAX_COUNTED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A task with open subtasks.

    is_open: whether the operator holds one of them or could have one, or there are more than one look can read.
    waiting_for_others: the open ones, counted to `MAX_COUNTED`, where none is open for the operator.
    """

    brief: Brief
    is_open: bool
    waiting_for_others: int


def is_open_for(subtask: Subtask, brief: Brief, now: float, *, operator: str) -> bool:
    """Whether the operator holds a subtask, or could lease it now."""
    is_held = any(lease.operator == operator for lease in domain.live_leases(subtask, now))
    return is_held or domain.may_lease(subtask, brief, now, operator=operator)


def look() -> Search:
    """A search that ends with the first subtask, and reads no more windows of a task than a look may."""
    return Search(wanted=1, windows_left=WINDOWS)
