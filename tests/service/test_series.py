"""The platform minute by minute, over HTTP: in one process, and of replicas that hear each other by a broker."""

from contextlib import asynccontextmanager

import httpx

from shared.admin.replicas import SILENT_S
from shared.admin.reports import Reporter
from shared.http.serving import ServerSettings
from shared.part import Adapters, Part, deployable
from shared.telemetry import Telemetry
from shared.telemetry.metrics import Metrics
from shared.telemetry.watch import Watch
from tests.contract.deliveries import until
from tests.contract.rabbitmq import WakingClock, broker, opened
from tests.service.running import Api, as_user, assert_problem

MINUTE_BEGINS = 1_200_000.0
PATH = "/api/admin/series"


async def read(http: httpx.AsyncClient, **query: object) -> dict:
    answer = await http.get(PATH, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def minutes_later(api: Api, minutes: int) -> dict:
    """The answer after so many minutes, in which somebody looks as often as the platform itself has to."""
    for _ in range(4 * minutes + 1):
        api.clock.ahead_s += SILENT_S
        await read(api.http)
    return await read(api.http, minutes=minutes + 1)


async def test_votes_and_requests_of_the_last_minutes(api: Api):
    before = await read(api.http)
    assert (before["step_s"], before["series"]) == (60, {}), "no minute has ended yet"
    task_id, _ = await api.task_with(3, quorum={"votes_required": 1})
    leases = await api.lease("ann", 3, task_id)
    votes = [{"subtask_id": one["subtask_id"], "label": "cat", "token": one["token"]} for one in leases]
    await api.http.post("/api/votes", json={"votes": votes[:2]}, headers=as_user("ann"))
    await api.vote("ann", leases[2]["subtask_id"], "cat", "not this token")
    await api.settled()
    told = await minutes_later(api, 3)
    series = told["series"]
    assert {len(values) for values in series.values()} == {4}
    counted = [count for count in series["votes"] if count is not None]
    assert (sum(counted), 0 in counted) == (2, True), "a minute without a vote is known to have none"
    assert max(ms for ms in series["requests_p50_ms"] if ms is not None) > 0
    assert any(series["requests_p95_ms"])
    assert {"queue.task_manager.subtask.completed.v1", "queue.subtask_manager.image.ready.v1"} <= series.keys()
    [replica] = (await api.http.get("/api/admin/services")).json()["services"]
    assert told["replica"] == replica["replica"]


async def test_minutes_before_the_process_began_are_null(api: Api):
    told = await minutes_later(api, 2)
    longest = await read(api.http, minutes=1440)
    assert {len(values) for values in longest["series"].values()} == {1440}
    assert longest["series"]["votes"][:-3] == [None] * 1437
    assert longest["series"]["votes"][-3:] == told["series"]["votes"]
    assert longest["from"] < told["from"]


async def test_one_series_by_its_name(api: Api):
    await minutes_later(api, 2)
    assert (await read(api.http, name="votes", minutes=2))["series"].keys() == {"votes"}
    assert (await read(api.http, name="vote"))["series"] == {}
    for query in ({"minutes": 0}, {"minutes": 1441}, {"minutes": "60.0"}, {"name": "x" * 201}, {"since": 1}):
        assert_problem(await api.http.get(PATH, params=query), 422)


async def test_replicas_of_a_distributed_platform_are_added_up():
    clock = WakingClock()
    clock.now = MINUTE_BEGINS
    async with broker() as at, opened(at, clock=clock) as bus, opened(at, clock=clock) as elsewhere:
        served = Part(name="task_manager", routers=[], answers_admin=True)
        telemetry = Telemetry()
        adapters = Adapters(store=None, bus=bus, clock=clock, telemetry=telemetry)
        app = deployable("any", ServerSettings(), [served], adapters, opened=nothing_more).app
        votes = [0, 0]
        replicas = [replica(f"host:{n}", elsewhere, clock, lambda n=n: votes[n]) for n in range(2)]
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://localhost") as http,
        ):
            votes[:] = [3, 4]
            clock.now += 60
            for one in replicas:
                report = await one.report()
                assert report.minute is not None
                await until_heard(http, elsewhere, report)
            clock.now += SILENT_S
            told = await read(http, minutes=1)
        assert told["series"]["votes"] == [7]
        assert told["replica"] not in {one.name for one in replicas}


def replica(name: str, bus, clock, votes) -> Reporter:
    metrics = Metrics()
    reporter = Reporter(
        ["subtask_manager"], metrics, Watch(metrics, bus, [], clock), bus, clock, counters={"votes": votes}
    )
    reporter.name = name
    return reporter


async def until_heard(http: httpx.AsyncClient, bus, report) -> None:
    """A broadcast before the process listens is lost."""

    async def is_heard() -> bool:
        await bus.broadcast(report.model_dump_json().encode())
        told = (await http.get("/api/admin/services")).json()
        return report.name in {one["replica"] for one in told["services"]}

    await until(is_heard)


@asynccontextmanager
async def nothing_more():
    yield
