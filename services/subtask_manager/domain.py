"""The rules of labeling one image: leases, votes, quorum, disputes. Pure: time, tokens and names are arguments."""

from collections.abc import Iterable
from dataclasses import replace

from services.subtask_manager import quorum, ranking
from services.subtask_manager.ranking import slot_of
from services.subtask_manager.refusals import (
    AlreadyVoted,
    CannotUndo,
    Disputed,
    Early,
    NoLease,
    PlaceTaken,
    Settled,
    StillOpen,
    UnknownLabel,
)
from services.subtask_manager.subtask import UNTOLD, Awaiting, Brief, Fact, Finish, Lease, Manner, Subtask, Vote
from shared import proposals
from shared.decision import Decision
from shared.results import DecidedBy, Prelabel, Result, State, tally
from shared.terms import UNSURE

MAX_SKIPS = 10
"""The number of operators who skip a subtask until it is disputed."""
MAX_LAPSED = 100  # expired leases that are kept, in case their votes still come


def is_audited(brief: Brief, subtask_id: str) -> bool:
    """Whether the detector stays silent on this subtask, so that it can be measured: drawn by hash of the id."""
    return proposals.is_audited(subtask_id, brief.terms.detector.audit_share)


def open_subtask(brief: Brief, now: float, *, image: Awaiting) -> Decision[Subtask, None]:
    """Open the subtask of a new image; where the detector goes first, operators get it later."""
    is_awaited = ranking.is_ranked(brief) or brief.terms.detector.mode in ("vote", "accept")
    goes_first = is_awaited and not is_audited(brief, image.subtask_id)
    offered_at = now + brief.terms.detector.prelabel_wait_s if goes_first else now
    is_alone = brief.terms.detector.is_alone
    subtask = Subtask(
        id=image.subtask_id,
        task_id=brief.task_id,
        object_key=image.object_key,
        slot=slot_of(image.subtask_id) if image.place is None else image.place,
        opened_at=now,
        offered_at=offered_at,
        available_at=None if is_alone else offered_at,
        filename=image.filename,
        width=image.width,
        height=image.height,
        team=brief.team,
        is_alone=is_alone,
    )
    if brief.finish is not None:
        return finish(subtask, brief, now, order=brief.finish)
    facts = () if brief.terms.detector.mode == "off" else (Fact.OPENED,)
    return Decision(state=subtask, answer=None, facts=facts)


def live_leases(subtask: Subtask, now: float) -> tuple[Lease, ...]:
    """The leases that have not expired. A lease ends at the very instant of its expiry."""
    return tuple(lease for lease in subtask.leases if lease.expires_at > now)


def proposed(subtask: Subtask) -> Prelabel | None:
    """What the client imported, else the detector's pre-label."""
    return subtask.prelabel if subtask.imported is None else subtask.imported.prelabel


def suggestion(subtask: Subtask) -> Prelabel | None:
    """What was proposed, unless it is a vote already."""
    prelabel = proposed(subtask)
    if prelabel is None or any(vote.voter == prelabel.model for vote in subtask.votes):
        return None
    return prelabel


def shown_prelabel(subtask: Subtask, brief: Brief) -> Prelabel | None:
    """The pre-label that operators see: none on audited subtasks, and none that is a vote already."""
    if brief.terms.detector.mode == "off" or is_audited(brief, subtask.id):
        return None
    return suggestion(subtask)


def may_lease(subtask: Subtask, brief: Brief, now: float, *, operator: str) -> bool:
    """Whether a lease could be granted to this operator of the task's team now."""
    if subtask.is_alone or not brief.is_for(brief.team, operator):
        return False
    if subtask.state != "open" or now < subtask.offered_at or operator in subtask.skipped_by:
        return False
    if any(vote.voter == operator for vote in subtask.votes):
        return False
    live = live_leases(subtask, now)
    return all(lease.operator != operator for lease in live) and len(live) < _places(subtask, brief)


def grant_lease(subtask: Subtask, brief: Brief, now: float, *, lease: Lease) -> Decision[Subtask, bool]:
    """Grant the lease if this operator may have it; the answer says whether."""
    if not may_lease(subtask, brief, operator=lease.operator, now=now):
        return Decision(state=subtask, answer=False)
    return Decision(state=_with_lease(subtask, brief, lease, now), answer=True)


def renew_lease(
    subtask: Subtask, brief: Brief, now: float, *, operator: str, token: str, lease_s: float
) -> Decision[Subtask, Lease]:
    """Renew a lease for `lease_s` from now; an expired one too, while its place is free. Raises NoLease, NotOpen."""
    _refuse_unless_open(subtask)
    held = _lease_that_counts(subtask, brief, operator=operator, token=token, now=now)
    renewed = replace(held, expires_at=now + lease_s)
    return Decision(state=_with_lease(subtask, brief, renewed, now), answer=renewed)


def give_back(
    subtask: Subtask, brief: Brief, now: float, *, operator: str, token: str | None = None
) -> Decision[Subtask, None]:
    """Return a lease; the subtask may come again. A lease that was returned before is ignored.

    Raises NoLease where the operator holds a lease with another token than the one named.
    """
    kept = _leases_without(subtask, operator)
    if subtask.state != "open" or kept == subtask.leases:
        return Decision(state=subtask, answer=None)
    _refuse_newer_lease(subtask, operator, token)
    returned = replace(
        subtask, leases=kept, available_at=None
    )  # its place opens now, also for operators whose walk has passed it
    return Decision(state=made_available(returned, brief, now), answer=None)


def skip(
    subtask: Subtask, brief: Brief, now: float, *, operator: str, token: str | None = None
) -> Decision[Subtask, None]:
    """Return a lease for good: the subtask never comes again. Ten operators' skips make a dispute.

    Raises NoLease where the operator holds none, or one with another token than the one named.
    """
    if operator in subtask.skipped_by or subtask.state != "open":
        return Decision(state=subtask, answer=None)
    if all(lease.operator != operator for lease in subtask.leases):
        raise NoLease("only a subtask that was leased can be skipped")
    _refuse_newer_lease(subtask, operator, token)
    left = replace(subtask, leases=_leases_without(subtask, operator), skipped_by=(*subtask.skipped_by, operator))
    if len(left.skipped_by) >= MAX_SKIPS:
        return Decision(state=_ended(left, None, now), answer=None, facts=(Fact.DISPUTED,))
    return Decision(state=made_available(left, brief, now), answer=None)


def parse_label(brief: Brief, label: str) -> str | None:
    """The label that a vote names, None for unsure. Raises UnknownLabel."""
    if label in brief.terms.labels:
        return label
    if brief.terms.allow_unsure and label == UNSURE:
        return None
    raise UnknownLabel("the label is not one of the task's labels", pointer="/label")


def cast_vote(
    subtask: Subtask, brief: Brief, now: float, *, voter: str, label: str, token: str, manner: Manner = UNTOLD
) -> Decision[Subtask, Vote]:
    """Count an operator's vote, once. The same vote again, in whatever manner, gets the same answer.

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
    return _counted(subtask, brief, voter=voter, label=named, now=now, manner=manner)


def cast_vote_by_lease(
    subtask: Subtask, brief: Brief, now: float, *, voter: str, label: str
) -> Decision[Subtask, Vote]:
    """Count a vote without a token, as older clients send it: the voter's live lease stands for the token."""
    held = next((lease.token for lease in live_leases(subtask, now) if lease.operator == voter), "")
    return cast_vote(subtask, brief, now, voter=voter, label=label, token=held)


def undo_vote(subtask: Subtask, brief: Brief, now: float, *, voter: str, lease: Lease) -> Decision[Subtask, Lease]:
    """Take the voter's own vote back for `lease`. Sent again, it answers with the lease. Raises CannotUndo."""
    before = _without_vote(subtask, voter)
    if before.votes == subtask.votes:
        held = next((held for held in live_leases(subtask, now) if held.operator == voter), None)
        if held is None:
            raise CannotUndo("there is no vote of yours to undo")
        return Decision(state=subtask, answer=held)
    if subtask.state != "open":
        raise CannotUndo(f"the subtask is {subtask.state}; its votes stand")
    if not may_undo(subtask, brief, now, voter=voter):
        raise CannotUndo("others have been asked because of this vote; it stands")
    return Decision(state=_with_lease(before, brief, lease, now), answer=lease)


def may_undo(subtask: Subtask, brief: Brief, now: float, *, voter: str) -> bool:
    """Whether the voter's own vote can be taken back now."""
    before = _without_vote(subtask, voter)
    is_there = subtask.state == "open" and before.votes != subtask.votes
    return is_there and len(live_leases(subtask, now)) < _places(before, brief)


def apply_prelabel(
    subtask: Subtask, brief: Brief, now: float, *, prelabel: Prelabel, error: str | None = None
) -> Decision[Subtask, None]:
    """Apply a pre-label: as a vote, as the result, or as a suggestion. The first pre-label stays.

    It votes or decides only before the subtask was offered to people, so it never makes a granted vote void. Where the
    detector looks alone, whatever it says ends the subtask; `error` is why it could not look.
    """
    if subtask.state != "open" or subtask.prelabel is not None or brief.terms.detector.mode == "off":
        return Decision(state=subtask, answer=None)
    is_in_time = subtask.is_alone or now < subtask.offered_at
    decides = is_in_time and prelabel.label in brief.terms.labels and not is_audited(brief, subtask.id)
    mode = brief.terms.detector.mode if decides else "suggest"
    seen = replace(subtask, prelabel=prelabel, offered_at=min(subtask.offered_at, now))
    if ranking.is_ranked(brief) and subtask.imported is None and not is_audited(brief, subtask.id):
        slot = ranking.slot_by(brief, prelabel, subtask.id)
        seen = replace(seen, slot=slot, available_at=None)  # opens anew, also for walks that have passed the new slot
    if mode == "accept" and (prelabel.confidence or 0) >= brief.terms.detector.accept_confidence:
        vote = Vote(voter=prelabel.model, label=prelabel.label, at=now, total=1, state="completed")
        accepted = _ended(replace(seen, votes=(vote,)), "detector", now)
        return Decision(state=accepted, answer=None, facts=(Fact.COMPLETED,))
    if subtask.is_alone:
        return Decision(state=_ended(seen, None, now, why=error), answer=None, facts=(Fact.DISPUTED,))
    if mode == "vote":
        voted = _counted(seen, brief, voter=prelabel.model, label=prelabel.label, now=now)
        return Decision(state=voted.state, answer=None, facts=voted.facts)
    return Decision(state=made_available(seen, brief, now), answer=None)


def adjudicate(
    subtask: Subtask, brief: Brief, now: float, *, by: str, label: str, reason: str
) -> Decision[Subtask, None]:
    """Decide a subtask that has ended, with who, when and why; a new revision. The same again changes nothing.

    Raises UnknownLabel, StillOpen: while it is open, people decide.
    """
    if label not in brief.terms.labels:
        raise UnknownLabel("the label is not one of the task's labels", pointer="/label")
    result = subtask.result
    if result is None:
        raise StillOpen("the subtask is still open: its voters decide it, or finish it first")
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
    judged = replace(subtask, state="completed", result=decided, earlier=(*subtask.earlier, result), doubt=None)
    return Decision(state=judged, answer=None, facts=(Fact.ADJUDICATED,))


def finish(subtask: Subtask, brief: Brief, now: float, *, order: Finish) -> Decision[Subtask, None]:
    """End an open subtask with the votes it has, because its client says so. The same order again changes nothing.

    The leading label wins; without one, for want of votes or on a tie, it is a dispute. Raises NotOpen.
    """
    result = subtask.result
    if result is not None and (result.by, result.reason) == (order.by, order.reason):
        return Decision(state=subtask, answer=None)
    _refuse_unless_open(subtask)
    standing = _standing(subtask, brief)
    decided_by = "client" if standing.top > standing.second else None
    ended = _ended(subtask, decided_by, now, order=order)
    return Decision(state=ended, answer=None, facts=(Fact.COMPLETED if decided_by else Fact.DISPUTED,))


def reconsider(subtask: Subtask, brief: Brief, now: float) -> Decision[Subtask, None]:
    """Let the task's present terms act on a subtask: its votes may settle it now, or ask for more or fewer people.

    What has ended stays as it is, and so does a lease that was granted, but of an operator who is not invited any more.
    """
    if subtask.state != "open":
        return Decision(state=subtask, answer=None)
    if brief.finish is not None:
        return finish(subtask, brief, now, order=brief.finish)
    before, subtask = subtask, _without_uninvited(subtask, brief)
    standing = _standing(subtask, brief)
    decided_by = quorum.settles(brief.terms.quorum, standing) if subtask.votes else None
    if decided_by is not None or (subtask.votes and quorum.is_disputed(brief.terms.quorum, standing)):
        fact = Fact.COMPLETED if decided_by else Fact.DISPUTED
        return Decision(state=_ended(subtask, decided_by, now), answer=None, facts=(fact,))
    reopened = made_available(subtask, brief, now)
    return Decision(state=before if reopened == before else reopened, answer=None)


def removed(task_id: str, subtask_id: str, now: float, *, object_key: str) -> Subtask:
    """What stays of a subtask whose image was removed: that it is not to be opened with this object."""
    return Subtask(
        id=subtask_id,
        task_id=task_id,
        object_key=object_key,
        slot=slot_of(subtask_id),
        opened_at=now,
        offered_at=now,
        state="removed",
    )


def refuse_early(subtask: Subtask, *, object_key: str, told_at: float) -> None:
    """Raises Early where something was told of an image that was removed and stored anew, with this object, and its
    earlier subtask is still here: it was opened before `told_at`, and its removal comes by another queue."""
    if subtask.object_key != object_key and subtask.opened_at <= told_at:
        raise Early("the image was stored anew, and the removal of the earlier one has not come yet")


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
        ended = Disputed if subtask.state == "disputed" else Settled
        raise ended(f"the subtask is {subtask.state} and takes no more votes")


def _without_vote(subtask: Subtask, voter: str) -> Subtask:
    return replace(subtask, votes=tuple(vote for vote in subtask.votes if vote.voter != voter))


def _leases_without(subtask: Subtask, operator: str) -> tuple[Lease, ...]:
    return tuple(lease for lease in subtask.leases if lease.operator != operator)


def _without_uninvited(subtask: Subtask, brief: Brief) -> Subtask:
    kept = tuple(lease for lease in subtask.leases if brief.is_for(brief.team, lease.operator))
    if kept == subtask.leases:
        return subtask
    return replace(subtask, leases=kept, available_at=None)  # as where a lease is given back


def _refuse_newer_lease(subtask: Subtask, operator: str, token: str | None) -> None:
    """A request that was long under way must not cost its operator the lease that was granted since."""
    held = next(lease for lease in subtask.leases if lease.operator == operator)
    if token not in (None, held.token):
        raise NoLease("you hold a newer lease on this subtask, and it stays")


def _lease_that_counts(subtask: Subtask, brief: Brief, *, operator: str, token: str, now: float) -> Lease:
    held = next((held for held in subtask.leases if (held.operator, held.token) == (operator, token)), None)
    if held is None:
        raise NoLease("you hold no lease on this subtask, or a newer one")
    if held.expires_at <= now and len(live_leases(subtask, now)) >= _places(subtask, brief):
        raise PlaceTaken("your lease has expired and its place was given to another")
    return held


def _with_lease(subtask: Subtask, brief: Brief, lease: Lease, now: float) -> Subtask:
    others = _leases_without(subtask, lease.operator)
    lapsed = [other for other in others if other.expires_at <= now][-MAX_LAPSED:]
    live = [other for other in others if other.expires_at > now]
    return made_available(replace(subtask, leases=(*lapsed, *live, lease)), brief, now)


def _counted(
    subtask: Subtask, brief: Brief, *, voter: str, label: str | None, now: float, manner: Manner = UNTOLD
) -> Decision[Subtask, Vote]:
    """The subtask with one more vote, and with the end that the vote may lead to."""
    total = len(subtask.votes) + 1
    vote = Vote(voter=voter, label=label, at=now, total=total, state="open", manner=manner)
    voted = replace(subtask, votes=(*subtask.votes, vote), leases=_leases_without(subtask, voter))
    standing = _standing(voted, brief)
    decided_by = quorum.settles(brief.terms.quorum, standing)
    if decided_by is None and not quorum.is_disputed(brief.terms.quorum, standing):
        return Decision(state=made_available(voted, brief, now), answer=vote)
    vote = replace(vote, state="completed" if decided_by else "disputed")
    ended = _ended(replace(voted, votes=(*subtask.votes, vote)), decided_by, now)
    return Decision(state=ended, answer=vote, facts=(Fact.COMPLETED if decided_by else Fact.DISPUTED,))


def _ended(
    subtask: Subtask,
    decided_by: DecidedBy | None,
    now: float,
    *,
    order: Finish | None = None,
    why: str | None = None,
) -> Subtask:
    """The subtask with its result: the leading label, or a dispute where nothing decided it; `why` nothing could."""
    label = tally(_labels(subtask))[0][0] if decided_by else None
    result = Result(
        label=label,
        agreement=_agreement(subtask, label),
        decided_by=decided_by,
        revision=1,
        completed_at=now,
        by=order and order.by,
        reason=order.reason if order else why,
    )
    state: State = "completed" if decided_by else "disputed"
    return replace(subtask, state=state, leases=(), available_at=None, result=result)


def made_available(subtask: Subtask, brief: Brief, now: float) -> Subtask:
    """The subtask with `available_at` recomputed from its votes and leases."""
    if subtask.is_alone:
        return subtask
    places = _places(subtask, brief)
    expiries = sorted(lease.expires_at for lease in live_leases(subtask, now))
    if len(expiries) >= places:
        return replace(subtask, available_at=expiries[len(expiries) - places] if places else None)
    was = subtask.available_at
    if was is not None and was <= now:
        return subtask
    return replace(subtask, available_at=max(now, subtask.offered_at))
