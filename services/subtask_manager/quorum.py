"""When votes settle a subtask: pure functions of a policy and a standing.

A standing holds only what the rules need, not who voted for what, so the order of votes cannot matter.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from shared.results import tally
from shared.terms import QuorumPolicy

Settled = Literal["quorum", "settled", "lead"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a vote stands.

    top, second: the most and the second most votes that a label has (equal on a tie).
    collected: all votes, unsure included.
    is_contested: whether a further vote could go to another label.
    can_dissent: whether a further vote could go elsewhere than to the leader: to another label, or to unsure.
    """

    top: int
    second: int
    collected: int
    is_contested: bool
    can_dissent: bool

    def with_leader_votes(self, count: int) -> "Standing":
        """The standing after `count` more votes for the (or a) leading label."""
        return replace(self, top=self.top + count, collected=self.collected + count)


def standing(labels: Iterable[str | None], *, label_count: int, allow_unsure: bool) -> Standing:
    """How the votes stand among `label_count` labels."""
    votes = tuple(labels)
    counts = [count for _, count in tally(votes)]
    return Standing(
        top=counts[0] if counts else 0,
        second=counts[1] if len(counts) > 1 else 0,
        collected=len(votes),
        is_contested=label_count > 1,
        can_dissent=label_count > 1 or allow_unsure,
    )


def settles(policy: QuorumPolicy, now: Standing) -> Settled | None:
    """The rule by which these votes settle a subtask for the leading label; None: they do not."""
    required, left = policy.votes_required, policy.votes_required - now.collected
    has_winner = now.top > now.second and now.top / now.collected >= policy.min_agreement
    if left <= 0:
        return "quorum" if has_winner else None
    if policy.stop == "settled" and now.top > 0:
        is_unbeatable = now.top > now.second + left or not now.is_contested
        worst_top = now.top if now.can_dissent else now.top + left
        if is_unbeatable and worst_top / required >= policy.min_agreement:
            return "settled"
    if policy.stop == "lead" and has_winner and now.top - now.second >= policy.lead:
        return "lead"
    return None


@lru_cache(maxsize=4096)
def votes_to_settle(policy: QuorumPolicy, now: Standing) -> int | None:
    """The least number of further votes that could settle an unsettled subtask; None: no votes up to `max_votes` can.

    Further votes for one leader raise both its lead and its agreement most, so no other votes settle sooner.
    """
    for count in range(1, policy.max_votes - now.collected + 1):
        if settles(policy, now.with_leader_votes(count)):
            return count
    return None


def is_disputed(policy: QuorumPolicy, now: Standing) -> bool:
    """Whether an unsettled subtask can no longer be settled. Under `exact`, not before `votes_required` votes."""
    if policy.stop == "exact" and now.collected < policy.votes_required:
        return False
    return votes_to_settle(policy, now) is None


def places(policy: QuorumPolicy, now: Standing) -> int:
    """How many leases may live at once on an unsettled subtask, so that no granted vote is wasted.

    As many as the votes that could settle it; past `votes_required`, one at a time.
    """
    left = policy.votes_required - now.collected
    if left <= 0:
        return 0 if votes_to_settle(policy, now) is None else 1
    if policy.stop == "exact":
        return left
    return min(left, votes_to_settle(policy, now) or 0)
