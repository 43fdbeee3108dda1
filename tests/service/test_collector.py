"""What is put in order by itself: at the start, when a task is cancelled, and now and then."""

from contextlib import asynccontextmanager

import pytest

from services.task_manager import collector as collecting
from services.task_manager import domain
from services.task_manager.collector import GRACE_S, Collector
from shared.errors import Unavailable
from tests.contract.deliveries import until
from tests.service.running import Api

LOST = "7a" * 16 + "/" + "5b" * 16 + "-" + "0" * 12 + ".png"


@asynccontextmanager
async def collector_of(api: Api):
    at = api.platform
    collector = Collector(
        at.task_store,
        at.tasks.imports,
        at.objects,
        api.clock,
        relay_wake=at.task_relay.wake,
        cancelled_days=90,
        fail_dead=at.tasks.steps.fail_dead,
    )
    collector.start()
    try:
        yield collector
    finally:
        await collector.close()


def has_been_erased(api: Api, task_id: str):
    async def is_erased() -> bool:
        return (await api.platform.task_store.task(task_id)).is_erased

    return is_erased


def times(count: int, listed: list[str]):
    async def are_there() -> bool:
        return len(listed) >= count

    return are_there


@pytest.fixture
def listed(monkeypatch) -> list[str]:
    """How often lost objects were looked for."""
    seen: list[str] = []
    real = Collector._collect

    async def collect(self: Collector) -> None:
        seen.append("all")
        await real(self)

    monkeypatch.setattr(Collector, "_collect", collect)
    return seen


async def test_neither_a_start_nor_a_cancelled_task_has_the_whole_bucket_listed(api: Api, listed: list[str]):
    async with collector_of(api) as collector:
        for _ in range(2):
            task_id, _ = await api.task_with(1)
            await api.platform.task_store.update(task_id, domain.cancel)
            collector.wake()
            await until(has_been_erased(api, task_id))
    assert listed == []


async def test_lost_objects_are_looked_for_again_and_again(api: Api, listed: list[str], monkeypatch):
    monkeypatch.setattr(collecting, "SWEEP_S", 0.02)
    await api.platform.objects.put(LOST, b"lost")
    api.clock.ahead_s = GRACE_S + 60
    async with collector_of(api):
        await until(times(3, listed))
    assert [key async for key in api.platform.objects.keys("", stored_before=float("inf"))] == []


async def test_a_sweep_that_fails_is_made_again(api: Api, listed: list[str], monkeypatch):
    monkeypatch.setattr(collecting, "SWEEP_S", 0.02)
    real = api.platform.task_store.unerased
    failures = iter([Unavailable("the database does not answer now")] * 3)

    async def unerased() -> list[str]:
        for failure in failures:
            raise failure
        return await real()

    monkeypatch.setattr(api.platform.task_store, "unerased", unerased)
    async with collector_of(api):
        await until(times(1, listed))
