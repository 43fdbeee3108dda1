"""The search of one lease request: which window to read next, which candidates to try, when to stop. Pure.

A store runs it, task by task, and tells it what it read and granted:

    task = TaskSearch(search, walk)
    while (window := task.next_window()) is not None:
        task.seen(the candidates of that window)
        while (candidate := task.next_candidate()) is not None:
            search.granted += 1, if the rule grants the candidate
    keep task.walk_to_keep for the operator's next request

A store that writes the grants of a window together subtracts from `granted` those that it could not save.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.subtask_manager import walk as walks
from services.subtask_manager.walk import Candidate, Walk

MIN_WINDOW = 16
MAX_TASKS = 32
"""The most tasks that one request searches."""


@dataclass(slots=True, kw_only=True)
class Search:
    """How many leases the caller still wants, how many were granted, and how many windows may still be read."""

    wanted: int
    windows_left: int
    granted: int = 0

    @property
    def missing(self) -> int:
        return self.wanted - self.granted


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What to read: the first `size` free places from the walk's position, in the order of its phase."""

    walk: Walk
    size: int


class TaskSearch:
    """The search in one task. Its first window is read even without budget, so that every request gets on.

    has_begun: a window was seen whose candidates may be tried.
    """

    def __init__(self, search: Search, walk: Walk) -> None:
        self.has_begun = False
        self._search = search
        self._walk = walk
        self._size = 0
        self._window: Sequence[Candidate] | None = None  # the last window that was seen, until the walk has passed it
        self._untried: list[int] = []  # positions in the window, the next one last
        self._has_places = self._is_all_seen = False

    def next_window(self) -> Window | None:
        """The window to read next; None: the search in this task is over."""
        if self._window is not None:
            self._pass(self._window)
        is_over = self._search.missing <= 0 or self._search.windows_left <= 0
        if self._is_all_seen or (self.has_begun and is_over):
            return None
        self._search.windows_left -= 1
        self._size = max(MIN_WINDOW, 2 * self._search.missing)
        return Window(walk=self._walk, size=self._size)

    def seen(self, window: Sequence[Candidate]) -> None:
        """Take in the window that the store read."""
        self._window = window
        if self._walk.phase == "whole" and len(window) == self._size:
            return  # the task is too large for one window: the lap comes next
        self.has_begun = True
        self._has_places |= bool(window)
        self._untried = walks.priority(window, self._walk.start)[::-1]

    def next_candidate(self) -> Candidate | None:
        """The candidate to try next; None: the caller has enough, or all were tried."""
        if self._window is None or not self._untried or self._search.missing <= 0:
            return None
        return self._window[self._untried.pop()]

    @property
    def walk_to_keep(self) -> Walk | None:
        """The operator's walk; None: the next search begins in the same way without it."""
        return None if self._walk.phase == "whole" else self._walk

    @property
    def is_cut_short(self) -> bool:
        """Whether the task may have more for the caller, who lacks leases."""
        return not self._is_all_seen and self._search.missing > 0

    @property
    def is_emptied(self) -> bool:
        """Whether the whole task was looked at and had no free place."""
        return self._is_all_seen and not self._has_places

    def _pass(self, window: Sequence[Candidate]) -> None:
        """Walk past a window, but not past the first candidate that was not tried."""
        first_left = min(self._untried, default=None)
        is_last = len(window) < self._size
        self._is_all_seen = self._walk.is_in_openings and is_last and first_left is None
        self._walk = walks.advance(self._walk, window, first_left=first_left, is_last=is_last)
        self._window, self._untried = None, []
