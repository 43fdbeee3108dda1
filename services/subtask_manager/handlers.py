"""What the subtask manager does, one command or event each: load, ask the domain, save."""

import asyncio
import secrets
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from services.subtask_manager import domain
from services.subtask_manager.domain import Brief, Lease, Subtask, Vote
from services.subtask_manager.metrics import WorkMetrics
from services.subtask_manager.store import Claim, Decide, SubtaskStore
from shared import events
from shared.bus import Bus
from shared.clock import Clock
from shared.decision import Decision
from shared.errors import QuorateError, StorageFull, Unavailable
from shared.objects import ObjectStore
from shared.outbox import Relay
from shared.results import State

A = TypeVar("A")
PURGE_BATCH = 500
READY = "subtask_manager.image.ready.v1"
OPENING_PAUSES_S = (0.02, 0.04, 0.08, 0.16, 0.32)
"""How long a lease request waits for images to be opened, look by look."""
LOOK_S = 1.0
"""How long a look at the queue may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What the handlers work with. `lease_s` is how long a lease lives."""

    store: SubtaskStore
    objects: ObjectStore
    bus: Bus
    relay: Relay
    clock: Clock
    lease_s: float
    metrics: WorkMetrics


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteOutcome:
    """What became of one vote of a batch: the vote as counted or why not, and the subtask's state if known."""

    subtask_id: str
    vote: Vote | None
    refusal: QuorateError | None
    state: State | None


async def lease(resources: Resources, *, operator: str, task_id: str | None, count: int) -> Claim:
    token = secrets.token_hex(16)

    def grant(subtask: Subtask, brief: Brief, now: float):
        wanted = Lease(operator=operator, token=token, expires_at=now + resources.lease_s)
        return domain.grant_lease(subtask, brief, lease=wanted, now=now)

    claim = await resources.store.claim(operator, task_id=task_id, count=count, grant=grant)
    resources.metrics.lease(
        "granted", sum(lease.token == token for subtask, _ in claim.held for lease in subtask.leases)
    )
    return claim


async def lease_opened(resources: Resources, *, operator: str, task_id: str | None, count: int) -> tuple[Claim, int]:
    """Lease; where there is nothing at all, wait a moment for images that are on their way. Says how many are, too,
    where nothing is held."""
    opening = 0
    for pause_s in OPENING_PAUSES_S:
        claim = await lease(resources, operator=operator, task_id=task_id, count=count)
        if claim.held or claim.is_cut_short:
            return claim, 0
        opening = await _opening(resources)
        if claim.waiting_for_others:
            return claim, opening
        await asyncio.sleep(pause_s)
        if not opening:
            break  # what was opened since the look at the store, or by another replica, is there by now
    return await lease(resources, operator=operator, task_id=task_id, count=count), opening


async def _opening(resources: Resources) -> int:
    """How many images, of all tasks, are stored and wait to be opened; 0 where the bus cannot be asked."""
    try:
        async with asyncio.timeout(LOOK_S):
            return (await resources.bus.depths())[READY]
    except (TimeoutError, Unavailable):
        return 0


async def renew(resources: Resources, *, operator: str, subtask_id: str, token: str) -> Lease:
    rule = partial(domain.renew_lease, operator=operator, token=token, lease_s=resources.lease_s)
    renewed = (await resources.store.update(subtask_id, rule)).answer
    resources.metrics.lease("renewed")
    return renewed


async def give_back(resources: Resources, *, operator: str, subtask_id: str, is_skip: bool) -> None:
    rule = domain.skip if is_skip else domain.give_back
    decision = await resources.store.update(subtask_id, partial(rule, operator=operator))
    resources.metrics.lease("skipped" if is_skip else "returned")
    _changed(resources, decision)


async def vote(resources: Resources, *, voter: str, subtask_id: str, label: str, token: str) -> Vote:
    return await _voted(resources, subtask_id, partial(domain.cast_vote, voter=voter, label=label, token=token))


async def vote_through_live_lease(resources: Resources, *, voter: str, subtask_id: str, label: str) -> Vote:
    """A vote in the old wire shape, which knows no tokens."""
    return await _voted(resources, subtask_id, partial(domain.cast_vote_by_lease, voter=voter, label=label))


async def _voted(resources: Resources, subtask_id: str, decide: Decide[Vote]) -> Vote:
    try:
        decision = await resources.store.update(subtask_id, decide)
    except QuorateError:
        resources.metrics.vote(is_taken=False)
        raise
    resources.metrics.vote(is_taken=True)
    _changed(resources, decision)
    return decision.answer


def _changed(resources: Resources, decision: Decision[Subtask, A]) -> None:
    """Count it, and let the relay publish what there is to tell."""
    resources.metrics.changed(decision)
    if decision.facts:
        resources.relay.wake()


async def vote_each(resources: Resources, *, voter: str, votes: list[tuple[str, str, str]]) -> list[VoteOutcome]:
    """Votes as (subtask id, label, token), each on its own."""

    async def one(subtask_id: str, label: str, token: str) -> VoteOutcome:
        try:
            cast = await vote(resources, voter=voter, subtask_id=subtask_id, label=label, token=token)
        except (Unavailable, StorageFull):
            raise  # nothing is wrong with this vote: the whole batch is to be sent again
        except QuorateError as refusal:
            return VoteOutcome(
                subtask_id=subtask_id, vote=None, refusal=refusal, state=await _state(resources, subtask_id)
            )
        return VoteOutcome(subtask_id=subtask_id, vote=cast, refusal=None, state=cast.state)

    return list(await asyncio.gather(*(one(*each) for each in votes)))


async def undo(resources: Resources, *, voter: str, subtask_id: str) -> tuple[Subtask, Brief]:
    token = secrets.token_hex(16)

    def decide(subtask: Subtask, brief: Brief, now: float):
        handed_back = Lease(operator=voter, token=token, expires_at=now + resources.lease_s)
        decision = domain.undo_vote(subtask, brief, voter=voter, lease=handed_back, now=now)
        return Decision(state=decision.state, answer=brief)

    decision = await resources.store.update(subtask_id, decide)
    return decision.state, decision.answer


async def adjudicate(resources: Resources, *, by: str, subtask_id: str, label: str, reason: str) -> Subtask:
    rule = partial(domain.adjudicate, by=by, label=label, reason=reason)
    decision = await resources.store.update(subtask_id, rule)
    _changed(resources, decision)
    await resources.relay.hand_over()  # its task may be at rest: nobody expects a result there
    return decision.state


async def open_subtask(resources: Resources, event: events.ImageReadyV1) -> None:
    image = event.data
    brief = Brief(task_id=image.task_id, owner=image.owner, terms=image.terms, created_at=image.task_created_at)
    rule = partial(
        domain.open_subtask,
        brief,
        subtask_id=image.image_id,
        object_key=image.object_key,
        place=image.place,
        filename=image.filename,
        width=image.width,
        height=image.height,
    )
    await resources.store.open(brief, rule)
    resources.relay.wake()


async def take_prelabel(resources: Resources, event: events.SubtaskPrelabeledV1) -> None:
    seen = event.data
    rule = partial(domain.apply_prelabel, prelabel=seen.prelabel)
    _changed(resources, await resources.store.update(seen.subtask_id, rule))


async def cancel_task(resources: Resources, event: events.TaskCancelledV1) -> None:
    await resources.store.cancel(event.data.task_id)
    while await resources.store.purge(event.data.task_id, PURGE_BATCH) == PURGE_BATCH:
        pass


async def _state(resources: Resources, subtask_id: str) -> State | None:
    try:
        subtask, _ = await resources.store.find(subtask_id)
    except QuorateError:
        return None
    return subtask.state
