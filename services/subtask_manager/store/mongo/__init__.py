"""Subtasks in MongoDB: one document each, changed by guarded writes; briefs, walks and tombstones beside them.

A subtask's document has `place` while it has a free place, or a lease's expiry will open one; `holders`, the operators
whose leases it keeps, and `leased_until`, when the last of those lapses; `row`, while it is open and has a suggestion;
`voted` and `voted_at`, once it has votes; and `dispute`, its id within its team, while it waits for an adjudicator. One
that an older release stored gets its `row` and `voted` with its next change.

    briefs.py    what the subtasks of a task share, and the tombstones
    votes.py     whose votes stand
    awaiting.py  images that came before their task's brief
    listings.py  which tasks may have open subtasks, and which of those rest
    places.py    the free places of a task, window by window
    leases.py    what operators hold
    walks.py     where operators stand
    claims.py    a lease request, over all of these
    rows.py      a request for a row of the grid
    work.py      a look at what there is to work on
"""

import asyncio
import contextlib
import logging
import weakref
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from services.subtask_manager.activity import Voted
from services.subtask_manager.announcements import SOURCE
from services.subtask_manager.row import Row, place_of
from services.subtask_manager.search import MAX_TASKS, Search
from services.subtask_manager.store import Announce, Backlog, Claim, Decide, Leased
from services.subtask_manager.store.codec import SUBTASKS
from services.subtask_manager.store.mongo.awaiting import MongoAwaiting
from services.subtask_manager.store.mongo.backlog import backlog
from services.subtask_manager.store.mongo.briefs import FRESH_S, MongoBriefs
from services.subtask_manager.store.mongo.claims import MongoClaim
from services.subtask_manager.store.mongo.indexes import INDEXES
from services.subtask_manager.store.mongo.leases import MongoLeases
from services.subtask_manager.store.mongo.listings import MongoListings
from services.subtask_manager.store.mongo.places import MongoPlaces
from services.subtask_manager.store.mongo.rows import MongoRowClaim
from services.subtask_manager.store.mongo.votes import MongoVotes, keys_of
from services.subtask_manager.store.mongo.walks import MongoWalks
from services.subtask_manager.store.mongo.work import MongoLook
from services.subtask_manager.subtask import Awaiting, Brief, Subtask
from services.subtask_manager.work import Work
from shared import events
from shared.batcher import Batcher
from shared.clock import Clock
from shared.decision import Decision
from shared.errors import NotFound, QuorateError
from shared.events import Message
from shared.mongo import Documents
from shared.mongo.connection import Document, MongoDatabase, count, read
from shared.mongo.faults import errors_named
from shared.mongo.indexes import build
from shared.mongo.origins import Origins
from shared.teams import end_of, key_in

log = logging.getLogger(__name__)
A = TypeVar("A")
Open = Callable[[float], Decision[Subtask, None]]
MAX_WINDOWS = 48


class MongoSubtaskStore:
    """A `SubtaskStore` on a database of its own, for any number of replicas."""

    def __init__(self, database: MongoDatabase, clock: Clock, announce: Announce) -> None:
        self._database = database
        self._clock = clock
        self._announce = announce
        self._origins = Origins(database["origins"], clock)
        self._subtasks = Documents(database["subtasks"], codec=SUBTASKS, keys=_keys, clock=clock, origins=self._origins)
        self._briefs = MongoBriefs(database["briefs"])
        self._awaiting = MongoAwaiting(database["awaiting"])
        self._walks = MongoWalks(database["walks"], database["rounds"])
        self._places = MongoPlaces(self._subtasks)
        self._leases = MongoLeases(self._subtasks, self._briefs, self.update)
        self._votes = MongoVotes(self._subtasks)
        self._listings = MongoListings(database["briefs"], self._briefs, self._places, self._walks, clock)
        self._insert = Batcher(self._insert_all)
        self._notes: set[asyncio.Task[None]] = set()
        self._turns: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    async def prepare(self) -> None:
        """Create the indexes that are missing."""
        await build(self._database, INDEXES)

    async def open(self, brief: Brief, decide: Open) -> bool:
        await self._briefs.keep(brief)
        subtask_id, is_new = await self._insert((brief, decide))
        if await self._listings.admit(brief.task_id):
            return is_new
        with errors_named():  # the task was cancelled before or meanwhile
            await self._subtasks.collection.delete_one({"_id": subtask_id})
        return False

    async def keep_brief(self, brief: Brief) -> bool:
        return await self._briefs.keep(brief)

    @property
    def stale_s(self) -> float:
        return FRESH_S

    async def open_ids(self, task_id: str, *, after: str, limit: int) -> list[str]:
        query: Document = {"task_id": {"$eq": task_id}, "state": {"$eq": "open"}, "_id": {"$gt": after}}
        with errors_named():
            cursor = self._subtasks.collection.find(query, {"_id": 1}).sort("_id", 1)
            return [document["_id"] for document in await read(cursor, limit)]

    async def ids(self, *, after: str, limit: int) -> list[str]:
        with errors_named():
            cursor = self._subtasks.collection.find({"_id": {"$gt": after}}, {"_id": 1}).sort("_id", 1)
            return [document["_id"] for document in await read(cursor, limit)]

    async def forget_operator(self, operator: str) -> None:
        await self._walks.forget_operator(operator)

    async def remove(self, stub: Subtask) -> None:
        if not await self._subtasks.insert([(stub, [])]):
            return

        async def rule(before: Subtask) -> tuple[Subtask, Sequence[Message]]:
            return (stub if before.object_key == stub.object_key and before.state != "removed" else before), ()

        await self._subtasks.change(stub.id, "subtask", rule)

    async def brief(self, task_id: str, *, at_least: int = 1) -> Brief | None:
        return await self._briefs.known(task_id, at_least)

    async def put_by(self, image: Awaiting) -> None:
        await self._awaiting.put(image)

    async def awaiting(self, task_id: str, limit: int, *, revision: int) -> list[Awaiting]:
        return await self._awaiting.of(task_id, limit, revision)

    async def forget_awaiting(self, subtask_ids: Sequence[str]) -> None:
        await self._awaiting.forget(subtask_ids)

    async def find(self, subtask_id: str) -> tuple[Subtask, Brief]:
        subtask = _present((await self._subtasks.find(subtask_id, "subtask")).state)
        return subtask, await self._briefs.get(subtask.task_id)

    async def find_each(self, subtask_ids: Sequence[str]) -> list[tuple[Subtask, Brief]]:
        with errors_named():
            documents = await read(self._subtasks.collection.find({"_id": {"$in": [*subtask_ids]}}))
        subtasks = {document["_id"]: self._subtasks.stored(document).state for document in documents}
        briefs = await self._briefs.find_each({subtask.task_id for subtask in subtasks.values()})
        in_order = (subtasks[one] for one in subtask_ids if one in subtasks)
        there = [one for one in in_order if one.state != "removed" and one.task_id in briefs]
        return [(subtask, briefs[subtask.task_id]) for subtask in there]

    async def update(self, subtask_id: str, decide: Decide[A]) -> Decision[Subtask, A]:
        made: list[tuple[Subtask, Decision[Subtask, A]]] = []

        async def rule(subtask: Subtask) -> tuple[Subtask, Sequence[Message]]:
            brief = await self._briefs.get(_present(subtask).task_id)
            now = self._clock()
            decision = decide(subtask, brief, now)
            made.append((subtask, decision))
            return decision.state, self._events(decision, brief, now)

        await self._subtasks.change(subtask_id, "subtask", rule)
        before, decision = made[-1]
        if _opens_early(before, decision.state):
            with contextlib.suppress(QuorateError):  # it was saved; without this the task rests a while longer
                await self._listings.wake(before.task_id, self._clock())
        return decision

    async def claim(self, team: str, operator: str, *, task_id: str | None, count: int, grant: Decide[bool]) -> Claim:
        if task_id is not None and await self._briefs.of_operator(team, operator, task_id) is None:
            return Claim(held=(), is_cut_short=False, waiting_for_others=0)
        async with contextlib.AsyncExitStack() as turn:
            await turn.enter_async_context(self._turn(operator))
            claim = MongoClaim(
                team=team,
                operator=operator,
                task_id=task_id,
                grant=grant,
                now=self._clock(),
                search=Search(wanted=count, windows_left=MAX_WINDOWS),
                briefs=self._briefs,
                listings=self._listings,
                walks=self._walks,
                places=self._places,
                leases=self._leases,
            )
            held, is_cut_short = await claim.run()
            self._note(claim.note(), turn.pop_all())
        waiting = 0 if held else await self._count_open(team, operator, task_id)
        return Claim(held=tuple(held), is_cut_short=is_cut_short, waiting_for_others=waiting)

    async def claim_row(
        self, team: str, operator: str, *, task_id: str, row: Row, count: int, grant: Decide[bool]
    ) -> Claim:
        brief = await self._briefs.of_operator(team, operator, task_id)
        if brief is None:
            return Claim(held=(), is_cut_short=False, waiting_for_others=0)
        async with self._turn(operator):
            return await MongoRowClaim(
                operator=operator,
                brief=brief,
                row=row,
                grant=grant,
                now=self._clock(),
                subtasks=self._subtasks,
                leases=self._leases,
            ).run(count)

    async def work(self, team: str, operator: str) -> list[Work]:
        return await MongoLook(
            team=team,
            operator=operator,
            now=self._clock(),
            briefs=self._briefs,
            listings=self._listings,
            walks=self._walks,
            places=self._places,
            leases=self._leases,
        ).run()

    async def voted(self, voter: str, *, since: float) -> list[Voted]:
        return await self._votes.of(voter, since)

    async def settle(self) -> None:
        """Wait until all claims that were answered are noted."""
        await asyncio.gather(*self._notes, return_exceptions=True)

    async def held(self, team: str, operator: str) -> list[tuple[Subtask, Brief]]:
        return await self._leases.live(team, operator, self._clock())

    async def leased(self) -> Leased:
        return await self._leases.count(self._clock())

    async def backlog(self) -> Backlog:
        return await backlog(self._subtasks.collection, self._database["briefs"], self._places)

    async def disputes(self, team: str, *, task_id: str | None, after: str, limit: int) -> list[tuple[Subtask, Brief]]:
        query: Document = {"dispute": {"$gt": key_in(team, after), "$lt": end_of(team)}}
        if task_id is not None:
            query["task_id"] = {"$eq": task_id}  # nx-27017: $eq for the index
        page: list[tuple[Subtask, Brief]] = []
        while len(page) < limit:
            with errors_named():
                found = await read(self._subtasks.collection.find(query).sort("dispute", 1), limit)
            subtasks = [self._subtasks.stored(document).state for document in found]
            briefs = [await self._briefs.find(subtask.task_id) for subtask in subtasks]
            page += [(one, brief) for one, brief in zip(subtasks, briefs, strict=True) if brief is not None]
            if len(found) < limit:
                break
            query["dispute"] = {"$gt": key_in(team, found[-1]["_id"]), "$lt": end_of(team)}
        return page[:limit]

    async def count_disputes(self, team: str, limit: int) -> int:
        of_team: Document = {"dispute": {"$gt": key_in(team, ""), "$lt": end_of(team)}}
        return await count(self._subtasks.collection, of_team, limit)

    async def cancel(self, task_id: str) -> None:
        await self._briefs.cancel(task_id)

    async def purge(self, task_id: str, limit: int) -> int:
        if not await self._briefs.is_cancelled(task_id):
            return 0
        subtasks = self._subtasks.collection
        with errors_named():
            of_task = {"task_id": {"$eq": task_id}}  # nx-27017: $eq for the index
            found = await read(subtasks.find(of_task, {"_id": 1}), limit)
            removed = await subtasks.delete_many({"_id": {"$in": [one["_id"] for one in found]}})
        if len(found) < limit:
            await self._briefs.forget_terms(task_id)
            await self._walks.forget(task_id)
            await self._awaiting.forget_task(task_id)
        return removed.deleted_count

    async def forget_task(self, task_id: str) -> None:
        await self._briefs.forget(task_id)

    async def pending(self, limit: int) -> list[Message]:
        return await self._subtasks.outbox.pending(limit)

    async def clear(self, ids: Sequence[str]) -> None:
        await self._subtasks.outbox.clear(ids)

    async def beat(self) -> None:
        await self._origins.beat()

    async def _insert_all(self, asked: Sequence[tuple[Brief, Open]]) -> list[tuple[str, bool]]:
        """Save new subtasks; returns their ids, and whether they are new. Where one comes twice, only the first may be.

        The rules are asked only now, so that places open when they are saved, however long the batch had to wait."""
        now = self._clock()
        decisions = [decide(now) for _, decide in asked]
        ids = [decision.state.id for decision in decisions]
        first = {subtask_id: ids.index(subtask_id) for subtask_id in dict.fromkeys(ids)}
        new = {i: (decisions[at].state, self._events(decisions[at], asked[at][0], now)) for i, at in first.items()}
        known = await self._subtasks.insert(list(new.values()))
        known -= {subtask_id for subtask_id in known if await self._reopened(*new[subtask_id])}
        return [(one, first[one] == position and one not in known) for position, one in enumerate(ids)]

    async def _reopened(self, subtask: Subtask, messages: Sequence[Message]) -> bool:
        """Put a subtask in place of one that was removed with another object."""
        is_new = False

        async def rule(before: Subtask) -> tuple[Subtask, Sequence[Message]]:
            nonlocal is_new
            is_new = before.state == "removed" and before.object_key != subtask.object_key
            return (subtask, messages) if is_new else (before, ())

        await self._subtasks.change(subtask.id, "subtask", rule)
        return is_new

    def _note(self, noting: Awaitable[None], turn: contextlib.AsyncExitStack) -> None:
        """Note what a claim found, after the caller has the answer; the operator's turn ends with it."""

        async def note() -> None:
            async with turn:
                try:
                    await noting
                except QuorateError as lost:
                    log.info("what a claim found could not be noted: %s", lost.detail)

        task = asyncio.create_task(note())
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    def _turn(self, operator: str) -> asyncio.Lock:
        """One lease request of an operator at a time in this replica, so that they never hold more than they want."""
        return self._turns.setdefault(operator, asyncio.Lock())

    def _events(self, decision: Decision[Subtask, A], brief: Brief, now: float) -> list[Message]:
        told = self._announce(decision.state, brief, decision.facts, now) if decision.facts else []
        return [*told, *events.notes(decision.state.id, SOURCE, decision.noted)] if decision.noted else told

    async def _count_open(self, team: str, operator: str, task_id: str | None) -> int:
        """Open subtasks of a task, or of the team's oldest tasks that the operator may label."""
        if task_id is not None:
            return await self._places.count_open([task_id])
        listed = await self._listings.listed(team, operator, "", MAX_TASKS)
        return await self._places.count_open([task.task_id for task in listed])


def _present(subtask: Subtask) -> Subtask:
    if subtask.state == "removed":
        raise NotFound("no such subtask")
    return subtask


def _opens_early(before: Subtask, after: Subtask) -> bool:
    """Whether a place opens sooner than a search could know that looked before."""
    if after.available_at is None:
        return False
    return before.available_at is None or after.available_at < before.available_at


def _keys(subtask: Subtask) -> Document:
    place = {
        "task_id": subtask.task_id,
        "slot": subtask.slot,
        "at": subtask.available_at,
        "has_votes": bool(subtask.votes),
    }
    return {
        "_id": subtask.id,
        "task_id": subtask.task_id,
        "state": subtask.state,
        "place": None if subtask.available_at is None else place,
        "holders": [lease.operator for lease in subtask.leases] or None,
        "leased_until": max((lease.expires_at for lease in subtask.leases), default=None),
        "row": _row(subtask),
        **keys_of(subtask),
        "dispute": key_in(subtask.team, subtask.id) if subtask.awaits_adjudicator else None,
    }


def _row(subtask: Subtask) -> Document | None:
    place = place_of(subtask)
    return place and {"task_id": subtask.task_id, "label": place[0], "rank": place[1]}
