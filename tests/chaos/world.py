"""What a platform under test has to offer, however it is made up."""

import random
from collections.abc import Callable, Mapping
from typing import Protocol

from tests.chaos.triggers import Triggers

Fault = Callable[[random.Random], None]
"""Injects a fault, waits a while, and heals it: when it returns, everything is as it should be."""


class World(Protocol):
    """A platform with all that it stands on."""

    name: str
    explained: frozenset[int]
    """Statuses by which it may say that something of its own fails."""
    is_every_info_late: bool
    """Whether a request without an answer may still happen later."""
    left_out: dict[str, str]
    """Faults that cannot be injected here, with the reason."""

    @property
    def url(self) -> str: ...

    def start(self, crash_at: str | None = None) -> None:
        """Until all is ready; `crash_at`: it dies there, as the variable of `shared.crash_points` says."""
        ...

    def stop(self) -> None:
        """End everything, whatever state it is in."""
        ...

    def first_links(self) -> list[str]:
        """What was printed to make the first admin, where the platform knows its callers; else nothing."""
        ...

    def faults(self) -> Mapping[str, Fault]:
        """Faults by kind."""
        ...

    def replace_signing_key(self) -> None:
        """Let another key sign access tokens, as docs/operations.md says; both are good when this returns."""
        ...

    def backlog(self) -> dict[str, int]:
        """What is still to be published or handled, by place; empty when nothing is."""
        ...

    def collect(self) -> None:
        """Let objects without an image be collected now."""
        ...

    def objects(self) -> set[str]:
        """The keys of all objects that are stored."""
        ...

    def references(self) -> set[str]:
        """The keys that images name."""
        ...

    def ailments(self) -> list[str]:
        """What is wrong with its files and processes, if anything."""
        ...

    def log_tail(self) -> str: ...


class DrillWorld(World, Protocol):
    """One that can die and be brought back at a word."""

    triggers: Triggers

    @property
    def restarts(self) -> int:
        """How often a process was started again."""
        ...

    def cut(self) -> None:
        """Take something away that the platform can be without for a while."""
        ...

    def mend(self) -> None:
        """Bring it back."""
        ...

    def kill(self) -> None:
        """All of the platform at once, and start it again."""
        ...

    def revive(self) -> bool:
        """Start again what has died by itself; says whether anything had."""
        ...

    def replay(self) -> bool:
        """Deliver all events of late once more; says whether it was done."""
        ...
