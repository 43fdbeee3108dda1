"""What a process remembers of tasks is bounded by its bytes: a client may name very much in each."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from services.subtask_manager.store.codec import BRIEFS, BRIEFS_CACHED_BYTES, brief_bytes
from services.subtask_manager.store.mongo.briefs import MongoBriefs
from services.subtask_manager.store.sqlite import SqliteSubtaskStore
from services.subtask_manager.subtask import Brief
from shared.terms import DetectorPolicy, Terms

LABELS = tuple(f"{number:030}" for number in range(1_000))
MANY = 120


def large(number: int) -> Brief:
    """All that a client may name in one task."""
    terms = Terms(
        labels=LABELS,
        instructions="i" * 10_000,
        label_names={label: label[::-1] for label in LABELS},
        detector=DetectorPolicy(label_map={label[:15]: label for label in LABELS}),
    )
    return Brief(task_id=f"{number:032x}", owner="ann", terms=terms, created_at=0.0)


def through_sqlite() -> Callable[[Brief], Brief]:
    nothing: Any = None
    decoded = SqliteSubtaskStore(nothing, nothing, nothing)._decoded
    return lambda brief: decoded(BRIEFS.text(brief))


def through_mongodb() -> Callable[[Brief], Brief | None]:
    nothing: Any = None
    briefs = MongoBriefs(nothing)
    return lambda brief: briefs.remember({"_id": brief.task_id, "is_cancelled": False, **BRIEFS.document(brief)}).brief


@pytest.mark.parametrize("remembering", [through_sqlite, through_mongodb])
def test_large_tasks_push_each_other_out(remembering):
    remember = remembering()
    tracemalloc.start()
    try:
        for number in range(MANY):
            assert remember(large(number)) == large(number)
        held_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held_bytes < 2 * BRIEFS_CACHED_BYTES < MANY * brief_bytes(large(0))


@pytest.mark.parametrize("remembering", [through_sqlite, through_mongodb])
def test_what_is_remembered_is_not_read_again(remembering):
    remember = remembering()
    assert remember(large(1)) is remember(large(1))
