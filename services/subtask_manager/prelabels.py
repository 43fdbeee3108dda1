"""What a detector saw, taken in by the terms of the task. Pure."""

from services.subtask_manager.domain import apply_prelabel
from services.subtask_manager.subtask import Brief, Subtask
from shared.decision import Decision
from shared.proposals import propose
from shared.results import Detection


def apply_seen(
    subtask: Subtask, brief: Brief, now: float, *, model: str, objects: tuple[Detection, ...]
) -> Decision[Subtask, None]:
    """Translate what a detector saw, under the names of its model's classes, and take the proposal in."""
    policy = brief.terms.detector
    proposal = propose(
        objects,
        model=model,
        labels=brief.terms.labels,
        label_map=policy.label_map,
        min_confidence=policy.min_confidence,
    )
    return apply_prelabel(subtask, brief, now, prelabel=proposal)
