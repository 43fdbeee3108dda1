"""What the quorum rules must answer, found by trying every multiset of votes: slow, plain, and apart from the rules."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement

from shared.terms import QuorumPolicy

Votes = tuple[str | None, ...]
Options = tuple[str | None, ...]
"""All that a vote may name: the labels, and None where unsure is allowed."""
DEFAULT = QuorumPolicy()


@dataclass(frozen=True)
class Outcome:
    """What votes make of a subtask, as the API tells it."""

    state: str
    label: str | None = None
    agreement: float | None = None
    decided_by: str | None = None


def outcome(policy: QuorumPolicy, votes: Sequence[str], labels: Sequence[str]) -> Outcome:
    """What these votes, which came in any order, make of a subtask."""
    cast, options = sorted_votes(votes), tuple(labels)
    if decided := decision(policy, cast, options):
        label, decided_by = decided
        return Outcome("completed", label, cast.count(label) / len(cast), decided_by)
    return Outcome("disputed") if is_disputed(policy, cast, options) else Outcome("open")


def most_leases(policy: QuorumPolicy, votes: Sequence[str], labels: Sequence[str]) -> int:
    """How many leases may live on a subtask with these votes."""
    cast, options = sorted_votes(votes), tuple(labels)
    return places(policy, cast, options) if outcome(policy, votes, labels).state == "open" else 0


def sorted_votes(votes) -> Votes:
    return tuple(sorted(votes, key=lambda label: (label is None, label)))


def leader_of(votes: Votes) -> str | None:
    """The label with the most votes, None on a tie or where there is none."""
    counts = Counter(label for label in votes if label is not None)
    best = [label for label, count in counts.items() if count == max(counts.values())]
    return best[0] if len(best) == 1 else None


def winner_of(policy: QuorumPolicy, votes: Votes) -> str | None:
    """The leader, where its share of all votes is accepted."""
    leader = leader_of(votes)
    return leader if leader is not None and votes.count(leader) / len(votes) >= policy.min_agreement else None


@lru_cache(None)
def decision(policy: QuorumPolicy, votes: Votes, options: Options) -> tuple[str, str] | None:
    """The winner and the rule by which these votes end a subtask, if they do."""
    left = policy.votes_required - len(votes)
    winner = winner_of(policy, votes)
    if left <= 0:
        return None if winner is None else (winner, "quorum")
    leader = leader_of(votes)
    if leader is None:
        return None
    if policy.stop == "settled":
        ends = {winner_of(policy, votes + rest) for rest in combinations_with_replacement(options, left)}
        return (leader, "settled") if ends == {leader} else None
    if policy.stop == "lead" and winner is not None:
        others = [votes.count(label) for label in options if label not in (leader, None)]
        return (winner, "lead") if votes.count(leader) - max(others, default=0) >= policy.lead else None
    return None


@lru_cache(None)
def votes_to_settle(policy: QuorumPolicy, votes: Votes, options: Options) -> int | None:
    """The least number of further votes of any kind after which a subtask could end with a winner."""
    for count in range(1, policy.max_votes - len(votes) + 1):
        for more in combinations_with_replacement(options, count):
            if decision(policy, sorted_votes(votes + more), options):
                return count
    return None


def is_disputed(policy: QuorumPolicy, votes: Votes, options: Options) -> bool:
    """Whether unsettled votes can never lead to a winner; `exact` says so only when it has all it asked for."""
    if policy.stop == "exact" and len(votes) < policy.votes_required:
        return False
    return votes_to_settle(policy, votes, options) is None


def places(policy: QuorumPolicy, votes: Votes, options: Options) -> int:
    """How many people may be asked at once while votes are unsettled: never across into the extension."""
    left = policy.votes_required - len(votes)
    if left <= 0:
        return 0 if is_disputed(policy, votes, options) else 1
    return left if policy.stop == "exact" else min(left, votes_to_settle(policy, votes, options) or 0)


def outcome_of_stream(policy: QuorumPolicy, stream: Votes, options: Options) -> tuple[str | None, int]:
    """The label (None: disputed) to which votes lead that come one after the other, and how many of them it took."""
    for count in range(1, len(stream) + 1):
        votes = sorted_votes(stream[:count])
        if decided := decision(policy, votes, options):
            return decided[0], count
        if is_disputed(policy, votes, options):
            return None, count
    raise AssertionError("a stream of max_votes votes always ends")
