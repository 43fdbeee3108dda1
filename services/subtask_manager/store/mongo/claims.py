"""A lease request on MongoDB: the operator's own leases, then a search through tasks, window by window.

Tasks that rest come after the others: they had no free subtask at the last look. So the oldest tasks, whose last images
are held by operators who went away, are searched now and then and not by every request.

Where the first window has enough, a request takes five round trips whatever its size: the operator's leases and the
tasks together, the hints, the window, one bulk write, and a read back where another writer was faster somewhere. An
operator who is new in a large task takes one more. The hints are saved after the caller has the answer.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from services.subtask_manager import walk as walks
from services.subtask_manager.search import MAX_TASKS, Search, TaskSearch
from services.subtask_manager.store import Decide
from services.subtask_manager.store.mongo.briefs import MongoBriefs
from services.subtask_manager.store.mongo.leases import Found, Grant, Held, MongoLeases
from services.subtask_manager.store.mongo.listings import Listed, MongoListings
from services.subtask_manager.store.mongo.places import MongoPlaces
from services.subtask_manager.store.mongo.walks import MongoWalks, Stop
from services.subtask_manager.subtask import Brief, Subtask
from services.subtask_manager.walk import Candidate, Hint
from shared.mongo import Stored
from shared.teams import key_in

TASKS_AT_ONCE = 8
"""So many tasks have their first windows read together."""
ROUND_S = 60.0
"""A round that began longer ago looks at the oldest tasks once more before it says that there is nothing."""


@dataclass(slots=True, kw_only=True)
class _Visit:
    """The search in one task: the hint as it was kept, the one it goes on from, and the window that was read last."""

    task_id: str
    kept: Hint | None
    hint: Hint
    search: TaskSearch
    window: dict[Candidate, Stored[Subtask]] = field(default_factory=dict[Candidate, Stored[Subtask]])


@dataclass(slots=True, kw_only=True)
class MongoClaim:
    """One lease request under way: what was asked for, where to look for it, and what has come of it."""

    team: str
    operator: str
    task_id: str | None
    grant: Decide[bool]
    now: float
    search: Search

    briefs: MongoBriefs
    listings: MongoListings
    walks: MongoWalks
    places: MongoPlaces
    leases: MongoLeases

    _granted: list[Held] = field(default_factory=list[Held])
    _hints: dict[str, Hint] = field(default_factory=dict[str, Hint])
    _emptied: list[str] = field(default_factory=list[str])

    async def run(self) -> tuple[list[Held], bool]:
        """What the operator holds now, those held before first; and whether there may be more."""
        own, (stopped, awake) = await asyncio.gather(
            self.leases.of(self.team, self.operator, self.task_id), self._first_tasks()
        )
        live = [(stored.state, brief) for stored, brief in own if self._is_live(stored.state)][: self.search.wanted]
        self.search.granted = len(live)
        await self._try_lapsed([found for found in own if not self._is_live(found[0].state)][: self.search.missing])
        is_cut_short = False
        if self.search.missing > 0 and self.task_id is None:
            is_cut_short = await self._search_round(stopped, awake)
        elif self.search.missing > 0 and self.task_id is not None:
            hints = await self.walks.of(self.operator, [self.task_id])
            is_cut_short = await self._search_task(await self._visit(self.task_id, hints.get(self.task_id)))
        return live + self._granted, is_cut_short

    async def note(self) -> None:
        """Keep where the operator stands now, and put emptied tasks aside. All of it may be lost, so the caller need
        not wait.

        A task that was named is only unlisted: operators who want nothing else ask for it again and again.
        """
        if self.task_id is None:
            aside = [self.listings.put_aside(task_id, self.now) for task_id in self._emptied]
        else:
            aside = [self.listings.unlist(task_id) for task_id in self._emptied]
        outcomes: list[BaseException | None] = []
        for noting in ([self.walks.keep(self.operator, self._hints)], aside):  # a task that is unlisted forgets hints
            outcomes += await asyncio.gather(*noting, return_exceptions=True)  # all of it within the operator's turn
        for failed in outcomes:
            if isinstance(failed, BaseException):
                raise failed

    @property
    def _walker(self) -> str:
        """Whose rounds these are: an operator walks through the tasks of each team by itself."""
        return key_in(self.team, self.operator)

    def _is_live(self, subtask: Subtask) -> bool:
        return any(lease.operator == self.operator and lease.expires_at > self.now for lease in subtask.leases)

    async def _first_tasks(self) -> tuple[Stop | None, Sequence[Listed]]:
        """Where the last round stopped, and the tasks that are awake from there on; nothing where a task is named."""
        if self.task_id is not None:
            return None, ()
        stopped, oldest = await asyncio.gather(self.walks.stopped_at(self._walker), self._awake(""))
        if stopped is None or stopped.is_resting:
            return stopped, () if stopped else oldest
        return stopped, await self._awake(stopped.place)

    async def _awake(self, first: str) -> Sequence[Listed]:
        return await self.listings.awake(self.team, self.operator, first, MAX_TASKS + 1, self.now)

    async def _try_lapsed(self, lapsed: Sequence[Found]) -> None:
        """A subtask whose lease lapsed lies behind the operator's walk: try it once more, and forget it if it cannot be
        had, for then its place opens anew."""
        rulings = [(stored, self._rule(stored, brief)) for stored, brief in lapsed]
        await self._save([grant for _, grant in rulings if grant is not None])
        await self.leases.forget(self.operator, [stored for stored, grant in rulings if grant is None])

    async def _search_round(self, stopped: Stop | None, awake: Sequence[Listed]) -> bool:
        """Search the tasks that are awake, then those that rest; True where the search was cut short."""
        begun_at = self.now if stopped is None else stopped.begun_at
        place, is_resting = await self._search_tasks(awake), False
        if place is None and self.search.missing > 0:
            if stopped is not None and stopped.is_resting:  # those woken meanwhile are in the list of all tasks still
                last = await self.listings.listed(self.team, self.operator, stopped.place, MAX_TASKS + 1)
            else:
                last = await self.listings.resting(self.team, self.operator, MAX_TASKS + 1, self.now)
            place, is_resting = await self._search_tasks(last), True
        if place is not None:
            await self.walks.stop(self._walker, Stop(place=place, is_resting=is_resting, begun_at=begun_at))
            return True
        if stopped is not None:
            await self.walks.end_round(self._walker)
        return self.search.missing > 0 and self.now - begun_at > ROUND_S

    async def _search_tasks(self, tasks: Sequence[Listed]) -> str | None:
        """Search as many tasks as one request may, until the caller has enough. Returns the place before which the
        search stopped, if it did."""
        hints = await self.walks.of(self.operator, [task.task_id for task in tasks[:MAX_TASKS]])
        for together in _together(tasks[:MAX_TASKS], hints):
            visits = await asyncio.gather(*(self._visit(task.task_id, hints.get(task.task_id)) for task in together))
            for task, visit in zip(together, visits, strict=True):
                if await self._search_task(visit):
                    return task.place
                if self.search.missing <= 0:
                    return None
        return tasks[MAX_TASKS].place if len(tasks) > MAX_TASKS else None

    async def _visit(self, task_id: str, kept: Hint | None) -> _Visit:
        """Begin to search a task: read its first window."""
        hint = walks.back(kept, self.now) if kept else await self._begin(task_id)
        visit = _Visit(task_id=task_id, kept=kept, hint=hint, search=TaskSearch(self.search, hint.walk))
        while not visit.search.has_begun and await self._read_window(visit):
            pass
        return visit

    async def _begin(self, task_id: str) -> Hint:
        brief = await self.briefs.find(task_id)
        order = "random" if brief is None else brief.terms.order
        return walks.begin_hint(self.operator, task_id, self.now, order=order)

    async def _search_task(self, visit: _Visit) -> bool:
        """Go on in a task until its search is over; True where it was cut short."""
        brief = await self.briefs.find(visit.task_id)
        if brief is None:  # cancelled meanwhile
            return False
        await self._grant_window(visit, brief)
        while await self._read_window(visit):
            await self._grant_window(visit, brief)
        walk = visit.search.walk_to_keep
        if walk is not None and (hint := replace(visit.hint, walk=walk)) != visit.kept:
            self._hints[visit.task_id] = hint
        if visit.search.is_emptied:
            self._emptied.append(visit.task_id)
        return visit.search.is_cut_short

    async def _read_window(self, visit: _Visit) -> bool:
        """Read the next window of a task; False where its search is over."""
        window = visit.search.next_window()
        if window is None:
            return False
        visit.window = dict(await self.places.window(visit.task_id, window, self.now))
        visit.search.seen([*visit.window])
        return True

    async def _grant_window(self, visit: _Visit, brief: Brief) -> None:
        """Try a window's candidates, and save together what the rule grants."""
        grants: list[Grant] = []
        while (candidate := visit.search.next_candidate()) is not None:
            if (grant := self._rule(visit.window[candidate], brief)) is not None:
                self.search.granted += 1
                grants.append(grant)
        self.search.granted -= len(grants)  # until they are saved
        await self._save(grants)

    def _rule(self, stored: Stored[Subtask], brief: Brief) -> Grant | None:
        decision = self.grant(stored.state, brief, self.now)
        return Grant(stored, decision.state, brief) if decision.answer else None

    async def _save(self, grants: Sequence[Grant]) -> None:
        saved = await self.leases.save(grants, self.grant)
        self.search.granted += len(saved)
        self._granted += saved


def _together(tasks: Sequence[Listed], hints: Mapping[str, Hint]) -> Iterator[Sequence[Listed]]:
    """Tasks whose first windows are read together: up to the next one of which the operator has not seen all, for that
    one mostly has enough. Each time twice as many at least, since those before had not."""
    some: list[Listed] = []
    least = 1
    for task in tasks:
        some.append(task)
        hint = hints.get(task.task_id)
        is_seen = hint is not None and hint.walk.phase == "openings"
        if len(some) == TASKS_AT_ONCE or (len(some) >= least and not is_seen):
            yield some
            some, least = [], min(2 * least, TASKS_AT_ONCE)
    if some:
        yield some
