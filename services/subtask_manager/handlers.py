"""The subtask manager's handlers, one for each command or event: load, ask the domain, save."""

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, TypeVar

from services.subtask_manager import activity, domain, doubts, prelabels, quotas
from services.subtask_manager import row as rows
from services.subtask_manager.activity import Activity
from services.subtask_manager.metrics import WorkMetrics
from services.subtask_manager.on_the_way import OnTheWay
from services.subtask_manager.preferences import Preferences, PreferencesStore, replaced
from services.subtask_manager.row import Row
from services.subtask_manager.settings import Limits
from services.subtask_manager.store import Claim, Decide, SubtaskStore
from services.subtask_manager.subtask import Brief, Doubt, Finish, Lease, Manner, Subtask, Vote
from shared import events
from shared.arrivals import Arrivals
from shared.auditing import Auditor
from shared.bus import Bus
from shared.clock import Clock
from shared.decision import Decision
from shared.erasures import Eraser
from shared.errors import NotFound, QuorateError, StorageFull, Unavailable
from shared.identity import Caller
from shared.models import ModelHeard
from shared.objects import ObjectStore
from shared.outbox import Relay
from shared.quotas import Quotas
from shared.results import State

A = TypeVar("A")
READY = tuple(f"subtask_manager.{kind}" for kind in ("task.opened.v1", "image.ready.v1", "image.ready.v2"))
"""The queues of what opens subtasks."""
OPENING_PAUSES_S = (0.02, 0.04, 0.08, 0.16, 0.32)
"""How long a lease request waits for images to be opened, look by look."""
LOOK_S = 1.0
"""How long a look at the queues may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What the handlers work with. `lease_s` is how long a lease lives; `limits` and `model`, that of the detectors,
    are told to callers, and so is whether callers are known by `auth`."""

    store: SubtaskStore
    preferences: PreferencesStore
    objects: ObjectStore
    bus: Bus
    relay: Relay
    clock: Clock
    lease_s: float
    arrivals: Arrivals
    limits: Limits
    model: ModelHeard
    metrics: WorkMetrics
    eraser: Eraser
    auditor: Auditor
    quotas: Quotas
    auth: Literal["off", "on"] = "off"
    on_the_way: OnTheWay = field(default_factory=OnTheWay)


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteOutcome:
    """The outcome of one vote of a batch: the counted vote, or why it was refused, and the subtask's state if known."""

    subtask_id: str
    answer: Vote | QuorateError
    state: State | None


async def set_preferences(resources: Resources, *, user: str, version: int, body: str) -> Preferences:
    """Raises Outdated where the user's preferences are not of this version any more."""
    while True:
        before = await resources.preferences.find(user)
        after = replaced(before, version=version, body=body)
        if after is before or await resources.preferences.save(user, after):
            return after


async def lease(resources: Resources, who: Caller, *, task_id: str | None, count: int) -> Claim:
    token = secrets.token_hex(16)

    def grant(subtask: Subtask, brief: Brief, now: float):
        wanted = Lease(operator=who.id, token=token, expires_at=now + resources.lease_s)
        return domain.grant_lease(subtask, brief, lease=wanted, now=now)

    count = await _within_quota(resources, who, count, lambda held: task_id in (None, held[0].task_id))
    claim = await resources.store.claim(who.team, who.id, task_id=task_id, count=count, grant=grant)
    _granted(resources, claim, token)
    return claim


async def lease_row(resources: Resources, who: Caller, *, task_id: str, row: Row, count: int) -> Claim:
    token = secrets.token_hex(16)

    def grant(subtask: Subtask, brief: Brief, now: float):
        wanted = Lease(operator=who.id, token=token, expires_at=now + resources.lease_s)
        return rows.grant_lease(subtask, brief, now, row=row, lease=wanted)

    count = await _within_quota(
        resources, who, count, lambda held: held[0].task_id == task_id and rows.is_in(row, *held)
    )
    claim = await resources.store.claim_row(who.team, who.id, task_id=task_id, row=row, count=count, grant=grant)
    _granted(resources, claim, token)
    return claim


async def _within_quota(
    resources: Resources, who: Caller, count: int, is_asked_for: Callable[[tuple[Subtask, Brief]], bool]
) -> int:
    """How many of those asked for the caller may hold. Raises QuotaReached where that is none.

    Requests that an operator sends at once may each be granted what is left.
    """
    most = (await resources.quotas.of(who.team))[quotas.LIVE_LEASES]
    if most is None:
        return count
    held = await resources.store.held(who.team, who.id)
    async with resources.auditor.noting_quotas(who):
        return quotas.wanted(count, most, held, is_asked_for=is_asked_for)


def _granted(resources: Resources, claim: Claim, token: str) -> None:
    granted = sum(lease.token == token for subtask, _ in claim.held for lease in subtask.leases)
    resources.metrics.lease("granted", granted)


async def lease_opened(resources: Resources, who: Caller, *, task_id: str | None, count: int) -> tuple[Claim, int]:
    """Lease; where there is nothing at all, wait a moment for images that are on their way. Says how many are, too,
    where nothing is held."""
    opening = 0
    for pause_s in OPENING_PAUSES_S:
        claim = await lease(resources, who, task_id=task_id, count=count)
        if claim.held or claim.is_cut_short:
            return claim, 0
        opening = await _opening(resources, who.team)
        if claim.waiting_for_others:
            return claim, opening
        await asyncio.sleep(pause_s)
        if not opening:
            break  # what was opened since the look at the store, or by another replica, is there by now
    return await lease(resources, who, task_id=task_id, count=count), opening


async def _opening(resources: Resources, team: str) -> int:
    """How many images of a team are stored and wait to be opened, about; 0 where the bus cannot be asked."""
    coming = resources.on_the_way.of(team)
    if not coming:
        return 0
    try:
        async with asyncio.timeout(LOOK_S):
            depths = await resources.bus.depths()
    except (TimeoutError, Unavailable):
        return 0
    return min(coming, sum(depths[queue] for queue in READY))


def _in_team(who: Caller, decide: Decide[A]) -> Decide[A]:
    """A rule for the caller's team alone: what is another's is not there."""

    def asked(subtask: Subtask, brief: Brief, now: float) -> Decision[Subtask, A]:
        if brief.team != who.team:
            raise _nothing()
        return decide(subtask, brief, now)

    return asked


def _as_operator(who: Caller, decide: Decide[A]) -> Decide[A]:
    """A rule for operators who may label the task: what is for others is not there."""

    def asked(subtask: Subtask, brief: Brief, now: float) -> Decision[Subtask, A]:
        if not brief.is_for(who.team, who.id):
            raise _nothing()
        return decide(subtask, brief, now)

    return asked


def _nothing() -> NotFound:
    return NotFound("no such subtask")


async def find(resources: Resources, who: Caller, subtask_id: str) -> tuple[Subtask, Brief]:
    """A subtask of the caller's team. Raises NotFound, TaskCancelled."""
    subtask, brief = await resources.store.find(subtask_id)
    if brief.team != who.team:
        raise _nothing()
    return subtask, brief


async def renew(resources: Resources, who: Caller, *, subtask_id: str, token: str) -> Lease:
    rule = partial(domain.renew_lease, operator=who.id, token=token, lease_s=resources.lease_s)
    renewed = (await resources.store.update(subtask_id, _as_operator(who, rule))).answer
    resources.metrics.lease("renewed")
    return renewed


async def give_back(resources: Resources, who: Caller, *, subtask_id: str, token: str | None, is_skip: bool) -> None:
    rule = partial(domain.skip if is_skip else domain.give_back, operator=who.id, token=token)
    decision = await resources.store.update(subtask_id, _as_operator(who, rule))
    resources.metrics.lease("skipped" if is_skip else "returned")
    changed(resources, decision)


async def vote(resources: Resources, who: Caller, *, subtask_id: str, label: str, token: str, manner: Manner) -> Vote:
    rule = partial(domain.cast_vote, voter=who.id, label=label, token=token, manner=manner)
    return await _voted(resources, subtask_id, _as_operator(who, rule))


async def vote_through_live_lease(resources: Resources, who: Caller, *, subtask_id: str, label: str) -> Vote:
    """A vote of an older client, which sends no token."""
    rule = partial(domain.cast_vote_by_lease, voter=who.id, label=label)
    return await _voted(resources, subtask_id, _as_operator(who, rule))


async def _voted(resources: Resources, subtask_id: str, decide: Decide[Vote]) -> Vote:
    try:
        decision = await resources.store.update(subtask_id, decide)
    except QuorateError:
        resources.metrics.vote(is_taken=False)
        raise
    resources.metrics.vote(is_taken=True)
    changed(resources, decision)
    return decision.answer


def changed(resources: Resources, decision: Decision[Subtask, A]) -> None:
    """Count the change in the metrics, and wake the relay if there are events."""
    resources.metrics.changed(decision)
    if decision.facts:
        resources.relay.wake()


async def vote_each(
    resources: Resources, who: Caller, *, votes: list[tuple[str, str, str, Manner]]
) -> list[VoteOutcome]:
    """Count votes, given as (subtask id, label, token, manner). A refusal concerns its own vote only."""

    async def outcome(subtask_id: str, label: str, token: str, manner: Manner) -> VoteOutcome:
        try:
            cast = await vote(resources, who, subtask_id=subtask_id, label=label, token=token, manner=manner)
        except (Unavailable, StorageFull):
            raise  # not this vote's fault: the caller has to send the whole batch again
        except QuorateError as refusal:
            return VoteOutcome(subtask_id=subtask_id, answer=refusal, state=await _state(resources, who, subtask_id))
        return VoteOutcome(subtask_id=subtask_id, answer=cast, state=cast.state)

    return list(await asyncio.gather(*(outcome(*asked) for asked in votes)))


async def undo(resources: Resources, who: Caller, *, subtask_id: str) -> tuple[Subtask, Brief]:
    token = secrets.token_hex(16)

    def decide(subtask: Subtask, brief: Brief, now: float):
        handed_back = Lease(operator=who.id, token=token, expires_at=now + resources.lease_s)
        decision = domain.undo_vote(subtask, brief, voter=who.id, lease=handed_back, now=now)
        return Decision(state=decision.state, answer=brief)

    decision = await resources.store.update(subtask_id, _as_operator(who, decide))
    return decision.state, decision.answer


async def look_back(resources: Resources, who: Caller, *, since: float | None, limit: int) -> Activity:
    """The caller's votes of late: counted from `since` on, else from the last midnight, UTC; those in tasks that the
    caller may label are shown."""
    now = resources.clock()
    voted = await resources.store.voted(who.id, since=now - activity.LOOK_BACK_S)
    found = await resources.store.find_each([vote.subtask_id for vote in voted[:limit]])
    open_to_them = [(subtask, brief) for subtask, brief in found if brief.is_for(who.team, who.id)]
    recent = [activity.recent(subtask, brief, now, voter=who.id) for subtask, brief in open_to_them]
    return Activity(
        today=activity.counted(voted, since=activity.midnight(now) if since is None else since),
        votes_per_minute=activity.votes_per_minute(voted, now),
        recent=tuple(one for one in recent if one is not None),
    )


async def adjudicate(resources: Resources, who: Caller, *, subtask_id: str, label: str, reason: str) -> Subtask:
    rule = _in_team(who, partial(domain.adjudicate, by=who.id, label=label, reason=reason))
    noting = resources.auditor.noting(who, "image.adjudicate", subtask_id, rule)
    decision = await resources.store.update(subtask_id, noting)
    noting.saved(task_id=decision.state.task_id, subtask_id=subtask_id)
    changed(resources, decision)
    await resources.relay.hand_over()  # its task may be at rest: nobody expects a result there
    return decision.state


async def finish(resources: Resources, who: Caller, *, subtask_id: str, reason: str) -> None:
    rule = _in_team(who, partial(domain.finish, order=Finish(by=who.id, reason=reason)))
    noting = resources.auditor.noting(who, "image.finish", subtask_id, rule)
    decision = await resources.store.update(subtask_id, noting)
    noting.saved(task_id=decision.state.task_id, subtask_id=subtask_id)
    changed(resources, decision)


async def take_doubts(resources: Resources, event: events.SubtasksDoubtedV1) -> None:
    """Show images to the adjudicators; one that is not there any more is passed over."""
    told = event.data
    by = resources.eraser.pseudonyms.get(told.by, told.by)
    for one in told.doubts:
        doubt = Doubt(label=one.label, method=told.method, run_id=told.run_id, by=by, at=told.at)
        rule = partial(doubts.doubt, doubt=doubt, revision=one.revision)
        with suppress(NotFound):
            await resources.store.update(one.subtask_id, rule)


async def take_seen(resources: Resources, event: events.SubtaskPrelabeledV2) -> None:
    seen = event.data
    rule = partial(prelabels.apply_seen, model=seen.model, objects=seen.objects, error=seen.error)
    changed(resources, await resources.store.update(seen.subtask_id, rule))


async def take_prelabel(resources: Resources, event: events.SubtaskPrelabeledV1) -> None:
    """The same from a detector that knew the task's labels."""
    seen = event.data
    rule = partial(domain.apply_prelabel, prelabel=seen.prelabel, error=seen.error)
    changed(resources, await resources.store.update(seen.subtask_id, rule))


async def _state(resources: Resources, who: Caller, subtask_id: str) -> State | None:
    try:
        subtask, brief = await find(resources, who, subtask_id)
    except QuorateError:
        return None
    return None if subtask.state == "removed" or not brief.is_for(who.team, who.id) else subtask.state
