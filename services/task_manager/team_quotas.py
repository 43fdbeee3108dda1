"""What teams have of what they may have, and what an admin of the first team sets for them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from services.task_manager.quotas import Allowed, Usage, refuse_if_full, refuse_task
from services.task_manager.store import TaskStore
from shared.quotas import Quotas, Set


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamQuotas:
    """A team's quotas. own: what was set for it."""

    team: str
    own: Set
    allowed: Allowed
    usage: Usage


async def allowed_to(quotas: Quotas, team: str) -> Allowed:
    """What a team may have."""
    return Allowed(**await quotas.of(team))


async def refuse_upload(store: TaskStore, quotas: Quotas, team: str) -> None:
    """Raises QuotaReached where there is no room for even the smallest image."""
    allowed = await allowed_to(quotas, team)
    if allowed.bounds_images:
        refuse_if_full(allowed, await store.usage(team))


async def refuse_reopening(store: TaskStore, quotas: Quotas, team: str) -> None:
    """Raises QuotaReached where a task that has ended would be one too many if it were open again."""
    allowed = await allowed_to(quotas, team)
    if allowed.open_tasks is not None:
        refuse_task(allowed, await store.usage(team))


async def of(store: TaskStore, quotas: Quotas, team: str) -> TeamQuotas:
    """A team's quotas, and what it has."""
    own, usage = await asyncio.gather(quotas.store.of(team), store.usage(team))
    return TeamQuotas(team=team, own=own, allowed=Allowed(**quotas.in_force(own)), usage=usage)


async def of_each(store: TaskStore, quotas: Quotas, *, after: str, limit: int) -> Sequence[TeamQuotas]:
    """Those of teams that have or had tasks, or for which something was set, by id, behind `after`."""
    found = await asyncio.gather(store.teams(after=after, limit=limit), quotas.store.teams(after=after, limit=limit))
    teams = sorted({team for teams in found for team in teams})[:limit]
    return [await of(store, quotas, team) for team in teams]
