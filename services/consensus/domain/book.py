"""Votes as they come, page by page and by names, until they are numbered."""

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.consensus.domain.exact import Ints
from services.consensus.domain.limits import MAX_VOTES
from services.consensus.domain.votes import UNSURE, Votes, votes_of
from shared.errors import Invalid, TooLarge
from shared.labels import MAX_LABELS

MAX_NAME_LENGTH = 1_000
"""Of a task's, a worker's or a label's name."""
MAX_TASKS = 2_000_000
MAX_VOTERS = 200_000
MAX_NAMES_LENGTH = 200_000_000
"""Of all names together."""
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Counted:
    """The votes that count, and what their numbers stand for: names in order."""

    votes: Votes
    images: Sequence[str]
    voters: Sequence[str]
    labels: Sequence[str]


class VoteBook:
    """Takes votes in any order, and numbers what it sees."""

    def __init__(self) -> None:
        self._images = _Names("task", MAX_TASKS)
        self._voters = _Names("worker", MAX_VOTERS)
        self._labels = _Names("label", MAX_LABELS)
        self._votes = (array("q"), array("q"), array("q"))
        self._length = 0

    def add(self, image: str, voter: str, label: str | None) -> None:
        """Add a vote; without a label, its voter was unsure. Raises Invalid or TooLarge."""
        images, voters, labels = self._votes
        if len(images) >= MAX_VOTES:
            raise TooLarge(f"there are more than {MAX_VOTES} votes")
        images.append(self._number(self._images, image))
        voters.append(self._number(self._voters, voter))
        labels.append(UNSURE if label is None else self._number(self._labels, label))

    def counted(self) -> Counted:
        """All votes so far."""
        image, voter, label = (np.frombuffer(numbers, np.int64) for numbers in map(_copied, self._votes))
        images, voters, labels = self._images.ranks(), self._voters.ranks(), self._labels.ranks()
        named = np.append(labels, UNSURE)  # where UNSURE, -1, finds itself
        votes = votes_of(
            images[image], voters[voter], named[label], images=len(images), voters=len(voters), labels=len(labels)
        )
        return Counted(
            votes=votes,
            images=sorted(self._images.numbers),
            voters=sorted(self._voters.numbers),
            labels=sorted(self._labels.numbers),
        )

    def _number(self, names: "_Names", name: str) -> int:
        number = names.numbers.get(name)
        if number is None:
            self._length += len(name)
            if self._length > MAX_NAMES_LENGTH:
                raise TooLarge(f"the names have more than {MAX_NAMES_LENGTH} characters together")
            number = names.added(name)
        return number


class _Names:
    """The names of one kind, numbered as they were first seen."""

    def __init__(self, kind: str, limit: int) -> None:
        self._kind = kind
        self._limit = limit
        self.numbers: dict[str, int] = {}

    def added(self, name: str) -> int:
        if len(self.numbers) >= self._limit:
            raise TooLarge(f"there are more than {self._limit} {self._kind}s")
        check_name(self._kind, name)
        return self.numbers.setdefault(name, len(self.numbers))

    def ranks(self) -> Ints:
        """For each number, the place of its name among all in order."""
        ranks = np.empty(len(self.numbers), np.int64)
        first_seen = np.fromiter((self.numbers[name] for name in sorted(self.numbers)), np.int64, len(self.numbers))
        ranks[first_seen] = np.arange(len(self.numbers))
        return ranks


def check_name(kind: str, name: str) -> None:
    """Refuse a name that cannot be one."""
    if not name.strip():
        raise Invalid(f"there is no {kind}")
    if len(name) > MAX_NAME_LENGTH:
        raise Invalid(f"the {kind} has {len(name)} characters; {MAX_NAME_LENGTH} are allowed")
    if found := _CONTROL.search(name):
        raise Invalid(f"the {kind} holds a control character or a line end (U+{ord(found[0]):04X})")


def _copied(numbers: "array[int]") -> "array[int]":
    """A copy: an array whose bytes are looked at cannot grow."""
    return numbers[:]
