"""Every replica of every service, as it reported itself last."""

from collections.abc import Sequence
from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from shared.admin import OPERATING
from shared.admin.replicas import Replicas, Seen
from shared.admin.reports import QueueStatus, Reporter
from shared.clock import Clock, iso
from shared.http import problems
from shared.http.answers import json_answer
from shared.http.requests import bounded
from shared.identity import Who


class ServiceReplica(BaseModel):
    """One process. service: what it runs, several with a comma between. What it cannot tell is null.

    p95_ms: so long 95 of 100 requests of the last minute took at the most. model: the voter's name of its model.
    """

    service: str
    replica: str
    version: str
    profile: Literal["embedded", "distributed"]
    started_at: str | None
    last_seen_at: str
    requests_per_minute: int
    errors_per_minute: int
    busy: float
    p95_ms: float | None
    queues: list[QueueStatus] | None
    outbox: int | None
    model: str | None


class Services(BaseModel):
    """Replicas that were heard in the last ten minutes; one that was silent for 30 seconds has probably ended."""

    as_of: str
    services: list[ServiceReplica]


def router(reporter: Reporter, replicas: Replicas, clock: Clock) -> APIRouter:
    """The route of the replicas."""
    routes = APIRouter(
        prefix="/api/admin", tags=["admin"], route_class=bounded(), responses=problems.RESPONSES, dependencies=OPERATING
    )

    @routes.get("/services", response_model=Services)
    async def services(_who: Who) -> Response:
        return json_answer(listed(replicas.with_own(await reporter.report()), clock()))

    return routes


def listed(seen: Sequence[Seen], now: float) -> dict[str, Any]:
    """The answer, by service and then by replica."""
    shown = sorted((_shown(one) for one in seen), key=lambda one: (one["service"], one["replica"]))
    return {"as_of": iso(now), "services": shown}


def _shown(seen: Seen) -> dict[str, Any]:
    report = seen.report
    kept = {"version", "requests_per_minute", "errors_per_minute", "busy", "p95_ms", "queues", "outbox", "model"}
    return report.model_dump(include=kept) | {
        "service": ", ".join(report.services),
        "replica": report.name,
        "profile": "distributed" if len(report.services) == 1 else "embedded",
        "started_at": None if report.started_at is None else iso(report.started_at),
        "last_seen_at": iso(seen.at),
    }
