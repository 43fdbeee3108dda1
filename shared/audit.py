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
    "device.approve",
    "device.refuse",
    "key.make",
    "key.revoke",
    "team.make",
    "task.create",
    "task.change",
    "task.invite",
    "task.seal",
    "task.finish",
    "task.reopen",
    "task.erase",
    "import.begin",
    "import.cancel",
    "image.remove",
    "image.adjudicate",
    "image.finish",
    "quotas.change",
    "quotas.refuse",
    "webhook.make",
    "webhook.change",
    "webhook.remove",
    "webhook.rotate",
    "webhook.send",
    "consensus.run",
    "consensus.send",
    "dead_letters.replay",
    "dead_letters.discard",
]
ACTIONS: tuple[Action, ...] = get_args(Action)
Outcome = Literal["done", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing that somebody did. id: in the order of time; actor: a person; action: an `Action`, or one that a newer
    version knows; object: the id of what it was done to."""

    id: str
    at: float
    actor: str
    actor_name: str
    action: str
    object: str
    team: str
    address: str
    outcome: str = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Doer:
    """Who does something, for which team, and from where."""

    id: str
    name: str
    team: str
    address: str


def entry(by: Doer, action: Action, to: str, at: float, chance: str, outcome: Outcome = "done") -> AuditEntry:
    """What somebody does to what has the id `to`. chance: as `entry_id` takes it."""
    return AuditEntry(
        id=entry_id(at, chance),
        at=at,
        actor=by.id,
        actor_name=by.name,
        action=action,
        object=to,
        team=by.team,
        address=by.address,
        outcome=outcome,
    )


def entry_id(at: float, chance: str) -> str:
    """An id that sorts by time: microseconds, and 8 hexadecimal digits of chance."""
    return f"{int(at * 1_000_000):016x}{chance}"
