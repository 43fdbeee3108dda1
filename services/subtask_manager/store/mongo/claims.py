"""A lease request on MongoDB: the operator's own leases, then a walk through tasks, window by window.

Tasks that rest come after the others: in them there was nothing to be had for anybody a moment ago. So the oldest
tasks, whose last images somebody holds who went away, are looked at now and then and not by every request.

Where the first window has enough: a read of leases and tasks at once, one of hints, one of the window, one bulk write,
and a read back where somebody was faster somewhere, so five round trips however much is asked for; one more for who is
new in a large task. The hint is saved when whoever asked has their answer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from pymongo import UpdateOne

from services.subtask_manager import walk as walks
from services.subtask_manager.domain import Brief, Subtask
from services.subtask_manager.store import Decide
from services.subtask_manager.store.mongo import walks as mongo_walks
from services.subtask_manager.store.mongo.briefs import Listed, MongoBriefs
from services.subtask_manager.store.mongo.walks import Hint, MongoWalks, Stop
from services.subtask_manager.walk import Candidate, Walk
from shared.decision import Decision
from shared.errors import NotFound
from shared.mongo import Document, Documents, Stored, errors_named

MIN_WINDOW = 16
MAX_WINDOWS = 48
MAX_TASKS = 32
TASKS_AT_ONCE = 8
"""Looked at together at the most."""
REST_S = 30.0
"""How long a task rests at the most. Who makes a place free sooner wakes it; should that be lost, the place waits so
long, while other tasks have enough."""
ROUND_S = 60.0
"""A round that began longer ago has the oldest tasks to see once more before there is nothing."""
MAX_HELD = 2_000
"""Leases of one operator that are looked at."""

Held = tuple[Subtask, Brief]
Update = Callable[[str, Decide[bool]], Awaitable[Decision[Subtask, bool]]]


class Look(NamedTuple):
    """An operator's hint in a task as it was, as it is to go on from, and the window that is seen from there."""

    known: Hint | None
    hint: Hint
    window: Sequence[Stored[Subtask]]


class MongoSearch:
    """One lease request under way."""

    def __init__(
        self,
        subtasks: Documents[Subtask],
        briefs: MongoBriefs,
        walks: MongoWalks,
        update: Update,
        operator: str,
        grant: Decide[bool],
        now: float,
    ) -> None:
        self._subtasks = subtasks
        self._briefs = briefs
        self._walks = walks
        self._update = update
        self._operator = operator
        self._grant = grant
        self._now = now
        self._wanted = 0
        self._windows_left = MAX_WINDOWS
        self._granted: list[Held] = []
        self._walked: dict[str, Hint] = {}
        self._emptied: list[str] = []

    async def run(self, task_id: str | None, count: int) -> tuple[list[Held], bool]:
        """What the operator holds now, those held before first; and whether there may be more."""
        own, (stopped, awake) = await asyncio.gather(self._own(task_id), self._tasks(task_id))
        live = [leased for leased, _ in own if self._is_live(leased[0])][:count]
        self._wanted = count - len(live)
        await self._try_lapsed([(leased[1], stored) for leased, stored in own if not self._is_live(leased[0])])
        is_cut_short = False
        if not self._is_satisfied:
            if task_id is None:
                is_cut_short = await self._search_round(stopped, awake)
            else:
                hints = await self._walks.of(self._operator, [task_id])
                is_cut_short = not await self._search_task(task_id, await self._look(task_id, hints.get(task_id)))
        return live + self._granted, is_cut_short

    @property
    def _is_satisfied(self) -> bool:
        return len(self._granted) >= self._wanted

    def _is_live(self, subtask: Subtask) -> bool:
        return any(one.operator == self._operator and one.expires_at > self._now for one in subtask.leases)

    async def _own(self, task_id: str | None) -> list[tuple[Held, Stored[Subtask]]]:
        query: Document = {"holders": {"$in": [self._operator]}}
        query["leased_until"] = {"$gt": 0}  # always so; it has an index on servers that have none for arrays
        if task_id is not None:
            query["task_id"] = {"$eq": task_id}
        cursor = self._subtasks.collection.find(query).sort("leased_until", -1).limit(MAX_HELD).batch_size(MAX_HELD)
        with errors_named():
            found = sorted(await cursor.to_list(), key=lambda document: document["_id"])
        return [one for one in [await self._with_brief(document) for document in found] if one is not None]

    async def _with_brief(self, document: Document) -> tuple[Held, Stored[Subtask]] | None:
        stored = self._subtasks.stored(document)
        try:
            return (stored.state, await self._briefs.get(stored.state.task_id)), stored
        except NotFound:  # its task was cancelled
            return None

    async def _tasks(self, task_id: str | None) -> tuple[Stop | None, Sequence[Listed]]:
        """Where the last round stopped, and the tasks that are awake from there on, where none is named."""
        if task_id is not None:
            return None, ()
        stopped, oldest = await asyncio.gather(
            self._walks.stopped_at(self._operator), self._briefs.awake("", MAX_TASKS + 1, self._now)
        )
        if stopped is None:
            return None, oldest
        return stopped, () if stopped.is_resting else await self._briefs.awake(stopped.place, MAX_TASKS + 1, self._now)

    async def _try_lapsed(self, lapsed: Sequence[tuple[Brief, Stored[Subtask]]]) -> None:
        """A subtask whose lease lapsed lies behind the operator's walk: it is tried once more, and forgotten if it
        cannot be had, for then its place opens anew."""
        asked = lapsed[: self._wanted]
        wished = [(brief, stored, self._decide(stored.state, brief)) for brief, stored in asked]
        await self._save([(brief, stored, one.state) for brief, stored, one in wished if one.answer])
        forget = [
            UpdateOne(
                {"_id": stored.state.id, "version": stored.document["version"]},
                {"$set": {"holders": [one for one in stored.document["holders"] if one != self._operator]}},
            )
            for _, stored, one in wished
            if not one.answer
        ]
        if forget:
            with errors_named():
                await self._subtasks.collection.bulk_write(forget, ordered=False)

    async def _search_round(self, stopped: Stop | None, awake: Sequence[Listed]) -> bool:
        """Grant what can be granted, first in tasks that are awake, then in those that rest; True where it stopped
        before it had looked everywhere."""
        begun_at = self._now if stopped is None else stopped.begun_at
        place, is_resting = await self._search_tasks(awake), False
        if place is None and not self._is_satisfied:
            if stopped is not None and stopped.is_resting:  # whatever was woken meanwhile is among them still
                last = await self._briefs.listed(stopped.place, MAX_TASKS + 1)
            else:
                last = await self._briefs.resting(MAX_TASKS + 1, self._now)
            place, is_resting = await self._search_tasks(last), True
        if place is not None:
            await self._walks.stop(self._operator, Stop(place=place, is_resting=is_resting, begun_at=begun_at))
            return True
        if stopped is not None:
            await self._walks.end_round(self._operator)
        return not self._is_satisfied and self._now - begun_at > ROUND_S

    async def _search_tasks(self, tasks: Sequence[Listed]) -> str | None:
        """So many as one request looks through, until there is enough. The place before which it stopped, if it did."""
        asked = tasks[:MAX_TASKS]
        hints = await self._walks.of(self._operator, [one.task_id for one in asked])
        for some in _spans(asked, hints):
            looks = await asyncio.gather(*(self._look(one.task_id, hints.get(one.task_id)) for one in some))
            for task, look in zip(some, looks, strict=True):
                if not self._is_satisfied and not await self._search_task(task.task_id, look):
                    return task.place
            if self._is_satisfied:
                return None
        return tasks[MAX_TASKS].place if len(tasks) > MAX_TASKS else None

    async def _look(self, task_id: str, known: Hint | None) -> Look:
        """A task from where the operator stands in it.

        Who is new there looks at all free places: in a small task that is all there is to see. A large one is walked
        through by slot, from a start of the operator's own.
        """
        if known is not None:
            hint = mongo_walks.back(known, self._now)
            return Look(known, hint, await self._window(task_id, hint.walk))
        lap = mongo_walks.begin(self._operator, task_id, self._now)
        whole = replace(lap, walk=walks.whole(lap.walk))
        window = await self._window(task_id, whole.walk)
        if len(window) < self._window_size:
            return Look(None, whole, window)
        return Look(None, lap, await self._window(task_id, lap.walk))

    async def _search_task(self, task_id: str, look: Look) -> bool:
        """Walk on through a task; False where there was more to see than there are windows to look through."""
        try:
            brief = await self._briefs.get(task_id)
        except NotFound:  # cancelled meanwhile
            return True
        walk, window, seen = look.hint.walk, look.window, 0
        while True:
            seen += len(window)
            is_last = len(window) < self._window_size
            candidates = [_candidate(stored.document) for stored in window]
            first_left = await self._grant_from(brief, walk, window, candidates)
            is_seen = is_last and walk.phase == "openings" and first_left is None
            walk = walks.advance(walk, candidates, first_left=first_left, is_last=is_last)
            if is_seen or self._is_satisfied or self._windows_left <= 0:
                break
            window = await self._window(task_id, walk)
        hint = replace(look.hint, walk=walk)
        if hint != look.known and (seen or look.known):  # where nothing was seen, a new walk begins as this one did
            self._walked[task_id] = hint
        if is_seen and not seen:
            self._emptied.append(task_id)
        return is_seen or self._is_satisfied

    async def note(self, *, is_named: bool) -> None:
        """Keep where the operator stands now, and what was learnt about tasks in which there was nothing to see. It may
        be lost, so whoever asked need not wait for it.

        One that was named is asked for again and again by whoever wants nothing else: it is only taken off the list.
        """
        if is_named:
            emptied = [self._briefs.unlist(task_id, self._has_open) for task_id in self._emptied]
        else:
            emptied = [self._let_rest(task_id) for task_id in self._emptied]
        noting = (self._walks.keep(self._operator, self._walked), *emptied)
        outcomes = await asyncio.gather(*noting, return_exceptions=True)  # nothing goes on after the operator's turn
        for failed in outcomes:
            if isinstance(failed, BaseException):
                raise failed

    async def _let_rest(self, task_id: str) -> None:
        """Until its first place opens, if there is none now; off the list, if there will be none.

        Where a place opened earlier between the look and the rest, nobody may have found it to be woken.
        """
        opens_at = await self._first_opening(task_id)
        if opens_at is None:
            await self._briefs.unlist(task_id, self._has_open)
        elif opens_at > self._now:
            until = min(opens_at, self._now + REST_S)
            await self._briefs.rest(task_id, until, self._now)
            opens_at = await self._first_opening(task_id)
            if opens_at is not None and opens_at < until:
                await self._briefs.wake(task_id, self._now)

    async def _first_opening(self, task_id: str) -> float | None:
        """When the first place of a task opened, or will open."""
        places = self._subtasks.collection.find({"place.task_id": {"$eq": task_id}})
        with errors_named():
            first = await places.sort([("place.at", 1), ("place.slot", 1)]).limit(1).to_list()
        return first[0]["place"]["at"] if first else None

    @property
    def _window_size(self) -> int:
        """How many candidates to look at at a time."""
        return max(MIN_WINDOW, 2 * (self._wanted - len(self._granted)))

    async def _window(self, task_id: str, walk: Walk) -> list[Stored[Subtask]]:
        self._windows_left -= 1
        if walk.phase == "openings":
            return await self._openings(task_id, walk)
        first, end = walk.slots()
        slots = {"place.slot": {"$gte": first, "$lt": end}, "place.at": {"$lte": self._now}}
        return await self._places(task_id, slots, order=("place.slot",))

    async def _openings(self, task_id: str, walk: Walk) -> list[Stored[Subtask]]:
        """Places that opened after the walk. One look, in which there is mostly but one that was looked at before; so
        many opened at one instant that it is full of such, look beyond them."""
        found = await self._places(task_id, {"place.at": {"$gte": walk.since, "$lte": self._now}})
        new = [one for one in found if _opening(one) > (walk.since, walk.slot)]
        if len(new) == len(found) or len(found) < self._window_size:
            return new
        same, later = await asyncio.gather(
            self._places(task_id, {"place.at": {"$eq": walk.since}, "place.slot": {"$gt": walk.slot}}),
            self._places(task_id, {"place.at": {"$gt": walk.since, "$lte": self._now}}),
        )
        return (same + later)[: self._window_size]

    async def _places(
        self, task_id: str, where: Document, *, order: Sequence[str] = ("place.at", "place.slot")
    ) -> list[Stored[Subtask]]:
        """Free places of a task, as many as a window holds; one range of one index, which any server can walk."""
        size = self._window_size
        cursor = self._subtasks.collection.find({"place.task_id": {"$eq": task_id}, **where})
        with errors_named():
            found = await cursor.sort([(field, 1) for field in order]).limit(size).batch_size(size).to_list()
        return [self._subtasks.stored(one) for one in found]

    async def _grant_from(
        self, brief: Brief, walk: Walk, window: Sequence[Stored[Subtask]], candidates: Sequence[Candidate]
    ) -> int | None:
        """Grant candidates of a window until there are enough; returns the first one left that was not asked for."""
        asked: set[int] = set()
        wished: list[tuple[Brief, Stored[Subtask], Subtask]] = []
        for position in walks.priority(candidates, walk.start):
            if len(self._granted) + len(wished) >= self._wanted:
                break
            asked.add(position)
            decision = self._decide(window[position].state, brief)
            if decision.answer:
                wished.append((brief, window[position], decision.state))
        await self._save(wished)
        return next((position for position in range(len(window)) if position not in asked), None)

    def _decide(self, subtask: Subtask, brief: Brief) -> Decision[Subtask, bool]:
        return self._grant(subtask, brief, self._now)

    async def _save(self, wished: Sequence[tuple[Brief, Stored[Subtask], Subtask]]) -> None:
        """Write leases, all at once; where somebody was faster, look which were had and ask for the others again."""
        if not wished:
            return
        writes = [UpdateOne(*self._subtasks.guarded(before, after, [])) for _, before, after in wished]
        with errors_named():
            written = await self._subtasks.collection.bulk_write(writes, ordered=False)
        if written.matched_count == len(wished):
            self._granted += [(after, brief) for brief, _, after in wished]
            return
        had = await self._had([after for _, _, after in wished])
        self._granted += [(after, brief) for brief, _, after in wished if after.id in had]
        await asyncio.gather(*(self._ask_again(brief, after.id) for brief, _, after in wished if after.id not in had))

    async def _had(self, wished: Sequence[Subtask]) -> set[str]:
        """Which of these leases were saved: the answer to a bulk write does not say."""
        with errors_named():
            found = await self._subtasks.collection.find({"_id": {"$in": [one.id for one in wished]}}).to_list()
        now = {one["_id"]: self._subtasks.stored(one).state for one in found}
        return {one.id for one in wished if one.id in now and one.leases[-1] in now[one.id].leases}

    async def _ask_again(self, brief: Brief, subtask_id: str) -> None:
        try:
            decision = await self._update(subtask_id, self._grant)
        except NotFound:  # its task was cancelled and purged meanwhile
            return
        if decision.answer:
            self._granted.append((decision.state, brief))

    async def _has_open(self, task_id: str) -> bool:
        with errors_named():
            found: Any = await self._subtasks.collection.find_one(
                {"task_id": {"$eq": task_id}, "state": {"$eq": "open"}}, {"_id": 1}
            )
        return found is not None


def _spans(tasks: Sequence[Listed], hints: Mapping[str, Hint]) -> Iterator[Sequence[Listed]]:
    """Each up to a task of which the operator has not seen all yet, for such a one mostly has enough; and each twice as
    many at least as the one before, which had not."""
    some: list[Listed] = []
    least = 1
    for one in tasks:
        some.append(one)
        hint = hints.get(one.task_id)
        is_seen = hint is not None and hint.walk.phase == "openings"
        if len(some) == TASKS_AT_ONCE or (len(some) >= least and not is_seen):
            yield some
            some, least = [], min(2 * least, TASKS_AT_ONCE)
    if some:
        yield some


def _opening(stored: Stored[Subtask]) -> tuple[float, int]:
    """The order of openings: (available at, slot)."""
    place = stored.document["place"]
    return place["at"], place["slot"]


def _candidate(document: Any) -> Candidate:
    place = document["place"]
    return Candidate(id=document["_id"], slot=place["slot"], available_at=place["at"], has_votes=place["has_votes"])
