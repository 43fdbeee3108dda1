"""How a defect is planted, and what it has to be caught as."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Defect:
    """`caught_as`: invariants of which one has to be reported. It may show only where the process dies: at a crash
    point, or (`is_killed`) right after it acknowledged a vote."""

    plant: Callable[[], None]
    caught_as: frozenset[str]
    crash_at: str | None = None
    is_killed: bool = False


def defect(
    *caught_as: str, crash_at: str | None = None, is_killed: bool = False
) -> Callable[[Callable[[], None]], Defect]:
    """Makes a defect of the function that plants it."""

    def made(plant: Callable[[], None]) -> Defect:
        return Defect(plant=plant, caught_as=frozenset(caught_as), crash_at=crash_at, is_killed=is_killed)

    return made
