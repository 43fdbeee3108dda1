"""What a rule answers: a new state and what happened."""

from dataclasses import dataclass
from typing import Generic, TypeVar

S = TypeVar("S")
A = TypeVar("A")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Generic[S, A]):
    """The new state, the facts that others must hear of, and the answer to the caller.

    A refusal is raised instead, as one of `shared.errors`. A decision whose state is the given one saves nothing.
    """

    state: S
    answer: A
    facts: tuple[str, ...] = ()
