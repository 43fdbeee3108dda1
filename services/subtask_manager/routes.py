"""HTTP in and out of the subtask manager."""

import re
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Body, Header, Request, Response
from pydantic import BaseModel

from services.subtask_manager import handlers, wire
from services.subtask_manager.handlers import Resources
from services.subtask_manager.preferences import MAX_BYTES as MAX_PREFERENCES_BYTES
from services.subtask_manager.preferences import Preferences
from services.subtask_manager.row import Row
from services.subtask_manager.shapes import activity_shown, lease_shown, me_shown, subtask_shown, work_shown
from services.subtask_manager.store import Claim
from services.subtask_manager.subtask import Brief, Subtask
from shared import arrivals
from shared.access import allow, may
from shared.clock import iso
from shared.errors import Invalid, Outdated, QuorateError
from shared.http import problems
from shared.http.answers import json_answer
from shared.http.hot import HotRouter
from shared.http.origins import refuse_foreign
from shared.http.paging import Cursor, Found, Limit, Pages, cursor_of, cut, read_cursor
from shared.http.requests import AS_FLAG, bounded, valid
from shared.identity import Caller, Who, named

M = TypeVar("M", bound=BaseModel)
_COUNTED = {"status": 200, "code": "counted", "detail": "counted"}


def router(resources: Resources) -> APIRouter:
    """The caller, leases, votes and disputes."""
    routes = HotRouter(prefix="/api", tags=["subtasks"], route_class=bounded(), responses=problems.RESPONSES)
    _add_me(routes, resources)
    _add_leases(routes, resources)
    _add_votes(routes, resources)
    _add_disputes(routes, resources)
    return routes


def preferences_router(resources: Resources) -> APIRouter:
    """What callers set for themselves."""
    route_class = bounded(MAX_PREFERENCES_BYTES)
    routes = APIRouter(prefix="/api", tags=["subtasks"], route_class=route_class, responses=problems.RESPONSES)

    @routes.get("/me/preferences", response_model=wire.PreferencesBody, responses={200: wire.TAGGED})
    async def preferences(who: Who) -> Response:
        found = await resources.preferences.find(who.id)
        return Response(found.body, headers=_etag(found), media_type="application/json")

    @routes.put("/me/preferences", status_code=204, responses={204: wire.TAGGED})
    async def set_preferences(
        _wanted: Annotated[wire.PreferencesBody, Body(title="Preferences")],
        request: Request,
        who: Who,
        if_match: Annotated[str, Header(max_length=100)],
    ) -> Response:
        known = _ETAG.fullmatch(if_match)
        if known is None:
            raise Outdated("If-Match has no ETag that was given out here: read the preferences first")
        body = (await request.body()).decode()  # word for word: it is the caller's own
        after = await handlers.set_preferences(resources, user=who.id, version=int(known[1]), body=body)
        return Response(status_code=204, headers=_etag(after))

    return routes


def _etag(preferences: Preferences) -> dict[str, str]:
    return {"ETag": f'"{preferences.version}"'}


_ETAG = re.compile('"([0-9]{1,15})"')


def old_router(resources: Resources) -> APIRouter:
    """The wire format of the Go labeling system, whose clients run unchanged."""
    routes = APIRouter(
        prefix="/api",
        tags=["old shapes"],
        route_class=bounded(is_any_type=True),
        responses=problems.RESPONSES,
    )
    _add_old_shapes(routes, resources)
    return routes


def _add_me(routes: APIRouter, resources: Resources) -> None:
    @routes.get("/me", response_model=wire.Me)
    async def me(who: Who) -> Response:
        decides = may(who, "adjudicate")
        disputes = await resources.store.count_disputes(who.team, wire.MAX_DISPUTES_COUNTED) if decides else 0
        return json_answer(me_shown(resources, who, disputes))

    @routes.get("/me/activity", response_model=wire.Activity)
    async def activity(who: Who, since: wire.Since = None, limit: wire.RecentLimit = 20) -> Response:
        counted_from = None if since is None else since.timestamp()
        found = await handlers.look_back(resources, who, since=counted_from, limit=limit)
        return json_answer(activity_shown(resources, found))

    @routes.get("/work", response_model=wire.WorkList, responses=arrivals.DESCRIBED)
    async def work(who: Who) -> Response:
        allow(who, "label")
        headers = await _recorded(resources)
        found = await resources.store.work(who.team, who.id)
        return json_answer({"items": [work_shown(one) for one in found]}, headers=headers)


def _add_leases(routes: HotRouter, resources: Resources) -> None:
    @routes.hot("/leases", methods=["POST"], response_model=wire.Leases)
    async def lease(wanted: wire.LeaseRequest, who: Who) -> Response:
        allow(who, "label")
        claim, opening = await _leased(resources, who, wanted)
        return json_answer(
            {
                "leases": [lease_shown(resources, subtask, brief, who.id) for subtask, brief in claim.held],
                "more": claim.is_cut_short,
                "waiting_for_others": claim.waiting_for_others,
                "opening": opening,
                "next_cursor": None if claim.reached is None else cursor_of(str(claim.reached)),
            }
        )

    @routes.post("/leases/renew", response_model=wire.RenewOutcomes)
    async def renew(held: wire.RenewRequest, who: Who) -> Response:
        allow(who, "label")
        return json_answer({"outcomes": [await _renewed(resources, who, lease) for lease in held.leases]})

    @routes.delete("/leases/{subtask_id}", status_code=204)
    async def give_back(
        subtask_id: str, who: Who, *, token: wire.Token | None = None, skip: Annotated[bool, AS_FLAG] = False
    ) -> Response:
        allow(who, "label")
        await handlers.give_back(resources, who, subtask_id=subtask_id, token=token, is_skip=skip)
        return Response(status_code=204)


async def _leased(resources: Resources, who: Caller, wanted: wire.LeaseRequest) -> tuple[Claim, int]:
    if wanted.suggested is None:
        _refuse_for_all(wanted)
        return await handlers.lease_opened(resources, who, task_id=wanted.task_id, count=wanted.count)
    if wanted.task_id is None:
        raise Invalid("a suggestion is one of a task: name the task, too", pointer="/task_id")
    if wanted.order == "slot":
        raise Invalid("subtasks of one suggestion come by its confidence only", pointer="/order")
    row = Row(
        label=wanted.suggested,
        min_confidence=wanted.min_confidence or 0.0,
        is_rising=wanted.order == "uncertain",
        after=int(read_cursor(wanted.cursor, _RANK)) if wanted.cursor else None,
    )
    claim = await handlers.lease_row(resources, who, task_id=wanted.task_id, row=row, count=wanted.count)
    return claim, 0


def _refuse_for_all(wanted: wire.LeaseRequest) -> None:
    """Refuse what is said of subtasks of one suggestion, where none is named."""
    for field in ("order", "min_confidence", "cursor"):
        if getattr(wanted, field) not in (None, "slot"):
            raise Invalid("this needs the suggested label", pointer=f"/{field}")


_RANK = re.compile("0|[1-9][0-9]{0,18}")


async def _renewed(resources: Resources, who: Caller, held: wire.HeldLease) -> dict[str, Any]:
    try:
        renewed = await handlers.renew(resources, who, subtask_id=held.subtask_id, token=held.token)
    except QuorateError as refusal:
        return {
            "subtask_id": held.subtask_id,
            **_refused(refusal),
            "expires_at": None,
        }
    return {
        "subtask_id": held.subtask_id,
        "status": 200,
        "code": "renewed",
        "detail": "renewed",
        "expires_at": iso(renewed.expires_at),
    }


def _refused(refusal: QuorateError) -> dict[str, Any]:
    return {"status": problems.status_of(refusal), "code": refusal.code, "detail": refusal.detail}


def _add_votes(routes: HotRouter, resources: Resources) -> None:
    @routes.hot("/votes", methods=["POST"], response_model=wire.VoteOutcomes)
    async def vote_each(batch: wire.VotesRequest, who: Who) -> Response:
        allow(who, "label")
        votes = [(vote.subtask_id, vote.label, vote.token, vote.manner) for vote in batch.votes]
        outcomes = await handlers.vote_each(resources, who, votes=votes)
        return json_answer({"outcomes": [_outcome(outcome) for outcome in outcomes]})

    @routes.hot("/subtasks/{subtask_id}/vote", methods=["POST"], response_model=wire.VoteOutcome)
    async def vote(subtask_id: str, wanted: wire.VoteRequest, who: Who) -> Response:
        allow(who, "label")
        cast = await handlers.vote(
            resources,
            who,
            subtask_id=subtask_id,
            label=wanted.label,
            token=wanted.token,
            manner=wanted.manner,
        )
        return json_answer({"subtask_id": subtask_id, **_COUNTED, "subtask_state": cast.state})

    @routes.delete("/subtasks/{subtask_id}/vote", response_model=wire.LeaseGranted)
    async def undo(subtask_id: str, who: Who) -> Response:
        allow(who, "label")
        subtask, brief = await handlers.undo(resources, who, subtask_id=subtask_id)
        return json_answer(lease_shown(resources, subtask, brief, who.id))

    @routes.get("/subtasks/{subtask_id}", response_model=wire.SubtaskShown, responses=arrivals.DESCRIBED)
    async def show(subtask_id: str, who: Who) -> Response:
        allow(who, "see votes")
        headers = await _recorded(resources)
        subtask, brief = await handlers.find(resources, who, subtask_id)
        return json_answer(subtask_shown(resources, subtask, brief, resources.clock()), headers=headers)


async def _recorded(resources: Resources) -> dict[str, str]:
    """Wait for what the task manager tells; returns the header that says whether it came."""
    return {arrivals.HEADER: await resources.arrivals.recorded()}


def _outcome(outcome: handlers.VoteOutcome) -> dict[str, Any]:
    answer = outcome.answer
    said = _refused(answer) if isinstance(answer, QuorateError) else _COUNTED
    return {"subtask_id": outcome.subtask_id, **said, "subtask_state": outcome.state}


def _add_disputes(routes: APIRouter, resources: Resources) -> None:
    pages = Pages()

    @routes.get("/disputes", response_model=wire.Disputes, responses=arrivals.DESCRIBED)
    async def disputes(who: Who, task_id: wire.Id | None = None, cursor: Cursor = None, limit: Limit = 100) -> Response:
        allow(who, "adjudicate")
        headers = await _recorded(resources)
        now = resources.clock()

        async def find(after: str, limit: int) -> Found[tuple[Subtask, Brief]]:
            found = await resources.store.disputes(who.team, task_id=task_id, after=after, limit=limit + 1)
            return cut(found, limit, lambda one: one[0].id)

        return await pages.answer(
            find,
            lambda found: subtask_shown(resources, *found, now),
            after=read_cursor(cursor),
            limit=limit,
            headers=headers,
        )

    @routes.post("/disputes/{subtask_id}", response_model=wire.SubtaskShown)
    async def adjudicate(subtask_id: str, decision: wire.Adjudication, who: Who) -> Response:
        allow(who, "adjudicate")
        await handlers.adjudicate(resources, who, subtask_id=subtask_id, label=decision.label, reason=decision.reason)
        subtask, brief = await handlers.find(resources, who, subtask_id)
        return json_answer(subtask_shown(resources, subtask, brief, resources.clock()))

    @routes.post("/subtasks/{subtask_id}/finish", response_model=wire.SubtaskShown)
    async def finish(subtask_id: str, order: wire.FinishOrder, who: Who) -> Response:
        allow(who, "adjudicate")
        await handlers.finish(resources, who, subtask_id=subtask_id, reason=order.reason)
        subtask, brief = await handlers.find(resources, who, subtask_id)
        return json_answer(subtask_shown(resources, subtask, brief, resources.clock()))


def _add_old_shapes(routes: APIRouter, resources: Resources) -> None:
    @routes.get("/subtasks", response_model=wire.OldSubtasks, openapi_extra=_OLD_SUBTASKS)
    async def subtasks(request: Request) -> Response:
        refuse_foreign(request.scope)  # it leases
        old = await _old(request, wire.OldSubtasksRequest)
        user = await named(request.scope, old.userId)
        allow(user, "label")
        claim, _ = await handlers.lease_opened(resources, user, task_id=None, count=old.numberOfSubtasks)
        return json_answer(
            {"subtasks": [{"id": subtask.id, "labels": brief.terms.labels} for subtask, brief in claim.held]}
        )

    @routes.patch("/subtasks/{subtask_id}", openapi_extra=_body_of(wire.OldVote, is_required=True))
    async def assign(subtask_id: str, request: Request) -> Response:
        old = await _old(request, wire.OldVote)
        voter = await named(request.scope, old.userId)
        allow(voter, "label")
        cast = await handlers.vote_through_live_lease(resources, voter, subtask_id=subtask_id, label=old.assignedLabel)
        return json_answer({"newTotal:": cast.total})  # the colon is the older system's


async def _old(request: Request, model: type[M]) -> M:
    """The request of an older client: JSON in a body of any content type, or else in the query."""
    if await request.body():
        if request.query_params:
            raise Invalid("send it in the body or in the query, not in both")
        return valid(model, await request.json())
    query: dict[str, Any] = dict(request.query_params)
    if _WHOLE_NUMBER.fullmatch(query.get("numberOfSubtasks", "")):
        query["numberOfSubtasks"] = int(query["numberOfSubtasks"])
    return valid(model, query)


_WHOLE_NUMBER = re.compile("0|[1-9][0-9]{0,8}")


def _body_of(model: type[BaseModel], *, is_required: bool = False) -> dict[str, Any]:
    return {
        "requestBody": {"required": is_required, "content": {"application/json": {"schema": model.model_json_schema()}}}
    }


_OLD_SUBTASKS = _body_of(wire.OldSubtasksRequest) | {
    "parameters": [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in wire.OldSubtasksRequest.model_json_schema()["properties"].items()
    ]
}
