"""The quorum rule of the default policy, tried out instead of computed: every way the votes could go on."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

VOTES_REQUIRED = 3
MAX_VOTES = 5


@dataclass(frozen=True)
class Outcome:
    state: str
    label: str | None = None
    agreement: float | None = None
    decided_by: str | None = None


def outcome(votes: Sequence[str], labels: Sequence[str]) -> Outcome:
    """What these votes make of a subtask."""
    return _outcome(tuple(sorted(votes)), tuple(labels))


def places(votes: Sequence[str], labels: Sequence[str]) -> int:
    """How many leases may live: as many votes as it takes at the least to settle it, after three one by one."""
    if outcome(votes, labels).state != "open":
        return 0
    return 1 if len(votes) >= VOTES_REQUIRED else _fewest(tuple(sorted(votes)), tuple(labels))


@cache
def _outcome(votes: tuple[str, ...], labels: tuple[str, ...]) -> Outcome:
    if len(votes) < VOTES_REQUIRED:
        ends = {_winner(all_votes) for all_votes in _continued(votes, labels, VOTES_REQUIRED - len(votes))}
        if len(ends) == 1 and None not in ends:
            return _completed(votes, ends.pop(), "settled")
        return Outcome("open")
    winner = _winner(votes)
    if winner is not None:
        return _completed(votes, winner, "quorum")
    further = range(1, MAX_VOTES - len(votes) + 1)
    if any(_winner(all_votes) for count in further for all_votes in _continued(votes, labels, count)):
        return Outcome("open")
    return Outcome("disputed")


@cache
def _fewest(votes: tuple[str, ...], labels: tuple[str, ...]) -> int:
    for count in range(1, MAX_VOTES):
        if any(outcome(one, labels).state == "completed" for one in _continued(votes, labels, count)):
            return count
    return 0


def _continued(votes: tuple[str, ...], labels: tuple[str, ...], count: int) -> Iterator[tuple[str, ...]]:
    return (votes + more for more in product(labels, repeat=count))


def _winner(votes: tuple[str, ...]) -> str | None:
    counts = Counter(votes)
    most = max(counts.values())
    leaders = [label for label, count in counts.items() if count == most]
    return leaders[0] if len(leaders) == 1 else None


def _completed(votes: tuple[str, ...], label: str | None, decided_by: str) -> Outcome:
    return Outcome("completed", label, votes.count(label or "") / len(votes), decided_by)
