"""How a service is doing, for people: what waits, how old it is, and how much was done of late."""

from fastapi import APIRouter, Response
from pydantic import BaseModel

from shared.http import problems
from shared.http.answers import json_answer
from shared.identity import Who
from shared.telemetry.metrics import Metrics
from shared.telemetry.watch import Watch


class QueueStatus(BaseModel):
    """messages: waiting or handled here. age_s: how old the event was that was taken last; 0 where none waits.

    handled_per_minute: over the last minute, by this process.
    """

    queue: str
    messages: int
    age_s: float
    handled_per_minute: int


class Status(BaseModel):
    """What this process sees. What does not answer now is null."""

    queues: list[QueueStatus] | None
    dead_letters: int | None
    outbox: int | None
    outbox_lag_s: float | None
    requests_per_minute: int


def router(metrics: Metrics, watch: Watch) -> APIRouter:
    """The status of the service."""
    routes = APIRouter(prefix="/api/admin", tags=["admin"], responses=problems.RESPONSES)

    @routes.get("/status", response_model=Status)
    async def status(_who: Who) -> Response:
        waiting = await watch.look()
        queues = (
            None
            if waiting.queues is None
            else [
                QueueStatus(
                    queue=queue,
                    messages=messages,
                    age_s=round(metrics.last_age_s(queue) if messages else 0.0, 3),
                    handled_per_minute=metrics.handled.per_minute(queue),
                )
                for queue, messages in sorted(waiting.queues.items())
            ]
        )
        shown = Status(
            queues=queues,
            dead_letters=waiting.dead,
            outbox=waiting.outbox,
            outbox_lag_s=None if waiting.outbox_lag_s is None else round(waiting.outbox_lag_s, 3),
            requests_per_minute=metrics.requests.per_minute(),
        )
        return json_answer(shown.model_dump())

    return routes
