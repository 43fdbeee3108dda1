"""Subtasks as answers, ready to be written as JSON."""

from typing import Any

from services.subtask_manager.activity import Activity, Recent
from services.subtask_manager.domain import live_leases, proposed, shown_prelabel
from services.subtask_manager.handlers import Resources
from services.subtask_manager.subtask import Brief, Subtask, Vote
from services.subtask_manager.work import Work
from shared import export_formats
from shared.clock import iso
from shared.flat import flattened
from shared.http.answers import earlier_shown, result_shown
from shared.identity import Caller
from shared.objects.urls import image_urls
from shared.steady_clock import wall_of
from shared.version import VERSION


def me_shown(resources: Resources, caller: Caller, disputes: int) -> dict[str, Any]:
    """The caller, and what the platform takes and offers."""
    return {
        "user": {"id": caller.id, "name": caller.name, "roles": caller.roles},
        "team": caller.team,
        "auth": resources.auth,
        "lease_s": resources.lease_s,
        "limits": resources.limits,
        "features": ["pipeline"],
        "exports": export_formats.here(),
        "detector": resources.model.is_present,
        "disputes_open": disputes,
        "version": VERSION,
    }


def activity_shown(resources: Resources, activity: Activity) -> dict[str, Any]:
    """A caller's own votes; nothing of others' votes."""
    return {
        "today": activity.today,
        "votes_per_minute": activity.votes_per_minute,
        "recent": [_recent_shown(resources, one) for one in activity.recent],
    }


def _recent_shown(resources: Resources, recent: Recent) -> dict[str, Any]:
    subtask = recent.subtask
    return {
        "subtask_id": subtask.id,
        "task_id": subtask.task_id,
        "label": recent.vote.label,
        "at": iso(recent.vote.at),
        "can_undo": recent.may_undo,
        "thumbnail_url": _urls_shown(resources, subtask)["thumbnail_url"],
    }


def work_shown(work: Work) -> dict[str, Any]:
    """A task with open images, as an operator chooses it."""
    terms = work.brief.terms
    return {
        "task_id": work.brief.task_id,
        "name": work.brief.name,
        "labels": len(terms.labels),
        "open_for_me": work.is_open,
        "waiting_for_others": work.waiting_for_others,
        "has_suggestions": terms.detector.mode != "off",
    }


def lease_shown(resources: Resources, subtask: Subtask, brief: Brief, operator: str) -> dict[str, Any]:
    """The operator's lease on a subtask, with all that is needed to vote."""
    held = next(lease for lease in subtask.leases if lease.operator == operator)
    prelabel = shown_prelabel(subtask, brief)
    return {
        "subtask_id": subtask.id,
        "task_id": subtask.task_id,
        "labels": brief.terms.labels,
        "label_names": brief.terms.label_names,
        **_urls_shown(resources, subtask),
        "token": held.token,
        "expires_at": iso(held.expires_at),
        "instructions": brief.terms.instructions,
        "allow_unsure": brief.terms.allow_unsure,
        "prelabel": prelabel,
        **_file_shown(subtask, is_named=not brief.terms.hide_names),
    }


def subtask_shown(resources: Resources, subtask: Subtask, brief: Brief, now: float) -> dict[str, Any]:
    """A subtask with its votes, for its task's client and for adjudicators."""
    return {
        "id": subtask.id,
        "task_id": subtask.task_id,
        "state": subtask.state,
        "labels": brief.terms.labels,
        "label_names": brief.terms.label_names,
        **_urls_shown(resources, subtask),
        "votes": [_vote_shown(vote) for vote in subtask.votes],
        "live_leases": len(live_leases(subtask, now)),
        "allow_unsure": brief.terms.allow_unsure,
        "prelabel": proposed(subtask) if subtask.result else shown_prelabel(subtask, brief),
        **_file_shown(subtask, is_named=True),
        "result": subtask.result and result_shown(subtask.result, subtask.votes),
        "earlier": earlier_shown(subtask.earlier),
        "doubt": subtask.doubt and flattened(subtask.doubt) | {"at": iso(subtask.doubt.at)},
    }


def _vote_shown(vote: Vote) -> dict[str, Any]:
    manner = vote.manner
    return {
        "voter": vote.voter,
        "label": vote.label,
        "at": iso(vote.at),
        "mode": manner.mode,
        "took_ms": manner.took_ms,
    }


def _urls_shown(resources: Resources, subtask: Subtask) -> dict[str, Any]:
    now = wall_of(resources.clock)()
    return image_urls(resources.objects, subtask.object_key, width=subtask.width, height=subtask.height, now=now)


def _file_shown(subtask: Subtask, *, is_named: bool) -> dict[str, Any]:
    """The image's file; null where an older release opened the subtask, and did not know."""
    return {
        "filename": subtask.filename if is_named and subtask.filename else None,
        "width": subtask.width or None,
        "height": subtask.height or None,
    }
