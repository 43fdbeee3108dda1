"""Where operators stand in tasks, in MongoDB. Hints: losing one costs a lap, nothing else.

A hint is kept as JSON text: an instant must come back exactly, and not every server sets a number to its last digit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import orjson
from pymongo import UpdateOne

from services.subtask_manager import walk as walks
from services.subtask_manager.walk import Walk
from shared.mongo import Collection, errors_named

SOON_S, LATE_S = 5.0, 30.0
"""A place may become visible after the instant at which it opened, for clocks differ and writes wait: mostly within
`SOON_S`, and hardly ever later than `LATE_S`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """A walk, and when it last went back for places that became visible soon after they opened, and late."""

    walk: Walk
    back_soon_at: float
    back_late_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Where a search through all tasks was cut short: before which place in the list, whether among the tasks that
    rest, which come last, and when it began at the oldest."""

    place: str
    is_resting: bool
    begun_at: float


def begin(operator: str, task_id: str, now: float) -> Hint:
    """A new walk, which will read openings from a little before now."""
    return Hint(walk=walks.begin(operator, task_id, now - LATE_S), back_soon_at=now, back_late_at=now)


def back(hint: Hint, now: float) -> Hint:
    """Now and then, go back so far that no place is missed for good: every `SOON_S` a little, every `LATE_S` more."""
    if hint.walk.phase != "openings" or now - hint.back_soon_at < SOON_S:
        return hint
    is_deep = now - hint.back_late_at >= LATE_S
    since = hint.back_late_at - LATE_S if is_deep else hint.back_soon_at - SOON_S
    walk = replace(hint.walk, since=min(hint.walk.since, since), slot=-1)
    return Hint(walk=walk, back_soon_at=now, back_late_at=now if is_deep else hint.back_late_at)


class MongoWalks:
    """The hints of all operators, and where those go on who asked for no task and were cut short (`rounds`)."""

    def __init__(self, hints: Collection, rounds: Collection) -> None:
        self._hints = hints
        self._rounds = rounds

    async def of(self, operator: str, tasks: Sequence[str]) -> dict[str, Hint]:
        """An operator's hints, by task."""
        if not tasks:
            return {}
        query = {"_id": {"$in": [f"{task_id}/{operator}" for task_id in tasks]}}
        with errors_named():
            found = await self._hints.find(query).to_list()
        return {one["task_id"]: _hint(one) for one in found}

    async def keep(self, operator: str, hints: Mapping[str, Hint]) -> None:
        """Keep an operator's hints, by task."""
        seen_at = datetime.now(UTC)
        updates: list[UpdateOne] = []
        for task_id, hint in hints.items():
            fields = {"task_id": task_id, "seen_at": seen_at, "body": orjson.dumps(asdict(hint)).decode()}
            updates.append(UpdateOne({"_id": f"{task_id}/{operator}"}, {"$set": fields}, upsert=True))
        if updates:
            with errors_named():
                await self._hints.bulk_write(updates, ordered=False)

    async def stopped_at(self, operator: str) -> Stop | None:
        """Where an operator's round stopped."""
        with errors_named():
            found = await self._rounds.find_one({"_id": operator})
        return None if found is None else Stop(**orjson.loads(found["body"]))

    async def stop(self, operator: str, stop: Stop) -> None:
        fields = {"body": orjson.dumps(asdict(stop)).decode(), "seen_at": datetime.now(UTC)}
        with errors_named():
            await self._rounds.update_one({"_id": operator}, {"$set": fields}, upsert=True)

    async def end_round(self, operator: str) -> None:
        with errors_named():
            await self._rounds.delete_one({"_id": operator})

    async def forget(self, task_id: str) -> None:
        with errors_named():
            await self._hints.delete_many({"task_id": task_id})


def _hint(document: dict[str, Any]) -> Hint:
    fields: dict[str, Any] = orjson.loads(document["body"])
    return Hint(**{**fields, "walk": Walk(**fields["walk"])})
