"""The search of a lease request, executed over a list of places as a store executes it over a database."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.subtask_manager.search import MIN_WINDOW, Search, TaskSearch, Window
from services.subtask_manager.walk import Candidate, Walk

LAP = Walk(start=100, slot=100, since=7.0)
WHOLE = replace(LAP, phase="whole")
SEEN = replace(LAP, phase="openings", since=7.0, slot=9)


def places(count: int, *, first: int = 0, opened_at: float = 5.0) -> list[Candidate]:
    return [
        Candidate(id=str(slot), slot=slot, available_at=opened_at, has_votes=False)
        for slot in range(first, first + count)
    ]


def read(free: list[Candidate], window: Window) -> list[Candidate]:
    """What an index yields."""
    walk = window.walk
    if walk.is_in_openings:
        return sorted((one for one in free if one.opening > walk.seen_to), key=lambda one: one.opening)[: window.size]
    low, high = walk.slots()
    return sorted((one for one in free if low <= one.slot < high), key=lambda one: one.slot)[: window.size]


def begun(search: Search, walk: Walk, free: list[Candidate]) -> TaskSearch:
    """A search in a task whose first window was read."""
    task = TaskSearch(search, walk)
    while not task.has_begun and (window := task.next_window()) is not None:
        task.seen(read(free, window))
    return task


def granted(search: Search, task: TaskSearch) -> list[int]:
    """Grant whatever there is in the window; the slots."""
    slots: list[int] = []
    while (candidate := task.next_candidate()) is not None:
        search.granted += 1
        slots.append(candidate.slot)
    return slots


def passed_over(task: TaskSearch) -> int:
    """Grant nothing of the window; how many were tried."""
    tried = 0
    while task.next_candidate() is not None:
        tried += 1
    return tried


def test_a_small_task_is_seen_in_one_window():
    search = Search(wanted=20, windows_left=10)
    task = begun(search, WHOLE, places(3))
    assert granted(search, task) == [0, 1, 2]
    assert task.next_window() is None
    assert (task.is_cut_short, task.is_emptied) == (False, False)
    assert task.walk_to_keep == replace(LAP, phase="openings", since=5.0, slot=2)
    assert search.windows_left == 9


def test_a_large_task_is_walked_by_slot_after_a_first_look():
    search = Search(wanted=1, windows_left=10)
    task = begun(search, WHOLE, places(MIN_WINDOW + 110))
    assert granted(search, task) == [100]
    assert task.next_window() is None
    assert task.walk_to_keep == replace(LAP, slot=101)
    assert search.windows_left == 8


@pytest.mark.parametrize(("walk", "kept"), [(WHOLE, None), (SEEN, SEEN)], ids=["new", "known"])
def test_a_task_without_a_free_place_is_emptied_and_a_new_walk_in_it_is_not_kept(walk, kept):
    task = begun(Search(wanted=1, windows_left=10), walk, [])
    assert task.next_window() is None
    assert (task.is_cut_short, task.is_emptied, task.walk_to_keep) == (False, True, kept)


def test_a_lap_through_nothing_is_kept():
    search = Search(wanted=1, windows_left=10)
    task = begun(search, LAP, [])
    while (window := task.next_window()) is not None:
        task.seen(read([], window))
    assert (task.is_emptied, task.walk_to_keep) == (True, replace(LAP, phase="openings", slot=-1))
    assert search.windows_left == 7, "from the start up, up to the start, and what opened"


@pytest.mark.parametrize("walk", [WHOLE, LAP], ids=["in one look", "in a lap"])
def test_a_task_whose_places_are_not_for_this_operator_is_not_emptied(walk):
    free = places(3)
    task = begun(Search(wanted=1, windows_left=10), walk, free)
    tried = passed_over(task)
    while (window := task.next_window()) is not None:
        task.seen(read(free, window))
        tried += passed_over(task)
    assert (tried, task.is_cut_short, task.is_emptied) == (3, False, False)


def test_a_search_whose_windows_are_spent_is_cut_short_and_goes_on_from_there():
    search = Search(wanted=1, windows_left=2)
    task = begun(search, LAP, places(50, first=100))
    assert passed_over(task) == MIN_WINDOW
    window = task.next_window()
    assert window == Window(walk=replace(LAP, slot=100 + MIN_WINDOW), size=MIN_WINDOW)
    task.seen(read(places(50, first=100), window))
    assert passed_over(task) == MIN_WINDOW
    assert task.next_window() is None
    assert task.is_cut_short
    assert task.walk_to_keep == replace(LAP, slot=100 + 2 * MIN_WINDOW)


@pytest.mark.parametrize(("wanted", "size"), [(1, MIN_WINDOW), (20, 40)])
def test_a_window_has_room_for_twice_what_is_missing(wanted, size):
    search = Search(wanted=wanted + 5, windows_left=10, granted=5)
    assert TaskSearch(search, LAP).next_window() == Window(walk=LAP, size=size)


def test_the_first_window_of_a_task_is_read_though_none_is_left():
    search = Search(wanted=1, windows_left=0)
    task = begun(search, WHOLE, places(MIN_WINDOW, first=100))
    assert passed_over(task) == MIN_WINDOW
    assert task.next_window() is None
    assert task.is_cut_short


def test_what_was_not_tried_comes_first_the_next_time():
    search = Search(wanted=1, windows_left=10)
    free = [*places(2, first=100), replace(places(1, first=102)[0], has_votes=True)]
    task = begun(search, LAP, free)
    assert granted(search, task) == [102], "it has votes"
    assert task.next_window() is None
    assert task.walk_to_keep == LAP
    assert not task.is_cut_short


def test_windows_that_were_read_together_share_what_is_missing():
    search = Search(wanted=3, windows_left=10)
    first, second = begun(search, WHOLE, places(2)), begun(search, WHOLE, places(2))
    assert granted(search, first) == [0, 1]
    assert first.next_window() is None
    assert granted(search, second) == [0]
    assert second.next_window() is None
    assert second.walk_to_keep == replace(LAP, phase="openings", since=5.0, slot=0)


def test_a_grant_that_was_lost_to_another_replica_is_still_missing():
    search = Search(wanted=2, windows_left=10)
    free = places(40, first=100)
    task = begun(search, LAP, free)
    assert granted(search, task) == [100, 101]
    search.granted -= 1
    window = task.next_window()
    assert window is not None
    task.seen(read(free, window))
    assert granted(search, task) == [102], "neither of the two again"
    assert task.next_window() is None


def test_after_a_lost_grant_the_last_window_is_read_again_for_what_was_not_tried():
    search = Search(wanted=1, windows_left=10)
    free = places(2, opened_at=8.0)
    task = begun(search, SEEN, free)
    assert granted(search, task) == [0]
    search.granted -= 1
    window = task.next_window()
    assert window is not None
    task.seen(read(free, window))
    assert granted(search, task) == [1]


@dataclass
class Crowd:
    """A task's places: which are free, which the operator may lease, and which were granted to whom."""

    free: list[Candidate] = field(default_factory=list)
    own: set[str] = field(default_factory=set)
    granted: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


REQUEST = st.tuples(
    st.dictionaries(st.integers(0, 300), st.tuples(st.booleans(), st.booleans()), max_size=60),  # has votes, may lease
    st.integers(1, 12),  # leases
    st.integers(1, 4),  # windows
    st.sets(st.integers(0, 11)),  # which grants another replica gets first
)


@given(st.integers(0, 300), st.sampled_from(["lap", "whole"]), st.lists(REQUEST, min_size=1, max_size=5))
def test_no_place_is_missed_and_none_is_granted_twice_and_there_is_an_end(start, phase, requests):
    task, walk = Crowd(), Walk(start=start, slot=start, since=0.0, phase=phase)
    for now, (opened, wanted, windows, lost) in enumerate(requests):
        for slot, (has_votes, may_lease) in opened.items():
            new = Candidate(id=f"{now}/{slot}", slot=slot, available_at=float(now), has_votes=has_votes)
            task.free.append(new)
            if may_lease:
                task.own.add(new.id)
        walk, _ = requested(task, walk, Search(wanted=wanted, windows_left=windows), lost)
    for _ in range(2 * len(task.free) + 10):
        search = Search(wanted=3, windows_left=1)
        walk, is_cut_short = requested(task, walk, search, set())
        if not search.granted and not is_cut_short:
            break
    else:
        raise AssertionError("the search does not end")
    assert sorted(task.granted + task.lost) == sorted(task.own)


def requested(task: Crowd, walk: Walk, search: Search, lost: set[int]) -> tuple[Walk, bool]:
    """One lease request, which saves the grants of each window together."""
    one = TaskSearch(search, walk)
    while (window := one.next_window()) is not None:
        one.seen(read(task.free, window))
        wished: list[Candidate] = []
        while (candidate := one.next_candidate()) is not None:
            if candidate.id in task.own:
                search.granted += 1
                wished.append(candidate)
        for position, candidate in enumerate(wished):
            task.free.remove(candidate)
            (task.lost if position in lost else task.granted).append(candidate.id)
        search.granted -= len(lost.intersection(range(len(wished))))
    assert 0 <= search.granted <= search.wanted
    assert search.windows_left >= -1, "at the most the first window of the lap"
    return one.walk_to_keep or walk, one.is_cut_short
