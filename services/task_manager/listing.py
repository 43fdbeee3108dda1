"""Which tasks a list shows, and in which order. Pure."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from services.task_manager.domain import Task, TaskState
from shared.labels import folded
from shared.teams import LAST, end_of, key_in

Order = Literal["newest", "name"]
KEYS: dict[Order, re.Pattern[str]] = {
    "newest": re.compile(r"[0-9]{16}[0-9a-f]{32}"),
    "name": re.compile(r"[^\x1f]{0,200}\x1f[0-9a-f]{32}"),
}
"""What the keys look like by which pages follow each other."""
MAX_NAME = 200
STATES: tuple[TaskState, ...] = get_args(TaskState)
_END_US = 10**16 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Tasks of a team in one of these states, of this owner (None: of any); their names begin with `beginning`, folded.

    They come by name where a beginning is asked for, else the newest first.
    """

    team: str
    states: tuple[TaskState, ...] = STATES
    owner: str | None = None
    beginning: str = ""

    def span(self, after: str) -> tuple[str, str]:
        """The stored keys of this listing lie between these two: those behind the key `after`, or all."""
        end = key_in(self.team, self.beginning + LAST) if self.beginning else end_of(self.team)
        return key_in(self.team, after or self.beginning), end

    @property
    def order(self) -> Order:
        return "name" if self.beginning else "newest"


def states_in(text: str) -> tuple[TaskState, ...]:
    """The states that a text names between commas; all of them where it is empty."""
    return tuple(state for state in STATES if state in text.split(",")) if text else STATES


def key_of(task: Task, order: Order) -> str:
    """A task's key in an order; it ends with the task's id, so that no two are equal."""
    if order == "name":
        return f"{beginning_of(task.name)}\x1f{task.id}"
    return f"{_END_US - round(task.created_at * 1e6):016}{task.id}"


def beginning_of(name: str) -> str:
    """What of a name is compared: names that look alike begin alike, whatever their case."""
    return folded(name).replace("\x1f", " ").replace(LAST, " ")[:MAX_NAME]
