"""Whether a service may be given requests, by what it needs and what it only uses."""

from contextlib import asynccontextmanager

import httpx
import pytest

from shared.http.application import application
from shared.http.serving import ServerSettings, UnsafeSettings


@asynccontextmanager
async def running():
    yield


def answering(*, is_there: bool):
    async def check() -> bool:
        return is_there

    return check


@pytest.mark.parametrize(
    ("database", "broker", "status", "told"),
    [
        (True, True, 200, {"status": "ok"}),
        (True, False, 200, {"status": "ok", "without": ["RabbitMQ"]}),
        (False, True, 503, {"status": "waiting", "for": ["MongoDB"]}),
        (False, False, 503, {"status": "waiting", "for": ["MongoDB", "RabbitMQ"]}),
    ],
)
async def test_it_is_ready_while_what_it_needs_answers_and_says_what_does_not(database, broker, status, told):
    settings = ServerSettings()
    app = application(
        "anything",
        settings,
        routers=[],
        running=running,
        telemetry=settings.telemetry("anything"),
        needs={"MongoDB": answering(is_there=database)},
        uses={"RabbitMQ": answering(is_there=broker)},
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as client:
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()) == (status, told)
        assert (await client.get("/healthz")).status_code == 200


def test_a_service_that_knows_nobody_does_not_start_where_callers_are_to_be_known():
    settings = ServerSettings(auth="on")
    with pytest.raises(UnsafeSettings, match="QUORATE_AUTH=on"):
        application("anything", settings, routers=[], running=running, telemetry=settings.telemetry("anything"))
