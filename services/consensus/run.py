"""The rules of a consensus run: asked for, made by one process at a time, finished or failed by name. Pure.

A run is made in attempts. An attempt has a name of its own, under which it keeps what it finds; only the attempt that
finished the run is read, so an attempt that was cut short leaves nothing that anybody sees.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from shared.errors import Conflict

Kind = Literal["task", "operators"]
State = Literal["waiting", "running", "finished", "failed"]
CLAIM_S = 30.0
"""So long a process that is not heard of keeps a run."""
MAX_ATTEMPTS = 3
KEPT_OF_TASK = 10
"""Runs of a task that are kept, the newest; likewise of a team's operators."""
MOST_WAITING = 10
"""Runs of a team that are not over."""
CUT_SHORT = f"the process that made it ended {MAX_ATTEMPTS} times before it was done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Differing:
    """How often a method names another label than the record, of the images on which both name one."""

    method: str
    differing: int
    compared: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a finished attempt found, in short."""

    images: int = 0
    votes: int = 0
    voters: int = 0
    differing: tuple[Differing, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A request to send the images on which a method differs from the record to the adjudicators.

    page: the next page of such images to look at; sent: how many went so far; done_at: when all had.
    """

    method: str
    by: str
    at: float
    page: int = 0
    sent: int = 0
    done_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A consensus run. `task_id` is empty for one about all operators of a team.

    holder: the attempt that is under way, until `held_until`; attempt: the one that finished it.
    attempts: how many began; stage: what the present one does, in words; why: a failed one's reason.
    """

    id: str
    team: str
    kind: Kind
    task_id: str
    methods: tuple[str, ...]
    asked_by: str
    asked_at: float
    state: State = "waiting"
    holder: str | None = None
    held_until: float = 0.0
    attempts: int = 0
    attempt: str | None = None
    stage: str | None = None
    began_at: float | None = None
    ended_at: float | None = None
    why: str | None = None
    outcome: Outcome | None = None
    sendings: tuple[Sending, ...] = ()

    @property
    def is_over(self) -> bool:
        return self.state in ("finished", "failed")

    @property
    def due_at(self) -> float | None:
        """When a process has something to do for it; None: never."""
        if self.state == "waiting":
            return self.asked_at
        if self.state == "running":
            return self.held_until
        return min((one.at for one in self.sendings if one.done_at is None), default=None)


def id_of(team: str, kind: Kind, task_id: str, methods: Sequence[str], marker: str) -> str:
    """The same request about the same votes is the same run."""
    text = "\x00".join((team, kind, task_id, *methods, marker))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def asked_again(run: Run, now: float) -> Run:
    """A failed run begins anew when it is asked for again; any other stays as it is."""
    if run.state != "failed":
        return run
    return replace(run, state="waiting", asked_at=now, attempts=0, why=None, ended_at=None, stage=None)


def claimed(run: Run, now: float, *, holder: str) -> Run:
    """An attempt begins, unless another is under way. One that was cut short too often fails instead. Raises Conflict
    for a run that is over: who sees it fail here made it fail."""
    if run.is_over:
        raise Conflict(f"the run is {run.state}")
    if run.state == "running" and now < run.held_until:
        return run
    if run.attempts >= MAX_ATTEMPTS:
        return _over(run, now, state="failed", why=CUT_SHORT)
    return replace(
        run,
        state="running",
        holder=holder,
        held_until=now + CLAIM_S,
        attempts=run.attempts + 1,
        began_at=now,
        stage=None,
    )


def renewed(run: Run, now: float, *, holder: str, stage: str | None) -> Run:
    """The attempt goes on, and says what it does. Raises Conflict where it lost the run to another."""
    _refuse_unless_held(run, holder)
    return replace(run, held_until=now + CLAIM_S, stage=stage)


def released(run: Run, now: float, *, holder: str | None = None) -> Run:
    """The attempt ends because its process is told to stop; the next begins at once. Without `holder`: whichever."""
    if run.state != "running" or (holder is not None and run.holder != holder):
        return run
    attempts = run.attempts if holder is None else run.attempts - 1
    return replace(run, held_until=now, attempts=attempts, stage=None)


def finished(run: Run, now: float, *, holder: str, outcome: Outcome) -> Run:
    """What the attempt kept is the run's. Raises Conflict where it lost the run to another."""
    _refuse_unless_held(run, holder)
    return replace(_over(run, now, state="finished"), attempt=holder, outcome=outcome)


def failed(run: Run, now: float, *, holder: str, why: str) -> Run:
    """Raises Conflict where the attempt lost the run to another."""
    _refuse_unless_held(run, holder)
    return _over(run, now, state="failed", why=why)


def sending(run: Run, now: float, *, method: str, by: str) -> Run:
    """The images on which this method differs are to go to the adjudicators; once asked for, asking again changes
    nothing. Raises Conflict for a run that is not finished."""
    if run.state != "finished" or run.kind != "task":
        raise Conflict(f"the run is {run.state}: only what a finished run of a task found can be sent")
    if method not in run.methods:
        raise Conflict(f"the run did not ask {method}: it asked {', '.join(run.methods)}")
    if any(one.method == method for one in run.sendings):
        return run
    return replace(run, sendings=(*run.sendings, Sending(method=method, by=by, at=now)))


def next_sending(run: Run) -> Sending | None:
    """What is to be sent next."""
    return next((one for one in run.sendings if one.done_at is None), None)


def sent(run: Run, now: float, *, before: Sending, count: int, is_last: bool) -> Run:
    """A page was sent. Raises Conflict where another process was faster."""
    if before not in run.sendings:
        raise Conflict("another process sent this page")
    after = replace(before, page=before.page + 1, sent=before.sent + count, done_at=now if is_last else None)
    return replace(run, sendings=tuple(after if one == before else one for one in run.sendings))


def pseudonymised(run: Run, *, person: str, pseudonym: str) -> Run:
    """The run with the pseudonym in place of a person who was erased; itself where they did not ask."""

    def name(one: str) -> str:
        return pseudonym if one == person else one

    sendings = tuple(replace(one, by=name(one.by)) for one in run.sendings)
    after = replace(run, asked_by=name(run.asked_by), sendings=sendings)
    return run if after == run else after


def _over(run: Run, now: float, *, state: State, why: str | None = None) -> Run:
    return replace(run, state=state, holder=None, ended_at=now, why=why, stage=None)


def _refuse_unless_held(run: Run, holder: str) -> None:
    if run.state != "running" or run.holder != holder:
        raise Conflict("another attempt has this run")
