"""The quorum rule, tried out instead of computed: every way the votes could go on."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations_with_replacement

Votes = tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """When votes settle a subtask; as made, the platform's default."""

    votes_required: int = 3
    max_votes: int = 5
    stop: str = "settled"
    lead: int = 3
    min_agreement: float = 0.0


DEFAULT = Policy()


@dataclass(frozen=True)
class Outcome:
    state: str
    label: str | None = None
    agreement: float | None = None
    decided_by: str | None = None


def outcome(votes: Sequence[str], labels: Sequence[str], policy: Policy = DEFAULT) -> Outcome:
    """What these votes make of a subtask."""
    return _outcome(tuple(sorted(votes)), tuple(labels), policy)


def places(votes: Sequence[str], labels: Sequence[str], policy: Policy = DEFAULT) -> int:
    """How many leases may live: as many votes as it takes at the least to settle it, past those required one by one."""
    if outcome(votes, labels, policy).state != "open":
        return 0
    left = policy.votes_required - len(votes)
    if left <= 0:
        return 1
    return left if policy.stop == "exact" else min(left, _fewest(tuple(sorted(votes)), tuple(labels), policy))


@cache
def _outcome(votes: Votes, labels: Votes, policy: Policy) -> Outcome:
    decided_by = _decided_by(votes, labels, policy)
    if decided_by is not None:
        label = Counter(votes).most_common(1)[0][0]
        return Outcome("completed", label, votes.count(label) / len(votes), decided_by)
    is_asked_for = policy.stop == "exact" and len(votes) < policy.votes_required
    return Outcome("open") if is_asked_for or _fewest(votes, labels, policy) else Outcome("disputed")


@cache
def _decided_by(votes: Votes, labels: Votes, policy: Policy) -> str | None:
    left = policy.votes_required - len(votes)
    winner = _winner(votes, policy)
    if left <= 0:
        return None if winner is None else "quorum"
    if policy.stop == "settled" and votes:
        ends = {_winner(all_votes, policy) for all_votes in _continued(votes, labels, left)}
        if len(ends) == 1 and None not in ends:
            return "settled"
    if policy.stop == "lead" and winner is not None:
        others = [one for one in votes if one != winner]
        second = max(Counter(others).values(), default=0)
        if votes.count(winner) - second >= policy.lead:
            return "lead"
    return None


@cache
def _fewest(votes: Votes, labels: Votes, policy: Policy) -> int:
    """The least number of further votes that could settle it; 0 where none can."""
    for count in range(1, policy.max_votes - len(votes) + 1):
        if any(_decided_by(one, labels, policy) for one in _continued(votes, labels, count)):
            return count
    return 0


def _continued(votes: Votes, labels: Votes, count: int) -> Iterator[Votes]:
    return (tuple(sorted(votes + more)) for more in combinations_with_replacement(labels, count))


def _winner(votes: Votes, policy: Policy) -> str | None:
    counts = Counter(votes).most_common(2)
    if not counts or (len(counts) > 1 and counts[0][1] == counts[1][1]):
        return None
    label, count = counts[0]
    return label if count / len(votes) >= policy.min_agreement else None
