"""What the subtask manager tells anew where the broker was lost: which subtasks wait for a detector, and how others
ended."""

from collections.abc import AsyncIterator, Sequence

from services.subtask_manager import announcements
from services.subtask_manager.store import SubtaskStore
from shared.clock import Clock
from shared.events import Message

AT_ONCE = 200


async def told_anew(store: SubtaskStore, clock: Clock) -> AsyncIterator[Sequence[Message]]:
    """Of every subtask, in pages, whatever its task's state."""
    after = ""
    while ids := await store.ids(after=after, limit=AT_ONCE):
        found = await store.find_each(ids)
        yield [message for subtask, brief in found for message in announcements.anew(subtask, brief, clock())]
        after = ids[-1]
