"""The events of the subtask manager, made from the facts that its rules state."""

from services.subtask_manager.subtask import Brief, Fact, Subtask
from shared import events
from shared.events import Message
from shared.flat import flattened
from shared.results import VoteCast, tally_of

SOURCE = "quorate/subtask_manager"
_ENDED = {
    Fact.COMPLETED: events.SubtaskCompletedV1,
    Fact.DISPUTED: events.SubtaskDisputedV1,
    Fact.ADJUDICATED: events.SubtaskAdjudicatedV1,
}


def announce(subtask: Subtask, brief: Brief, facts: tuple[str, ...], now: float) -> list[Message]:
    """The events of a change. Announced again, a change gets events with the same ids."""
    return [
        _opened(subtask, brief, now) if fact == Fact.OPENED else _ended(subtask, brief, Fact(fact), now)
        for fact in facts
    ]


def anew(subtask: Subtask, brief: Brief, now: float) -> list[Message]:
    """What others must have heard of a subtask by now, with the ids that it was told with."""
    result = subtask.result
    if result is None:
        waits = subtask.prelabel is None and brief.terms.detector.mode != "off"
        return announce(subtask, brief, (Fact.OPENED,) if waits else (), now)
    ended = Fact.DISPUTED if subtask.state == "disputed" else Fact.COMPLETED
    fact = Fact.ADJUDICATED if result.decided_by == "adjudicator" else ended
    return announce(subtask, brief, (fact,), result.completed_at)


def task_applied(brief: Brief, now: float) -> Message:
    """The terms of a brief are in effect."""
    event_id = f"{brief.task_id}/applied/{brief.revision}"
    attributes = events.envelope(event_id=event_id, source=SOURCE, subject=brief.task_id, at=now)
    data = events.TaskApplied(task_id=brief.task_id, revision=brief.revision)
    return events.message(events.TaskAppliedV1(**attributes, data=data))


def _opened(subtask: Subtask, brief: Brief, now: float) -> Message:
    data = events.SubtaskToLookAt(
        task_id=subtask.task_id,
        subtask_id=subtask.id,
        object_key=subtask.object_key,
        min_confidence=brief.terms.detector.min_confidence,
    )
    event_id = f"{subtask.id}/opened"
    return events.message(
        events.SubtaskOpenedV2(
            **events.envelope(event_id=event_id, source=SOURCE, subject=subtask.id, at=now), data=data
        )
    )


def _ended(subtask: Subtask, brief: Brief, fact: Fact, now: float) -> Message:
    result = subtask.result
    if result is None:
        raise ValueError(f"subtask {subtask.id} has not ended")
    data = events.SubtaskEnded(
        task_id=subtask.task_id,
        subtask_id=subtask.id,
        state="disputed" if subtask.state == "disputed" else "completed",
        tally=tally_of(subtask.votes),
        votes=tuple(VoteCast(voter=vote.voter, label=vote.label, at=vote.at) for vote in subtask.votes),
        prelabel=subtask.prelabel,
        earlier=subtask.earlier,
        team=brief.team,
        task_name=brief.name,
        **flattened(result),
    )
    event_id = f"{subtask.id}/ended/{result.revision}"
    return events.message(
        _ENDED[fact](**events.envelope(event_id=event_id, source=SOURCE, subject=subtask.id, at=now), data=data)
    )
