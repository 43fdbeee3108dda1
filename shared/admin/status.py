"""The platform's status for people: what waits, how old it is, how much was done lately, and by which replicas."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from fastapi import APIRouter, Response
from pydantic import BaseModel

from shared.admin import OPERATING
from shared.admin.replicas import Replicas, Seen, counting
from shared.admin.reports import QueueStatus, Report, Reporter
from shared.clock import iso
from shared.http import problems
from shared.http.answers import json_answer
from shared.http.requests import bounded
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

    replicas: those that were heard in the last ten minutes.
    """

    queues: list[QueueStatus] | None
    dead_letters: int | None
    outbox: int | None
    outbox_lag_s: float | None
    requests_per_minute: int
    replicas: list[ReplicaStatus]


def router(reporter: Reporter, replicas: Replicas) -> APIRouter:
    """The route of the status."""
    routes = APIRouter(
        prefix="/api/admin", tags=["admin"], route_class=bounded(), responses=problems.RESPONSES, dependencies=OPERATING
    )

    @routes.get("/status", response_model=Status)
    async def status(_who: Who) -> Response:
        own = await reporter.report()
        return json_answer(summed(replicas.with_own(own)).model_dump())

    return routes


def summed(seen: Sequence[Seen]) -> Status:
    """The status that these reports add up to."""
    reports = counting(seen)
    outboxes = list(
        {report.services: report for report in reversed(reports)}.values()
    )  # replicas of a service share an outbox
    return Status(
        queues=_queues(reports),
        dead_letters=next((report.dead_letters for report in reports if report.dead_letters is not None), None),
        outbox=_all_known(sum, [report.outbox for report in outboxes]),
        outbox_lag_s=_all_known(max, [report.outbox_lag_s for report in outboxes]),
        requests_per_minute=sum(report.requests_per_minute for report in reports),
        replicas=[_shown(replica) for replica in seen],
    )


def _all_known(together: Callable[[Iterable[T]], T], values: Sequence[T | None]) -> T | None:
    """All values put together; None if one of them is None."""
    known = [value for value in values if value is not None]
    return together(known) if len(known) == len(values) else None


def _queues(reports: Sequence[Report]) -> list[QueueStatus] | None:
    """Each queue once: all replicas of a service see the same messages wait, and each handles some of them."""
    if all(report.queues is None for report in reports):
        return None
    by_name: dict[str, list[QueueStatus]] = {}
    for status in (status for report in reports for status in report.queues or ()):
        by_name.setdefault(status.queue, []).append(status)
    return [_queue(statuses) for _, statuses in sorted(by_name.items())]


def _queue(statuses: Sequence[QueueStatus]) -> QueueStatus:
    return QueueStatus(
        queue=statuses[0].queue,
        messages=max(status.messages for status in statuses),
        age_s=max(status.age_s for status in statuses),
        handled_per_minute=sum(status.handled_per_minute for status in statuses),
    )


def _shown(seen: Seen) -> ReplicaStatus:
    return ReplicaStatus.model_validate(seen.report.model_dump() | {"seen_at": iso(seen.at)})
