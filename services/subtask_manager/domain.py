"""The rules of labeling one image: leases, votes, quorum, disputes. Pure: time, tokens and names are arguments."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from services.subtask_manager import quorum
from shared.decision import Decision
from shared.errors import Conflict, Invalid
from shared.results import DecidedBy, Prelabel, Result, State, VoteCast, tally
from shared.terms import UNSURE, Terms

MAX_SKIPS = 10
"""So many operators skipping a subtask make it a dispute."""
MAX_LAPSED = 100  # expired leases that are remembered, in case their votes come after all


class Fact(StrEnum):
    """What happened to a subtask, for others to hear of."""

    OPENED = "opened"
    COMPLETED = "completed"
    DISPUTED = "disputed"
    ADJUDICATED = "adjudicated"


class AlreadyVoted(Conflict):
    """This voter's vote is in, for another label."""


class NotOpen(Conflict):
    """The subtask takes no more votes."""


class NoLease(Conflict):
    """The caller holds no lease that counts: none was granted, or it expired and its place was taken."""


class CannotUndo(Conflict):
    """The vote cannot be taken back: there is none, or what it led to stands."""


class UnknownLabel(Invalid):
    """The label is not one of the task's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What every subtask of one task shares. `created_at` is the task's, in epoch seconds."""

    task_id: str
    owner: str
    terms: Terms
    created_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote(VoteCast):
    """A vote with its answer: `total` is how many votes there were with it, `state` what it led to. So the same vote
    sent again is answered as the first time."""

    total: int
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """An operator's right to vote until `expires_at`, proven by its fencing token."""

    operator: str
    token: str
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Subtask:
    """The labeling of one image.

    slot: its place in the task's order, random where there is none; operators walk through a task by it.
    offered_at: from when on operators may lease it.
    available_at: when its present free place opened or, if a lease's expiry opens it, will open; None: it has none.
    leases: the live ones, and the expired ones that may still vote.
    filename, width, height: the image's; empty and 0 where an older release opened it.
    """

    id: str
    task_id: str
    object_key: str
    slot: int
    opened_at: float
    offered_at: float
    available_at: float | None = None
    state: State = "open"
    votes: tuple[Vote, ...] = ()
    leases: tuple[Lease, ...] = ()
    skipped_by: tuple[str, ...] = ()
    prelabel: Prelabel | None = None
    result: Result | None = None
    filename: str = ""
    width: int = 0
    height: int = 0


def slot_of(subtask_id: str) -> int:
    """A subtask's slot, 0 to 2**62 - 1: as good as random, and the same on every replica."""
    return int.from_bytes(hashlib.sha256(subtask_id.encode()).digest()[:8]) >> 2


def is_audited(brief: Brief, subtask_id: str) -> bool:
    """Whether the detector stays silent on this subtask, so that it can be measured: drawn by hash of the id."""
    draw = int.from_bytes(hashlib.sha256(b"audit:" + subtask_id.encode()).digest()[:8]) / 2**64
    return draw < brief.terms.detector.audit_share


def open_subtask(
    brief: Brief,
    now: float,
    *,
    subtask_id: str,
    object_key: str,
    place: int | None = None,
    filename: str = "",
    width: int = 0,
    height: int = 0,
) -> Decision[Subtask, None]:
    """An image became ready: open its subtask, held back a while where the detector goes first. `place` is the image's
    in the task's order, where it has one."""
    goes_first = brief.terms.detector.mode in ("vote", "accept") and not is_audited(brief, subtask_id)
    offered_at = now + brief.terms.detector.prelabel_wait_s if goes_first else now
    subtask = Subtask(
        id=subtask_id,
        task_id=brief.task_id,
        object_key=object_key,
        slot=slot_of(subtask_id) if place is None else place,
        opened_at=now,
        offered_at=offered_at,
        available_at=offered_at,
        filename=filename,
        width=width,
        height=height,
    )
    facts = () if brief.terms.detector.mode == "off" else (Fact.OPENED,)
    return Decision(state=subtask, answer=None, facts=facts)


def live_leases(subtask: Subtask, now: float) -> tuple[Lease, ...]:
    """The leases that have not expired. A lease ends at the very instant of its expiry."""
    return tuple(lease for lease in subtask.leases if lease.expires_at > now)


def shown_prelabel(subtask: Subtask, brief: Brief) -> Prelabel | None:
    """The proposal that operators see: none on audited subtasks, and none that is a vote already."""
    prelabel = subtask.prelabel
    if prelabel is None or brief.terms.detector.mode == "off" or is_audited(brief, subtask.id):
        return None
    if any(vote.voter == prelabel.model for vote in subtask.votes):
        return None
    return prelabel


def may_lease(subtask: Subtask, brief: Brief, now: float, *, operator: str) -> bool:
    """Whether a lease could be granted to this operator now."""
    if subtask.state != "open" or now < subtask.offered_at or operator in subtask.skipped_by:
        return False
    if any(vote.voter == operator for vote in subtask.votes):
        return False
    live = live_leases(subtask, now)
    return all(lease.operator != operator for lease in live) and len(live) < _places(subtask, brief)


def grant_lease(subtask: Subtask, brief: Brief, now: float, *, lease: Lease) -> Decision[Subtask, bool]:
    """Grant a lease if one is free for this operator; the answer says whether it was."""
    if not may_lease(subtask, brief, operator=lease.operator, now=now):
        return Decision(state=subtask, answer=False)
    return Decision(state=_with_lease(subtask, brief, lease, now), answer=True)


def renew_lease(
    subtask: Subtask, brief: Brief, now: float, *, operator: str, token: str, lease_s: float
) -> Decision[Subtask, Lease]:
    """Let a lease live `lease_s` from now, an expired one too while its place is free. Raises NoLease, NotOpen."""
    _refuse_unless_open(subtask)
    held = _lease_that_counts(subtask, brief, operator=operator, token=token, now=now)
    renewed = replace(held, expires_at=now + lease_s)
    return Decision(state=_with_lease(subtask, brief, renewed, now), answer=renewed)


def give_back(subtask: Subtask, brief: Brief, now: float, *, operator: str) -> Decision[Subtask, None]:
    """Return a lease; the subtask may come again. Nothing to return is fine: it may have been returned before."""
    kept = _leases_without(subtask, operator)
    if subtask.state != "open" or kept == subtask.leases:
        return Decision(state=subtask, answer=None)
    returned = replace(subtask, leases=kept, available_at=None)  # its place opens now, for whoever walked past it too
    return Decision(state=_reopened(returned, brief, now), answer=None)


def skip(subtask: Subtask, brief: Brief, now: float, *, operator: str) -> Decision[Subtask, None]:
    """Return a lease for good: the subtask never comes again. Ten operators' skips make a dispute. Raises NoLease."""
    if operator in subtask.skipped_by or subtask.state != "open":
        return Decision(state=subtask, answer=None)
    if all(lease.operator != operator for lease in subtask.leases):
        raise NoLease("only a subtask that was leased can be skipped")
    left = replace(subtask, leases=_leases_without(subtask, operator), skipped_by=(*subtask.skipped_by, operator))
    if len(left.skipped_by) >= MAX_SKIPS:
        return Decision(state=_ended(left, None, now), answer=None, facts=(Fact.DISPUTED,))
    return Decision(state=_reopened(left, brief, now), answer=None)


def parse_label(brief: Brief, label: str) -> str | None:
    """The label that a vote names, None for unsure. Raises UnknownLabel."""
    if label in brief.terms.labels:
        return label
    if brief.terms.allow_unsure and label == UNSURE:
        return None
    raise UnknownLabel("the label is not one of the task's labels", pointer="/label")


def cast_vote(
    subtask: Subtask, brief: Brief, now: float, *, voter: str, label: str, token: str
) -> Decision[Subtask, Vote]:
    """Count an operator's vote, once. The same vote again gets the same answer.

    Raises UnknownLabel, then in this order AlreadyVoted, NotOpen, NoLease.
    """
    named = parse_label(brief, label)
    cast = next((vote for vote in subtask.votes if vote.voter == voter), None)
    if cast is not None:
        if cast.label != named:
            raise AlreadyVoted("you have voted for another label; undo that vote first")
        return Decision(state=subtask, answer=cast)
    _refuse_unless_open(subtask)
    _lease_that_counts(subtask, brief, operator=voter, token=token, now=now)
    return _counted(subtask, brief, voter=voter, label=named, now=now)


def cast_vote_by_lease(
    subtask: Subtask, brief: Brief, now: float, *, voter: str, label: str
) -> Decision[Subtask, Vote]:
    """Count a vote that names no token, as on the old wire: the voter's live lease stands for it."""
    held = next((one.token for one in live_leases(subtask, now) if one.operator == voter), "")
    return cast_vote(subtask, brief, now, voter=voter, label=label, token=held)


def undo_vote(subtask: Subtask, brief: Brief, now: float, *, voter: str, lease: Lease) -> Decision[Subtask, Lease]:
    """Take one's own vote back and get `lease` for it. Sent again, it answers with the lease. Raises CannotUndo."""
    kept = tuple(vote for vote in subtask.votes if vote.voter != voter)
    live = live_leases(subtask, now)
    if kept == subtask.votes:
        held = next((one for one in live if one.operator == voter), None)
        if held is None:
            raise CannotUndo("there is no vote of yours to undo")
        return Decision(state=subtask, answer=held)
    if subtask.state != "open":
        raise CannotUndo(f"the subtask is {subtask.state}; its votes stand")
    before = replace(subtask, votes=kept)
    if len(live) + 1 > _places(before, brief):
        raise CannotUndo("others have been asked because of this vote; it stands")
    return Decision(state=_with_lease(before, brief, lease, now), answer=lease)


def apply_prelabel(subtask: Subtask, brief: Brief, now: float, *, prelabel: Prelabel) -> Decision[Subtask, None]:
    """Take a detector's proposal in: as a vote, as the result, or as a suggestion. The first proposal stays.

    It votes or decides only before the subtask was offered to people, so it never makes a granted vote void.
    """
    if subtask.state != "open" or subtask.prelabel is not None or brief.terms.detector.mode == "off":
        return Decision(state=subtask, answer=None)
    decides = now < subtask.offered_at and prelabel.label in brief.terms.labels and not is_audited(brief, subtask.id)
    mode = brief.terms.detector.mode if decides else "suggest"
    seen = replace(subtask, prelabel=prelabel, offered_at=min(subtask.offered_at, now))
    if mode == "accept" and (prelabel.confidence or 0) >= brief.terms.detector.accept_confidence:
        vote = Vote(voter=prelabel.model, label=prelabel.label, at=now, total=1, state="completed")
        accepted = _ended(replace(seen, votes=(vote,)), "detector", now)
        return Decision(state=accepted, answer=None, facts=(Fact.COMPLETED,))
    if mode == "vote":
        voted = _counted(seen, brief, voter=prelabel.model, label=prelabel.label, now=now)
        return Decision(state=voted.state, answer=None, facts=voted.facts)
    return Decision(state=_reopened(seen, brief, now), answer=None)


def adjudicate(
    subtask: Subtask, brief: Brief, now: float, *, by: str, label: str, reason: str
) -> Decision[Subtask, None]:
    """Decide a subtask that has ended, with who, when and why; a new revision. The same again changes nothing.

    Raises UnknownLabel, NotOpen (while it is open: then people decide).
    """
    if label not in brief.terms.labels:
        raise UnknownLabel("the label is not one of the task's labels", pointer="/label")
    result = subtask.result
    if result is None:
        raise NotOpen("the subtask is still open: its voters decide it")
    if (result.by, result.label, result.reason) == (by, label, reason):
        return Decision(state=subtask, answer=None)
    decided = Result(
        label=label,
        agreement=_agreement(subtask, label),
        decided_by="adjudicator",
        revision=result.revision + 1,
        completed_at=now,
        by=by,
        reason=reason,
    )
    return Decision(state=replace(subtask, state="completed", result=decided), answer=None, facts=(Fact.ADJUDICATED,))


def _labels(subtask: Subtask) -> Iterable[str | None]:
    return (vote.label for vote in subtask.votes)


def _standing(subtask: Subtask, brief: Brief) -> quorum.Standing:
    return quorum.standing(_labels(subtask), label_count=len(brief.terms.labels), allow_unsure=brief.terms.allow_unsure)


def _places(subtask: Subtask, brief: Brief) -> int:
    return quorum.places(brief.terms.quorum, _standing(subtask, brief))


def _agreement(subtask: Subtask, label: str | None) -> float | None:
    votes = subtask.votes
    return sum(vote.label == label for vote in votes) / len(votes) if label is not None and votes else None


def _refuse_unless_open(subtask: Subtask) -> None:
    if subtask.state != "open":
        raise NotOpen(f"the subtask is {subtask.state} and takes no more votes")


def _leases_without(subtask: Subtask, operator: str) -> tuple[Lease, ...]:
    return tuple(lease for lease in subtask.leases if lease.operator != operator)


def _lease_that_counts(subtask: Subtask, brief: Brief, *, operator: str, token: str, now: float) -> Lease:
    held = next((one for one in subtask.leases if one.operator == operator and one.token == token), None)
    if held is None:
        raise NoLease("you hold no lease on this subtask, or a newer one")
    if held.expires_at <= now and len(live_leases(subtask, now)) >= _places(subtask, brief):
        raise NoLease("your lease has expired and its place was given to another")
    return held


def _with_lease(subtask: Subtask, brief: Brief, lease: Lease, now: float) -> Subtask:
    others = _leases_without(subtask, lease.operator)
    lapsed = [one for one in others if one.expires_at <= now][-MAX_LAPSED:]
    live = [one for one in others if one.expires_at > now]
    return _reopened(replace(subtask, leases=(*lapsed, *live, lease)), brief, now)


def _counted(subtask: Subtask, brief: Brief, *, voter: str, label: str | None, now: float) -> Decision[Subtask, Vote]:
    """The subtask with one more vote, and with what that vote leads to."""
    total = len(subtask.votes) + 1
    vote = Vote(voter=voter, label=label, at=now, total=total, state="open")
    voted = replace(subtask, votes=(*subtask.votes, vote), leases=_leases_without(subtask, voter))
    standing = _standing(voted, brief)
    decided_by = quorum.settles(brief.terms.quorum, standing)
    if decided_by is None and not quorum.is_disputed(brief.terms.quorum, standing):
        return Decision(state=_reopened(voted, brief, now), answer=vote)
    vote = replace(vote, state="completed" if decided_by else "disputed")
    ended = _ended(replace(voted, votes=(*subtask.votes, vote)), decided_by, now)
    return Decision(state=ended, answer=vote, facts=(Fact.COMPLETED if decided_by else Fact.DISPUTED,))


def _ended(subtask: Subtask, decided_by: DecidedBy | None, now: float) -> Subtask:
    """The subtask with its result: the leading label, or a dispute where nothing decided it."""
    label = tally(_labels(subtask))[0][0] if decided_by else None
    result = Result(
        label=label, agreement=_agreement(subtask, label), decided_by=decided_by, revision=1, completed_at=now
    )
    state: State = "completed" if decided_by else "disputed"
    return replace(subtask, state=state, leases=(), available_at=None, result=result)


def _reopened(subtask: Subtask, brief: Brief, now: float) -> Subtask:
    """The subtask with `available_at` as its votes and leases now have it."""
    places = _places(subtask, brief)
    expiries = sorted(lease.expires_at for lease in live_leases(subtask, now))
    if len(expiries) >= places:
        return replace(subtask, available_at=expiries[len(expiries) - places] if places else None)
    was = subtask.available_at
    if was is not None and was <= now:
        return subtask
    return replace(subtask, available_at=max(now, subtask.offered_at))
