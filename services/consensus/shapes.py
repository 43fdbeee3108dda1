"""Runs as answers, ready to be written as JSON."""

from typing import Any

from services.consensus.run import Differing, Run, Sending
from shared.clock import iso


def run_shown(run: Run) -> dict[str, Any]:
    outcome = run.outcome
    return {
        "id": run.id,
        "task_id": run.task_id,
        "state": run.state,
        "methods": run.methods,
        "asked_by": run.asked_by,
        "asked_at": iso(run.asked_at),
        "stage": run.stage,
        "ended_at": None if run.ended_at is None else iso(run.ended_at),
        "why": run.why,
        "images": None if outcome is None else outcome.images,
        "votes": None if outcome is None else outcome.votes,
        "voters": None if outcome is None else outcome.voters,
        "differing": [_differing_shown(one) for one in (outcome.differing if outcome else ())],
        "disputes": [_sending_shown(one) for one in run.sendings],
    }


def _differing_shown(one: Differing) -> dict[str, Any]:
    share = one.differing / one.compared if one.compared else None
    return {"method": one.method, "differing": one.differing, "compared": one.compared, "share": share}


def _sending_shown(one: Sending) -> dict[str, Any]:
    return {
        "method": one.method,
        "by": one.by,
        "at": iso(one.at),
        "sent": one.sent,
        "done_at": None if one.done_at is None else iso(one.done_at),
    }


def operator_shown(one: dict[str, Any]) -> dict[str, Any]:
    """An operator of a page of a run."""
    named = one["votes"] - one["unsure"]
    return {
        "operator": one["operator"],
        "votes": one["votes"],
        "votes_7d": one["votes_7d"],
        "unsure_share": one["unsure"] / one["votes"],
        "pace_per_minute": one["pace_per_minute"],
        "agreement": one["alike"] / one["compared"] if one["compared"] else None,
        "compared": one["compared"],
        "commonest_label": one["commonest"],
        "commonest_share": one["commonest_votes"] / named if named else None,
        "longest_run": one["longest_run"],
        "last_vote_at": iso(one["last_vote_at"]),
        "flags": one["flags"],
    }
