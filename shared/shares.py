"""What callers share, places or bytes: however much one takes, some stays free for the others."""

from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from shared.errors import QuorateError

ADDRESS_PORTION = 3
"""An address may hold so many times what is free: three quarters of all, if it is alone."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds something: a caller at an address. Without a name, whoever is at the address."""

    address: str
    caller: str = ""


def may_take(more: int, *, free: int, by_caller: int, by_address: int) -> bool:
    """Whether a caller may take `more` of what is free, beside what the caller and its address hold.

    A caller may hold as much as stays free, so one alone gets half of all, and each further one half of the rest.
    """
    return by_caller + more <= free and by_address + more <= ADDRESS_PORTION * free


class Shares:
    """So much of something, and who holds how much of it."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._held: defaultdict[Holder, int] = defaultdict(int)  # by callers, and by addresses whoever is there
        self._held_in_all = 0

    @property
    def held(self) -> int:
        """By all together."""
        return self._held_in_all

    @property
    def free(self) -> int:
        return self._total - self._held_in_all

    def has_room(self, holder: Holder, more: int = 1) -> bool:
        """Whether the holder may take `more`."""
        by_caller = self._held.get(holder, 0) if holder.caller else 0
        return may_take(more, free=self.free, by_caller=by_caller, by_address=self._held.get(_anybody_at(holder), 0))

    def take(self, holder: Holder, more: int = 1) -> None:
        """Count what a holder takes, whether there is room or not."""
        self._held_in_all += more
        for one in {holder, _anybody_at(holder)}:
            self._held[one] += more
            if not self._held[one]:
                del self._held[one]

    def give_back(self, holder: Holder, less: int = 1) -> None:
        """Count it no longer."""
        self.take(holder, -less)

    @contextmanager
    def place(self, holder: Holder, refusal: QuorateError) -> Generator[None]:
        """One of the places, for as long as it is needed. Raises the refusal where there is none."""
        if not self.has_room(holder):
            raise refusal
        self.take(holder)
        try:
            yield
        finally:
            self.give_back(holder)


def _anybody_at(holder: Holder) -> Holder:
    return Holder(holder.address)
