"""A look at what an operator can work on, on MongoDB: the operator's leases, the list of tasks and the hints, then the
first windows of all tasks together."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from services.subtask_manager import walk as walks
from services.subtask_manager import work
from services.subtask_manager.search import MAX_TASKS, TaskSearch
from services.subtask_manager.store.mongo.briefs import MongoBriefs
from services.subtask_manager.store.mongo.leases import MongoLeases
from services.subtask_manager.store.mongo.listings import MongoListings
from services.subtask_manager.store.mongo.places import MongoPlaces
from services.subtask_manager.store.mongo.walks import MongoWalks
from services.subtask_manager.subtask import Brief, Subtask
from services.subtask_manager.walk import Hint
from services.subtask_manager.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class MongoLook:
    """One look, which only reads."""

    team: str
    operator: str
    now: float

    briefs: MongoBriefs
    listings: MongoListings
    walks: MongoWalks
    places: MongoPlaces
    leases: MongoLeases

    async def run(self) -> list[Work]:
        held, listed = await asyncio.gather(
            self.leases.of(self.team, self.operator, None, work.MAX_LEASES),
            self.listings.listed(self.team, self.operator, "", MAX_TASKS),
        )
        own = {brief.task_id for stored, brief in held if self._may(stored.state, brief)}
        hints = await self.walks.of(self.operator, [task.task_id for task in listed if task.task_id not in own])
        briefs = [await self.briefs.find(task.task_id) for task in listed]  # remembered from the list
        looks = (self._task(brief, hints, is_own=brief.task_id in own) for brief in briefs if brief is not None)
        return [one for one in await asyncio.gather(*looks) if one is not None]

    async def _task(self, brief: Brief, hints: Mapping[str, Hint], *, is_own: bool) -> Work | None:
        """What there is of a task; None where it has no open subtask, for it may be listed a while longer."""
        if is_own or await self._is_open(brief, hints.get(brief.task_id)):
            return Work(brief=brief, is_open=True, waiting_for_others=0)
        waiting = await self.places.count_open([brief.task_id], work.MAX_COUNTED)
        return Work(brief=brief, is_open=False, waiting_for_others=waiting) if waiting else None

    async def _is_open(self, brief: Brief, kept: Hint | None) -> bool:
        begin = walks.begin_hint(self.operator, brief.task_id, self.now, order=brief.terms.order)
        task = TaskSearch(work.look(), (walks.back(kept, self.now) if kept else begin).walk)
        while (window := task.next_window()) is not None:
            read = dict(await self.places.window(brief.task_id, window, self.now))
            task.seen([*read])
            while (candidate := task.next_candidate()) is not None:
                if self._may(read[candidate].state, brief):
                    return True
        return task.is_cut_short

    def _may(self, subtask: Subtask, brief: Brief) -> bool:
        return work.is_open_for(subtask, brief, self.now, operator=self.operator)
