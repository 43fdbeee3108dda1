"""What a detector saw, and what a client imported, taken in by the terms of the task. Pure."""

from dataclasses import replace

from services.subtask_manager import ranking
from services.subtask_manager.domain import apply_prelabel, is_audited, made_available, refuse_early
from services.subtask_manager.subtask import Brief, Subtask
from shared.decision import Decision
from shared.proposals import propose, surest_classes
from shared.results import Detection, Imported


def apply_seen(
    subtask: Subtask,
    brief: Brief,
    now: float,
    *,
    model: str,
    objects: tuple[Detection, ...],
    error: str | None = None,
) -> Decision[Subtask, None]:
    """Translate what a detector saw, under the names of its model's classes, and take the proposal in; or why it could
    not look. Where it looks alone, the surest object of each of the surest classes is kept, and no other: every one
    counts there, however unsure."""
    policy = brief.terms.detector
    proposal = propose(
        objects,
        model=model,
        labels=brief.terms.labels,
        label_map=policy.label_map,
        min_confidence=policy.min_confidence,
    )
    if policy.is_alone:
        proposal = replace(proposal, objects=surest_classes(proposal.objects))
    return apply_prelabel(subtask, brief, now, prelabel=proposal, error=error)


def take_import(
    subtask: Subtask, brief: Brief, now: float, *, imported: Imported, object_key: str, told_at: float
) -> Decision[Subtask, None]:
    """Take in what a client imported for the image with this object: a suggestion, never a vote. The newest stays.

    Where images come by their suggestions, it says where the image stands. One that waits for the detector still does.

    Raises Early, as `refuse_early` does. What was told of an earlier object changes nothing.
    """
    refuse_early(subtask, object_key=object_key, told_at=told_at)
    known = 0 if subtask.imported is None else subtask.imported.revision
    if subtask.state != "open" or subtask.object_key != object_key or imported.revision <= known:
        return Decision(state=subtask, answer=None)
    taken = replace(subtask, imported=imported)
    if not ranking.is_ranked(brief) or is_audited(brief, subtask.id):
        return Decision(state=taken, answer=None)
    ranked = replace(taken, slot=ranking.slot_by(brief, imported.prelabel, subtask.id), available_at=None)
    if brief.terms.detector.mode == "suggest":
        ranked = replace(ranked, offered_at=min(ranked.offered_at, now))
    return Decision(state=made_available(ranked, brief, now), answer=None)
