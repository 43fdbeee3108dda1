"""How many live leases an operator may hold in a team. Pure."""

from collections.abc import Callable, Sequence

from services.subtask_manager.subtask import Brief, Subtask
from shared.errors import QuotaReached

LIVE_LEASES = "live_leases"
Held = tuple[Subtask, Brief]


def wanted(count: int, most: int, held: Sequence[Held], *, is_asked_for: Callable[[Held], bool]) -> int:
    """How many an operator who holds these in the team, and wants to hold `count` of those asked for, may hold of them.

    Raises QuotaReached where that is none.
    """
    of_these = sum(map(is_asked_for, held))
    may_hold = min(count, of_these + max(0, most - len(held)))
    if may_hold == 0:
        raise QuotaReached(
            f"you hold as many images as the team's quota of live leases allows, {most:,}: vote on them or give them"
            " back",
            quota=LIVE_LEASES,
        )
    return may_hold
