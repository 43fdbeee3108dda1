"""The rule of doubts: a completed image is shown to adjudicators because an estimate names another label. Pure."""

from dataclasses import replace

from services.subtask_manager.subtask import Brief, Doubt, Subtask
from shared.decision import Decision


def doubt(subtask: Subtask, brief: Brief, now: float, *, doubt: Doubt, revision: int) -> Decision[Subtask, None]:
    """Put a completed subtask before the adjudicators; its result stays. Told again, it changes nothing.

    A result that is newer than the estimate, or that an adjudicator gave, is not doubted: a person decided it.
    """
    del now
    result = subtask.result
    if subtask.state != "completed" or result is None or subtask.doubt is not None:
        return Decision(state=subtask, answer=None)
    if result.revision != revision or result.decided_by == "adjudicator":
        return Decision(state=subtask, answer=None)
    if doubt.label not in brief.terms.labels or doubt.label == result.label:
        return Decision(state=subtask, answer=None)
    return Decision(state=replace(subtask, doubt=doubt), answer=None)
