"""The list of tasks that may have open subtasks, in MongoDB: where lease requests look that name no task.

A task's listing is part of its brief's document:

                  open                  no free place
    unlisted -------------> listed -----------------------> resting
       ^                    ^  ^ |                           | | |
       |               open |  | |       rest is over        | | |
       |                    |  +-|---------------------------+ | |
       |                    |  | | next instant    place opens | |
       |                    |  +-|------- woken <--------------+ |
       | none open,         |    |            or open            |
       | token unchanged    |    v no place will open            |
       +------------------ closing <-----------------------------+

    any state --cancel--> cancelled

    listed      `listed` is the task's place in the list, and `rests_until` is past
    resting     `rests_until` is to come: a search found no free place, for other operators hold them all. Searches look
                at the task only where the others have not enough, and at the latest when its first place opens
    woken       `rests_until` is this instant: a place opened sooner. A search that began before still finds the task
                among those that rest, a later one among the others
    closing     `closing` is a token of the replica that will unlist the task
    unlisted    no `listed`: the task has no open subtask
    cancelled   `is_cancelled`, for ever: no `listed`, and nothing lists the task again

Unlisting takes three steps, so that it never hides a subtask that is opened meanwhile, and a crash between them does no
harm: the replica sets `closing` to a token, finds no open subtask, and unsets `listed` only if `closing` is still its
token. A replica that opens a subtask (`open` above) saves it first, then reads this document and lists the task again.
"""

import secrets
from collections.abc import Sequence
from typing import NamedTuple

from services.subtask_manager.store.mongo.briefs import MongoBriefs, place_of
from services.subtask_manager.store.mongo.places import MongoPlaces
from services.subtask_manager.store.mongo.walks import MongoWalks
from services.subtask_manager.subtask import Brief
from shared.batcher import Batcher
from shared.clock import Clock
from shared.mongo.connection import Collection, Document, read
from shared.mongo.faults import errors_named
from shared.teams import end_of, key_in

REST_S = 30.0
"""How long a task rests at the most: so long a place may wait whose waking was lost, while other tasks have enough."""


class Listed(NamedTuple):
    """A task in the list, and its place there."""

    place: str
    task_id: str


class MongoListings:
    """The listings of all tasks, oldest task first. Whatever reads them has the briefs remembered as well."""

    def __init__(
        self, collection: Collection, briefs: MongoBriefs, places: MongoPlaces, walks: MongoWalks, clock: Clock
    ) -> None:
        self._collection = collection
        self._briefs = briefs
        self._places = places
        self._walks = walks
        self._clock = clock
        self.admit = Batcher(self._admit_all)

    async def listed(self, team: str, operator: str, first: str, limit: int) -> list[Listed]:
        """All tasks in the list that a team's operator may label, from the place `first` on; of an empty one, from the
        oldest."""
        return await self._find(_of(team, operator, first), limit)

    async def awake(self, team: str, operator: str, first: str, limit: int, now: float) -> list[Listed]:
        """Those of them that do not rest, from the place `first` on."""
        return await self._find({**_of(team, operator, first), "rests_until": {"$lte": now}}, limit)

    async def resting(self, team: str, operator: str, limit: int, now: float) -> list[Listed]:
        """Those that do, and those that were woken at this instant."""
        return await self._find({**_of(team, operator, ""), "rests_until": {"$gte": now}}, limit)

    async def rest(self, task_id: str, until: float, now: float) -> None:
        """Let a task rest that is awake."""
        awake = {"_id": task_id, "rests_until": {"$lte": now}}
        with errors_named():
            await self._collection.update_one(awake, {"$set": {"rests_until": until}})

    async def wake(self, task_id: str, now: float) -> None:
        """End a task's rest, if it rests."""
        resting = {"_id": task_id, "rests_until": {"$gt": now}}
        with errors_named():
            await self._collection.update_one(resting, {"$set": {"rests_until": now}})

    async def put_aside(self, task_id: str, now: float) -> None:
        """A search found no free place: let the task rest until its first place opens, or unlist it if none will."""
        opens_at = await self._places.first_opening(task_id)
        if opens_at is None:
            await self.unlist(task_id)
        elif opens_at > now:
            until = min(opens_at, now + REST_S)
            await self.rest(task_id, until, now)
            opens_at = await self._places.first_opening(task_id)
            if opens_at is not None and opens_at < until:  # since the look before; its writer found no rest to end
                await self.wake(task_id, now)

    async def unlist(self, task_id: str) -> None:
        """Unlist a task that seems to have no open subtask, unless one is opened meanwhile; where operators stand in it
        is forgotten."""
        if await self._places.has_open(task_id):
            return
        token = secrets.token_hex(8)
        with errors_named():
            await self._collection.update_one({"_id": task_id}, {"$set": {"closing": token}})
        if not await self._places.has_open(task_id):
            mine = {"_id": task_id, "closing": token}
            with errors_named():
                unlisted = await self._collection.update_one(mine, {"$unset": {"listed": "", "closing": ""}})
            if unlisted.modified_count:
                await self._walks.forget(task_id)

    async def _find(self, where: Document, limit: int) -> list[Listed]:
        with errors_named():
            found = await read(self._collection.find(where).sort("listed", 1), limit)
        for document in found:
            self._briefs.remember(document)  # the search needs them next
        return [Listed(document["listed"], document["_id"]) for document in found]

    async def _admit_all(self, task_ids: Sequence[str]) -> list[bool]:
        """For each task, whether a subtask that was just saved in it may stay; the task is listed then, and awake."""
        with errors_named():
            found = await read(self._collection.find({"_id": {"$in": [*set(task_ids)]}}))
        admitted: set[str] = set()
        for document in found:
            known = self._briefs.remember(document)
            if known.brief is not None and not known.is_cancelled:
                admitted.add(document["_id"])
                await self._list(document, known.brief)
        return [task_id in admitted for task_id in task_ids]

    async def _list(self, document: Document, brief: Brief) -> None:
        now = self._clock()
        if "listed" in document and "closing" not in document and document["rests_until"] <= now:
            return
        change = {"$set": {"listed": place_of(brief), "rests_until": now}, "$unset": {"closing": ""}}
        with errors_named():
            await self._collection.update_one({"_id": brief.task_id, "is_cancelled": False}, change)


def _of(team: str, operator: str, first: str) -> Document:
    """The places of a team, from one on, of tasks for all of its operators or for this one."""
    places = {"$gte": first or key_in(team, ""), "$lt": end_of(team)}
    return {"listed": places, "body.terms.operators": {"$in": [None, operator]}}
