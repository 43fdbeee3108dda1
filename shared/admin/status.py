"""How the platform is doing, for people: what waits, how old it is, how much was done of late, and who did it."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from fastapi import APIRouter, Response
from pydantic import BaseModel

from shared.admin.replicas import Replicas, Seen, counting
from shared.admin.reports import QueueStatus, Report, Reporter
from shared.clock import iso
from shared.http import problems
from shared.http.answers import json_answer
from shared.identity import Who

T = TypeVar("T", int, float)


class ReplicaStatus(BaseModel):
    """One process. services: those that it runs. busy: the processor time that it uses, in processors."""

    name: str
    services: list[str]
    version: str
    seen_at: str
    requests_per_minute: int
    errors_per_minute: int
    busy: float


class Status(BaseModel):
    """All services together, by what their replicas reported in the last seconds. What nobody can tell now is null.

    replicas: those that were heard in the last minute.
    """

    queues: list[QueueStatus] | None
    dead_letters: int | None
    outbox: int | None
    outbox_lag_s: float | None
    requests_per_minute: int
    replicas: list[ReplicaStatus]


def router(reporter: Reporter, replicas: Replicas) -> APIRouter:
    """The status of the platform."""
    routes = APIRouter(prefix="/api/admin", tags=["admin"], responses=problems.RESPONSES)

    @routes.get("/status", response_model=Status)
    async def status(_who: Who) -> Response:
        own = await reporter.report()
        return json_answer(summed(replicas.with_own(own)).model_dump())

    return routes


def summed(seen: Sequence[Seen]) -> Status:
    """The status that these reports add up to."""
    reports = counting(seen)
    outboxes = list({report.services: report for report in reversed(reports)}.values())  # replicas share theirs
    return Status(
        queues=_queues(reports),
        dead_letters=next((report.dead_letters for report in reports if report.dead_letters is not None), None),
        outbox=_all_known(sum, [report.outbox for report in outboxes]),
        outbox_lag_s=_all_known(max, [report.outbox_lag_s for report in outboxes]),
        requests_per_minute=sum(report.requests_per_minute for report in reports),
        replicas=[_shown(one) for one in seen],
    )


def _all_known(together: Callable[[Iterable[T]], T], values: Sequence[T | None]) -> T | None:
    """All of them together; None where one of them is."""
    known = [value for value in values if value is not None]
    return together(known) if len(known) == len(values) else None


def _queues(reports: Sequence[Report]) -> list[QueueStatus] | None:
    """Every queue once: all replicas of a service see the same messages wait, and each handles some of them."""
    told = [queue for report in reports for queue in report.queues or ()]
    if all(report.queues is None for report in reports):
        return None
    return [_queue([one for one in told if one.queue == name]) for name in sorted({one.queue for one in told})]


def _queue(told: Sequence[QueueStatus]) -> QueueStatus:
    return QueueStatus(
        queue=told[0].queue,
        messages=max(one.messages for one in told),
        age_s=max(one.age_s for one in told),
        handled_per_minute=sum(one.handled_per_minute for one in told),
    )


def _shown(seen: Seen) -> ReplicaStatus:
    return ReplicaStatus.model_validate(seen.report.model_dump() | {"seen_at": iso(seen.at)})
