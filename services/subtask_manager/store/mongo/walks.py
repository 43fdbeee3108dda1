"""Where operators stand, in MongoDB: their hints in tasks, and where their rounds through all tasks stopped."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from pymongo import UpdateOne, WriteConcern

from services.subtask_manager.walk import Hint, Walk
from shared.mongo.connection import Collection, read
from shared.mongo.faults import errors_named

SOON = WriteConcern(w=1)
"""A hint may be lost, so nobody waits until a majority has it. That it is forgotten must not be lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Where a round through all tasks was cut short.

    place: the place in the list before which it stopped.
    is_resting: it stopped among the tasks that rest, which come last.
    begun_at: when the round began.
    """

    place: str
    is_resting: bool
    begun_at: float


class MongoWalks:
    """The hints of all operators (`walks`), and where their rounds stopped (`rounds`)."""

    def __init__(self, hints: Collection, rounds: Collection) -> None:
        self._hints = hints
        self._rounds = rounds

    async def of(self, operator: str, tasks: Sequence[str]) -> dict[str, Hint]:
        """An operator's hints, by task."""
        if not tasks:
            return {}
        query = {"_id": {"$in": [f"{task_id}/{operator}" for task_id in tasks]}}
        with errors_named():
            found = await read(self._hints.find(query))
        return {document["task_id"]: _hint(document["body"]) for document in found}

    async def keep(self, operator: str, hints: Mapping[str, Hint]) -> None:
        """Keep an operator's hints, by task."""
        seen_at = datetime.now(UTC)
        updates: list[UpdateOne] = []
        for task_id, hint in hints.items():
            fields = {"task_id": task_id, "seen_at": seen_at, "body": _as_text(hint)}
            updates.append(UpdateOne({"_id": f"{task_id}/{operator}"}, {"$set": fields}, upsert=True))
        if updates:
            with errors_named():
                await self._hints.with_options(write_concern=SOON).bulk_write(updates, ordered=False)

    async def stopped_at(self, operator: str) -> Stop | None:
        """Where an operator's round stopped."""
        with errors_named():
            found = await self._rounds.find_one({"_id": operator})
        return None if found is None else Stop(**orjson.loads(found["body"]))

    async def stop(self, operator: str, stop: Stop) -> None:
        fields = {"body": _as_text(stop), "seen_at": datetime.now(UTC)}
        with errors_named():
            rounds = self._rounds.with_options(write_concern=SOON)
            await rounds.update_one({"_id": operator}, {"$set": fields}, upsert=True)

    async def end_round(self, operator: str) -> None:
        with errors_named():
            await self._rounds.delete_one({"_id": operator})

    async def forget_operator(self, operator: str) -> None:
        """All that is kept of an operator, whose name ends these ids."""
        with errors_named():
            await self._hints.delete_many({"_id": {"$regex": f"/{re.escape(operator)}$"}})
            await self._rounds.delete_many({"_id": {"$regex": f"(^|/){re.escape(operator)}$"}})

    async def forget(self, task_id: str) -> None:
        with errors_named():
            await self._hints.delete_many({"task_id": task_id})


def _as_text(value: Hint | Stop) -> str:
    return orjson.dumps(asdict(value)).decode()  # nx-27017: $set keeps 15 digits of a number, an instant has more


def _hint(body: str) -> Hint:
    fields: dict[str, Any] = orjson.loads(body)
    return Hint(**{**fields, "walk": Walk(**fields["walk"])})
