"""Subtasks as answers, ready to be written as JSON."""

from typing import Any

from services.subtask_manager.domain import Brief, Result, Subtask, live_leases, shown_prelabel, tally_of
from services.subtask_manager.handlers import Resources
from shared.clock import iso


def lease_shown(resources: Resources, subtask: Subtask, brief: Brief, operator: str, now: float) -> dict[str, Any]:
    """The operator's lease on a subtask, with all that is needed to vote."""
    held = next(lease for lease in subtask.leases if lease.operator == operator)
    prelabel = shown_prelabel(subtask, brief)
    return {
        "subtask_id": subtask.id,
        "task_id": subtask.task_id,
        "labels": brief.labels,
        "image_url": resources.objects.url(subtask.object_key, now=now),
        "token": held.token,
        "expires_at": iso(held.expires_at),
        "instructions": brief.instructions,
        "allow_unsure": brief.allow_unsure,
        "prelabel": prelabel
        and {
            "label": prelabel.label,
            "confidence": prelabel.confidence,
            "model": prelabel.model,
            "objects": prelabel.objects,
        },
    }


def subtask_shown(resources: Resources, subtask: Subtask, brief: Brief, now: float) -> dict[str, Any]:
    """A subtask with its votes, for its task's client and for adjudicators."""
    return {
        "id": subtask.id,
        "task_id": subtask.task_id,
        "state": subtask.state,
        "labels": brief.labels,
        "image_url": resources.objects.url(subtask.object_key, now=now),
        "votes": [{"voter": vote.voter, "label": vote.label, "at": iso(vote.at)} for vote in subtask.votes],
        "live_leases": len(live_leases(subtask, now)),
        "result": subtask.result and _result_shown(subtask, subtask.result),
    }


def _result_shown(subtask: Subtask, result: Result) -> dict[str, Any]:
    return {
        "label": result.label,
        "agreement": result.agreement,
        "votes": dict(tally_of(subtask)),
        "decided_by": result.decided_by,
        "revision": result.revision,
        "completed_at": iso(result.completed_at),
        "by": result.by,
        "reason": result.reason,
    }
