"""What operators do to a subtask store, as the handlers do it."""

import asyncio
import itertools
from collections.abc import Mapping

from services.subtask_manager import domain
from services.subtask_manager.store import Claim, SubtaskStore
from services.subtask_manager.store.mongo import MongoSubtaskStore
from services.subtask_manager.subtask import Brief, Lease
from shared.teams import FIRST_TEAM
from tests.unit.subtask_builders import LEASE_S, awaiting

AT_ONCE = 500
"""A store may turn away who waits too long."""
_tokens = itertools.count()


def subtask_ids(count: int, *, first: int = 0) -> list[str]:
    return [f"{number:032x}" for number in range(first, first + count)]


async def open_all(
    store: SubtaskStore, brief: Brief, ids: list[str], *, places: Mapping[str, int] | None = None
) -> list[bool]:
    def opening(subtask_id: str):
        place = places[subtask_id] if places else None
        return lambda now: domain.open_subtask(brief, image=awaiting(subtask_id, brief, place=place), now=now)

    opened: list[bool] = []
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        opened += await asyncio.gather(*(store.open(brief, opening(subtask_id)) for subtask_id in some))
    return opened


def granting(operator: str, token: str | None = None):
    named = token or f"token {next(_tokens)}"

    def grant(subtask, brief, now):
        wanted = Lease(operator=operator, token=named, expires_at=now + LEASE_S)
        return domain.grant_lease(subtask, brief, lease=wanted, now=now)

    return grant


async def claim(store: SubtaskStore, operator: str, count: int, *, task_id: str | None = None) -> Claim:
    got = await store.claim(FIRST_TEAM, operator, task_id=task_id, count=count, grant=granting(operator))
    if isinstance(store, MongoSubtaskStore):
        await store.settle()
    return got


async def claim_all(store: SubtaskStore, operator: str, count: int, *, task_id: str | None = None) -> Claim:
    """Ask until it is not cut short, as a client does."""
    for _ in range(1000):
        got = await claim(store, operator, count, task_id=task_id)
        if got.held or not got.is_cut_short:
            return got
    raise AssertionError("an operator was put off for ever")


def tokens_of(got: Claim, operator: str) -> dict[str, str]:
    return {
        subtask.id: next(lease.token for lease in subtask.leases if lease.operator == operator)
        for subtask, _ in got.held
    }


async def vote(store: SubtaskStore, operator: str, subtask_id: str, label: str, token: str):
    def decide(subtask, brief, now):
        return domain.cast_vote(subtask, brief, voter=operator, label=label, token=token, now=now)

    return await store.update(subtask_id, decide)


async def vote_on_all(store: SubtaskStore, operator: str, got: Claim, label: str = "cat") -> list[str]:
    """Vote on all that a claim got; returns their ids."""
    tokens = tokens_of(got, operator)
    await asyncio.gather(*(vote(store, operator, subtask_id, label, token) for subtask_id, token in tokens.items()))
    return list(tokens)


async def give_back(store: SubtaskStore, operator: str, subtask_id: str):
    return await store.update(
        subtask_id, lambda subtask, brief, now: domain.give_back(subtask, brief, operator=operator, now=now)
    )


async def skip(store: SubtaskStore, operator: str, subtask_id: str):
    return await store.update(
        subtask_id, lambda subtask, brief, now: domain.skip(subtask, brief, operator=operator, now=now)
    )


async def dispute(store: SubtaskStore, subtask_id: str) -> None:
    """Ten people skip it."""
    for number in range(domain.MAX_SKIPS):
        await store.update(subtask_id, granting(f"skipper {number}"))
        await skip(store, f"skipper {number}", subtask_id)
