"""Why the rules of labeling refuse what somebody asks for."""

from shared.errors import Conflict, Invalid, NotFound


class AlreadyVoted(Conflict):
    """This voter's vote is in, for another label."""

    code = "other-label"


class Early(Conflict):
    """What was told of an image came before the terms of its task, or the removal of its earlier object."""

    code = "early"


class NotOpen(Conflict):
    """The subtask takes no more votes."""

    code = "not-open"


class Settled(NotOpen):
    """The votes have settled the subtask, or a person has."""

    code = "settled"


class Disputed(NotOpen):
    """The votes ended without a winner; an adjudicator decides."""

    code = "disputed"


class StillOpen(NotOpen):
    """There is no result yet that could be decided anew."""

    code = "still-open"


class NoLease(Conflict):
    """The caller holds no lease that counts: none was granted, or it expired and its place was taken."""

    code = "lease-lost"


class PlaceTaken(NoLease):
    """The caller's lease expired, and its place was given to another."""

    code = "place-taken"


class CannotUndo(Conflict):
    """The vote cannot be taken back: there is none, or what it led to stands."""

    code = "cannot-undo"


class TaskCancelled(NotFound):
    """The subtask's task was cancelled, so the subtask is gone."""

    code = "cancelled"


class UnknownLabel(Invalid):
    """The label is not one of the task's."""

    code = "unknown-label"
