"""Where operators stand in tasks, in MongoDB. Hints: losing one costs a lap, nothing else."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from services.subtask_manager import walk as walks
from services.subtask_manager.walk import Walk
from shared.mongo import Collection, Document, errors_named

LATE_S = 30.0
"""A place may become visible so long after the instant at which it opened: clocks differ, and writes wait."""
HINTS_READ = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """A walk, and when it last went back for places that became visible late."""

    walk: Walk
    went_back_at: float


def begin(operator: str, task_id: str, now: float) -> Hint:
    """A new walk, which will read openings from a little before now."""
    return Hint(walk=walks.begin(operator, task_id, now - LATE_S), went_back_at=now)


def back(hint: Hint, now: float) -> Hint:
    """Every `LATE_S`, go back so far that nothing that became visible late is missed for good."""
    if hint.walk.phase != "openings" or now - hint.went_back_at < LATE_S:
        return hint
    since = min(hint.walk.since, hint.went_back_at - LATE_S)
    return Hint(walk=replace(hint.walk, since=since, slot=-1), went_back_at=now)


class MongoWalks:
    """The hints of all operators, and where those go on who asked for no task and were cut short (`rounds`)."""

    def __init__(self, hints: Collection, rounds: Collection) -> None:
        self._hints = hints
        self._rounds = rounds

    async def of(self, operator: str, task_id: str | None) -> dict[str, Hint]:
        """An operator's hints by task: of the named one, else of those walked last."""
        query: Document = {"operator": operator} if task_id is None else {"_id": f"{task_id}/{operator}"}
        with errors_named():
            found = await self._hints.find(query).sort("seen_at", -1).limit(HINTS_READ).batch_size(HINTS_READ).to_list()
        return {one["task_id"]: _hint(one) for one in found}

    async def keep(self, operator: str, task_id: str, hint: Hint) -> None:
        walk = hint.walk
        fields = {
            "operator": operator,
            "task_id": task_id,
            "start": walk.start,
            "slot": walk.slot,
            "since": walk.since,
            "phase": walk.phase,
            "went_back_at": hint.went_back_at,
            "seen_at": datetime.now(UTC),
        }
        with errors_named():
            await self._hints.update_one({"_id": f"{task_id}/{operator}"}, {"$set": fields}, upsert=True)

    async def stopped_at(self, operator: str) -> tuple[float, str] | None:
        """The task, as (created at, id), before which an operator's round stopped."""
        with errors_named():
            found = await self._rounds.find_one({"_id": operator})
        return None if found is None else (found["created_at"], found["task_id"])

    async def stop(self, operator: str, at: tuple[float, str]) -> None:
        fields = {"created_at": at[0], "task_id": at[1], "seen_at": datetime.now(UTC)}
        with errors_named():
            await self._rounds.update_one({"_id": operator}, {"$set": fields}, upsert=True)

    async def end_round(self, operator: str) -> None:
        with errors_named():
            await self._rounds.delete_one({"_id": operator})

    async def forget(self, task_id: str) -> None:
        with errors_named():
            await self._hints.delete_many({"task_id": task_id})


def _hint(document: dict[str, Any]) -> Hint:
    walk = Walk(**{name: document[name] for name in ("start", "slot", "since", "phase")})
    return Hint(walk=walk, went_back_at=document["went_back_at"])
