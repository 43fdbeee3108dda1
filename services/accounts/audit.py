"""What is written down of who did what. Pure. No secret and no label is in it, and nothing that somebody typed."""

from dataclasses import dataclass
from typing import Literal, get_args

Action = Literal[
    "session.begin",
    "session.refuse",
    "session.end",
    "session.team",
    "password.change",
    "password.refuse",
    "person.join",
    "person.change",
    "person.remove",
    "person.erase",
    "invitation.make",
    "invitation.withdraw",
    "key.make",
    "key.revoke",
    "team.make",
]
ACTIONS: tuple[Action, ...] = get_args(Action)
Outcome = Literal["done", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing that somebody did. id: in the order of time; actor: a person; object: the id of what it was done to."""

    id: str
    at: float
    actor: str
    actor_name: str
    action: Action
    object: str
    team: str
    address: str
    outcome: Outcome = "done"


def entry_id(at: float, chance: str) -> str:
    """An id that sorts by time: microseconds, and 8 hexadecimal digits of chance."""
    return f"{int(at * 1_000_000):016x}{chance}"
