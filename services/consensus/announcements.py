"""What the consensus service tells the others."""

from collections.abc import Sequence
from typing import Any

from services.consensus.run import Run, Sending
from services.consensus.store.codec import SOURCE
from shared import events
from shared.event_data import Doubt
from shared.events import Message


def doubted(run: Run, sending: Sending, items: Sequence[dict[str, Any]], now: float) -> Message:
    """Somebody wants adjudicators to look at images on which a method differs from the record. Told again, a page has
    the same id."""
    event_id = f"{run.id}/doubted/{sending.method}/{sending.page}"
    attributes = events.envelope(event_id=event_id, source=SOURCE, subject=run.id, at=now)
    doubts = tuple(
        Doubt(subtask_id=one["image_id"], revision=one["revision"], label=one["methods"][sending.method]["label"])
        for one in items
    )
    data = events.SubtasksDoubted(
        task_id=run.task_id, run_id=run.id, method=sending.method, by=sending.by, at=sending.at, doubts=doubts
    )
    return events.message(events.SubtasksDoubtedV1(**attributes, data=data))
