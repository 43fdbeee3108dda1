"""How operators vote: pace, agreement, habits. What is unusual gets a flag, for a person to look at; nothing follows
from it by itself.

Labels are compared within an image only, so operators of many tasks stand in one book.
"""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.consensus.domain.exact import Floats, Ints
from services.consensus.domain.others import pairs, winners_without, with_others
from services.consensus.domain.votes import NO_LABEL, UNSURE, Votes, votes_of

WEEK_S = 7 * 86_400.0
PAUSE_S = 300.0
"""A longer gap between two votes is a pause, and counts for no pace."""
FEW_GAPS = 10
FEW_VOTES = 30
"""Of whom there are fewer votes, nothing is said to be unusual."""
ONE_LABEL = 0.95
FAST = 3.0
"""So many times the usual pace is unusual."""
OFTEN_ALONE = 0.25
"""So much under the usual agreement is unusual."""
UNLIKELY = 1e-4
TOGETHER = 10
TOGETHER_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """How an operator votes.

    alike, compared: votes for what leads among the others' votes on the image, of those where one label leads.
    commonest: the label that they name most, and how often; longest_run: votes in a row for one label.
    """

    operator: str
    votes: int
    votes_7d: int
    unsure: int
    alike: int = 0
    compared: int = 0
    pace_per_minute: float | None
    commonest: str | None
    commonest_votes: int
    longest_run: int
    last_vote_at: float
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """Two operators on the images that both voted on.

    off: images on which at least one of them differs from what leads among all others; off_alike: those on which both
    name the same label nevertheless. People who vote on their own are seldom wrong in the same way.
    """

    operators: tuple[str, str]
    common: int
    alike: int
    off: int
    off_alike: int
    flags: tuple[str, ...] = ()


class ConductBook:
    """Takes the votes of images in any order."""

    def __init__(self) -> None:
        self.images = 0
        self._voters: dict[str, int] = {}
        self._labels: dict[str, int] = {}
        self._whole = (array("q"), array("q"), array("q"), array("q"))
        self._at = array("d")

    @property
    def votes(self) -> int:
        return len(self._at)

    def add(self, votes: Sequence[tuple[str, str | None, float]]) -> None:
        """The votes of an image: who named which label (None: unsure), and when."""
        if not votes:
            return
        images, voters, labels, within = self._whole
        seen: dict[str, int] = {}
        for voter, label, at in votes:
            images.append(self.images)
            voters.append(self._voters.setdefault(voter, len(self._voters)))
            labels.append(UNSURE if label is None else self._labels.setdefault(label, len(self._labels)))
            within.append(UNSURE if label is None else seen.setdefault(label, len(seen)))
            self._at.append(at)
        self.images += 1

    def found(self, now: float) -> tuple[list[Conduct], list[Together]]:
        """Operators, those with most votes first, and the pairs with most images in common."""
        image, voter, label, within = (np.frombuffer(one, np.int64) for one in self._whole)
        at = np.frombuffer(self._at, np.float64)
        votes = votes_of(
            image, voter, within, images=self.images, voters=len(self._voters), labels=int(within.max(initial=-1)) + 1
        )
        alike, compared = with_others(votes, winners_without(votes))
        names, labels = list(self._voters), list(self._labels)
        order = np.lexsort((label, at, voter))
        ends = np.searchsorted(voter[order], np.arange(len(names) + 1))
        found: list[Conduct] = []
        for number, name in enumerate(names):
            mine = order[ends[number] : ends[number + 1]]
            by_itself = _alone(name, at[mine], label[mine], labels, now)
            found.append(replace(by_itself, alike=int(alike[number]), compared=int(compared[number])))
        flagged = [_flagged(one, _usual(found)) for one in found]
        return sorted(flagged, key=lambda one: (-one.votes, one.operator)), _together(votes, names)


def _alone(operator: str, at: Floats, label: Ints, labels: Sequence[str], now: float) -> Conduct:
    """What an operator's votes, in the order of time, say without anybody else's."""
    named, times = np.unique(label[label != UNSURE], return_counts=True)
    top = int(times.argmax()) if len(times) else None
    gaps = np.diff(at)
    working = gaps[gaps <= PAUSE_S]
    busy_s = float(working.sum())
    pace = 60 * len(working) / busy_s if len(working) >= FEW_GAPS and busy_s > 0 else None
    return Conduct(
        operator=operator,
        votes=len(at),
        votes_7d=int(np.count_nonzero(at > now - WEEK_S)),
        unsure=int(np.count_nonzero(label == UNSURE)),
        pace_per_minute=None if pace is None else round(pace, 2),
        commonest=None if top is None else labels[int(named[top])],
        commonest_votes=0 if top is None else int(times[top]),
        longest_run=_longest_run(label),
        last_vote_at=float(at[-1]),
    )


def _longest_run(label: Ints) -> int:
    starts = np.flatnonzero(np.append(True, label[1:] != label[:-1]))
    lengths = np.diff(np.append(starts, len(label)))
    return int(lengths[label[starts] != UNSURE].max(initial=0))


def _usual(found: Sequence[Conduct]) -> Mapping[str, float]:
    """The median pace and agreement of those with enough votes."""
    paces = [one.pace_per_minute for one in found if one.pace_per_minute is not None and one.votes >= FEW_VOTES]
    shares = [one.alike / one.compared for one in found if one.compared >= FEW_VOTES]
    return {
        "pace": float(np.median(paces)) if paces else float("inf"),
        "agreement": float(np.median(shares)) if shares else 0.0,
    }


def _flagged(one: Conduct, usual: Mapping[str, float]) -> Conduct:
    named = one.votes - one.unsure
    if named < FEW_VOTES:
        return one
    share = one.commonest_votes / named
    flags = {
        "one label": share >= ONE_LABEL,
        "long run": named * share**one.longest_run < UNLIKELY,
        "fast": one.pace_per_minute is not None and one.pace_per_minute > FAST * usual["pace"],
        "often alone": one.compared >= FEW_VOTES and one.alike / one.compared < usual["agreement"] - OFTEN_ALONE,
    }
    return replace(one, flags=tuple(name for name, is_so in flags.items() if is_so))


def _together(votes: Votes, names: Sequence[str]) -> list[Together]:
    tallies = votes.tallies()
    return [_pair(votes, tallies, names, one.first, one.second) for one in pairs(votes)]


def _pair(votes: Votes, tallies: Ints, names: Sequence[str], first: int, second: int) -> Together:
    mine, theirs = _named_by(votes, first), _named_by(votes, second)
    both = np.flatnonzero((mine != NO_LABEL) & (theirs != NO_LABEL))
    mine, theirs = mine[both], theirs[both]
    others = tallies[:, both]
    place = np.arange(len(both))
    np.subtract.at(others, (mine, place), 1)
    np.subtract.at(others, (theirs, place), 1)
    top = others.max(0, initial=0)
    is_led = ((others == top).sum(0) == 1) & (top > 0)
    leader = others.argmax(0) if len(others) else mine
    off = is_led & ((mine != leader) | (theirs != leader))
    off_alike = off & (mine == theirs)
    count, alike = int(np.count_nonzero(off)), int(np.count_nonzero(off_alike))
    is_unusual = alike >= TOGETHER and alike / count >= TOGETHER_SHARE
    low, high = sorted((names[first], names[second]))
    return Together(
        operators=(low, high),
        common=len(both),
        alike=int(np.count_nonzero(mine == theirs)),
        off=count,
        off_alike=alike,
        flags=("copies",) if is_unusual else (),
    )


def _named_by(votes: Votes, voter: int) -> Ints:
    named = np.full(votes.images, NO_LABEL)
    mine = votes.voter == voter
    named[votes.image[mine]] = votes.label[mine]
    return named
