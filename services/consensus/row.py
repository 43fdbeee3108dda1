"""The votes of one image as they were when its labeling ended, and the task that the image belongs to. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from shared.results import VoteCast
from shared.teams import FIRST_TEAM

DEFAULT_AUDIT_SHARE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTask:
    """A task, as far as estimates need it.

    audit_share: of the images, on which nobody sees what the detector says.
    revision: of the terms that said so; the highest one wins.
    state: an erased task stays known, so that nothing that comes late is kept.
    """

    id: str
    team: str = FIRST_TEAM
    name: str | None = None
    audit_share: float = DEFAULT_AUDIT_SHARE
    revision: int = 0
    state: Literal["kept", "erased"] = "kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a detector said of an image: its label in the task's words, if any."""

    model: str
    label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The votes of an image, and what its record says.

    label: the record's; None for a dispute.
    revision: of the result; the highest one wins.
    changed_at: when this row was saved the last time.
    removed_at: when the image was removed, with its votes; None: it was not.
    """

    image_id: str
    task_id: str
    team: str = FIRST_TEAM
    revision: int = 0
    label: str | None = None
    decided_by: str | None = None
    completed_at: float = 0.0
    votes: tuple[VoteCast, ...] = ()
    seen: Seen | None = None
    changed_at: float = 0.0
    removed_at: float | None = None

    @property
    def is_there(self) -> bool:
        return self.removed_at is None

    @property
    def is_by_people(self) -> bool:
        """Whether people settled it. One vote of a detector would teach the detector about itself."""
        return self.decided_by != "detector"


def told(task: KnownTask | None, new: KnownTask) -> KnownTask:
    """What is known of a task after this was told of it. What was erased stays so."""
    if task is None:
        return new
    if task.state == "erased" or new.revision <= task.revision:
        return task
    return new


def erased(task: KnownTask | None, new: KnownTask) -> KnownTask:
    """A task that was cancelled: its name goes too."""
    return replace(task or new, name=None, state="erased")


def ended(row: Row | None, new: Row) -> Row | None:
    """The row of an image whose labeling has ended, or was decided anew; the present one where that is newer.

    A removed image that was uploaded again begins with revision 1 again: the instants tell which of the two it is.
    """
    if row is None:
        return new
    if row.removed_at is not None:
        return new if new.completed_at > row.removed_at else row
    return new if new.revision > row.revision or new.completed_at > row.completed_at else row


def removed(row: Row | None, stub: Row, at: float) -> Row:
    """What stays of an image that was removed, so that votes that were on their way are not kept."""
    if row is not None and (row.completed_at > at or (row.removed_at or 0.0) >= at):
        return row
    return replace(stub, team=stub.team if row is None else row.team, removed_at=at)


def pseudonymised(row: Row, *, person: str, pseudonym: str) -> Row:
    """The row with the pseudonym in place of a person who was erased; itself where they did not vote."""
    if all(vote.voter != person for vote in row.votes):
        return row
    votes = tuple(replace(vote, voter=pseudonym) if vote.voter == person else vote for vote in row.votes)
    return replace(row, votes=votes)


def length(rows: Sequence[Row]) -> int:
    """How many votes there are."""
    return sum(len(row.votes) for row in rows)
