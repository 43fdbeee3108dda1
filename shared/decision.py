"""What a rule answers: a new state and what happened."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.audit import AuditEntry

S = TypeVar("S")
A = TypeVar("A")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Generic[S, A]):
    """The new state, the facts that others must hear of, the answer to the caller, and what the audit notes of it.

    A refusal is raised instead, as one of `shared.errors`. A decision whose state is the given one saves nothing.
    """

    state: S
    answer: A
    facts: tuple[str, ...] = ()
    noted: tuple[AuditEntry, ...] = ()
