from dataclasses import replace

import pytest

from services.subtask_manager import walk as walks
from services.subtask_manager.walk import LATE_S, SLOTS, SOON_S, Candidate, Hint, Walk


def candidates(*slots: int, has_votes: tuple[int, ...] = (), available_at: float = 5.0) -> list[Candidate]:
    return [
        Candidate(id=str(slot), slot=slot, available_at=available_at, has_votes=slot in has_votes) for slot in slots
    ]


LAP = Walk(start=100, slot=100, since=7.0)


def test_a_walk_begins_at_a_start_of_the_operators_own():
    walk = walks.begin("ann", "task", 3.0)
    assert walk == walks.begin("ann", "task", 3.0)
    assert (walk.slot, walk.since, walk.phase) == (walk.start, 3.0, "lap")
    starts = {walks.begin(operator, task, 3.0).start for operator in ("ann", "bob") for task in ("t1", "t2")}
    assert len(starts) == 4
    assert all(0 <= start < SLOTS for start in starts)


@pytest.mark.parametrize(
    ("walk", "slots"),
    [
        (LAP, (100, SLOTS)),
        (replace(LAP, slot=150), (150, SLOTS)),
        (replace(LAP, phase="wrapped", slot=0), (0, 100)),
        (replace(LAP, phase="wrapped", slot=42), (42, 100)),
    ],
)
def test_a_lap_goes_from_the_start_up_and_then_from_the_bottom_to_the_start(walk, slots):
    assert walk.slots() == slots


def test_subtasks_that_have_votes_are_tried_first_else_by_slot_from_the_operator_s_start():
    window = candidates(1, 2, 3, 4, has_votes=(2, 4))
    assert walks.priority(window, 1) == [1, 3, 0, 2]
    assert walks.priority(window, 3) == [3, 1, 2, 0]
    assert walks.priority([], 1) == []


def test_a_small_task_is_seen_in_one_window_of_openings():
    whole = replace(LAP, phase="whole")
    assert whole.seen_to == (0.0, -1)
    seen = walks.advance(whole, candidates(8, 3), first_left=None, is_last=True)
    assert seen == replace(LAP, phase="openings", since=5.0, slot=3)
    assert walks.advance(whole, [], first_left=None, is_last=True) == whole, "nothing to keep"
    assert walks.advance(whole, candidates(8, 3), first_left=None, is_last=False) == LAP, "too large"


@pytest.mark.parametrize(
    ("walk", "window", "first_left", "is_last", "expected"),
    [
        pytest.param(LAP, (110, 120), None, False, replace(LAP, slot=121), id="on"),
        pytest.param(LAP, (110, 120), 1, False, replace(LAP, slot=120), id="what is left comes again"),
        pytest.param(LAP, (110, 120), 0, True, replace(LAP, slot=110), id="left in the last window"),
        pytest.param(LAP, (110,), None, True, replace(LAP, phase="wrapped", slot=0), id="wraps at the top"),
        pytest.param(LAP, (), None, True, replace(LAP, phase="wrapped", slot=0), id="wraps from nothing"),
        pytest.param(
            replace(LAP, phase="wrapped", slot=0),
            (90,),
            None,
            True,
            replace(LAP, phase="openings", slot=-1),
            id="the lap is done",
        ),
        pytest.param(
            replace(LAP, phase="wrapped", slot=0), (90,), 0, True, replace(LAP, phase="wrapped", slot=90), id="not yet"
        ),
        pytest.param(
            replace(LAP, phase="openings", slot=-1),
            (8, 3),
            None,
            True,
            replace(LAP, phase="openings", since=5.0, slot=3),
            id="openings are read up to the last",
        ),
        pytest.param(
            replace(LAP, phase="openings", slot=-1),
            (8, 3),
            1,
            True,
            replace(LAP, phase="openings", since=5.0, slot=2),
            id="the opening that is left comes again",
        ),
        pytest.param(
            replace(LAP, phase="openings", slot=9),
            (),
            None,
            True,
            replace(LAP, phase="openings", slot=9),
            id="nothing new",
        ),
    ],
)
def test_a_walk_advances(walk, window, first_left, is_last, expected):
    assert walks.advance(walk, candidates(*window), first_left=first_left, is_last=is_last) == expected


@pytest.mark.parametrize("window_size", [1, 2, 7, 64])
@pytest.mark.parametrize("start", [0, 1, 500, 998, 999, 1000])
def test_one_lap_passes_every_slot_once(start, window_size):
    slots = list(range(0, 1000, 3))
    walk, seen = Walk(start=start, slot=start, since=0.0), []
    while walk.phase != "openings":
        low, high = walk.slots()
        window = [slot for slot in slots if low <= slot < high][:window_size]
        seen += window
        walk = walks.advance(walk, candidates(*window), first_left=None, is_last=len(window) < window_size)
    assert sorted(seen) == slots


def test_where_other_replicas_write_a_walk_looks_at_the_whole_task_and_reads_openings_from_before_it_began():
    walk = walks.begin("ann", "task", 100.0 - LATE_S)
    hint = walks.begin_hint("ann", "task", 100.0)
    assert hint == Hint(walk=replace(walk, phase="whole"), back_soon_at=100.0, back_late_at=100.0)


READ = Walk(start=100, slot=42, since=1000.0, phase="openings")


@pytest.mark.parametrize(
    ("hint", "now", "since"),
    [
        pytest.param(Hint(walk=READ, back_soon_at=1000.0, back_late_at=990.0), 1000.0 + SOON_S, 995.0, id="a little"),
        pytest.param(Hint(walk=READ, back_soon_at=1000.0, back_late_at=975.0), 1000.0 + SOON_S, 945.0, id="more"),
        pytest.param(
            Hint(walk=replace(READ, since=900.0), back_soon_at=1000.0, back_late_at=990.0), 1005.0, 900.0, id="not on"
        ),
    ],
)
def test_a_walk_goes_back_for_places_that_became_visible_late(hint, now, since):
    later = walks.back(hint, now)
    assert later.walk == replace(READ, since=since, slot=-1)
    assert later.back_soon_at == now
    assert later.back_late_at == (now if now - hint.back_late_at >= LATE_S else hint.back_late_at)


@pytest.mark.parametrize(
    ("walk", "now"), [(READ, 1000.0 + SOON_S - 0.001), (LAP, 2000.0)], ids=["too soon", "in its lap"]
)
def test_a_walk_does_not_go_back(walk, now):
    hint = Hint(walk=walk, back_soon_at=1000.0, back_late_at=900.0)
    assert walks.back(hint, now) == hint
