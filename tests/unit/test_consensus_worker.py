"""How the worker of consensus runs goes on where something fails."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest_asyncio
from prometheus_client import CollectorRegistry

from services.consensus.estimating import DIFFERING
from services.consensus.maker import NotMade
from services.consensus.metrics import RunMetrics
from services.consensus.run import Outcome, Run, Sending
from services.consensus.store import PageKey
from services.consensus.store.codec import packed
from services.consensus.worker import LOOK_S, Worker
from shared.errors import StorageFull, Unavailable
from shared.events import Message
from shared.outbox import Relay
from tests.consensus_waiting import until
from tests.contract.adapters import T0, StoredConsensus, sqlite_consensus


class Maker:
    """Makes runs at once, and notes which."""

    def __init__(self) -> None:
        self.made: list[str] = []

    async def make(self, run: Run, attempt: str, tell) -> Outcome:
        self.made.append(run.id)
        return Outcome(images=1)


class Bus:
    """A bus that may be away."""

    is_away = False

    def __init__(self) -> None:
        self.told: list[Message] = []

    async def publish(self, messages) -> None:
        if self.is_away:
            raise Unavailable("the bus is away")
        self.told += messages


def run(number: int, **changes) -> Run:
    return Run(
        id=f"{number:032x}",
        team="first",
        kind="task",
        task_id="t1",
        methods=("ds",),
        asked_by="ann",
        asked_at=T0 - 10 + number,
        **changes,
    )


@pytest_asyncio.fixture
async def stored(tmp_path) -> AsyncIterator[StoredConsensus]:
    async with sqlite_consensus(tmp_path) as stored:
        yield stored


@contextlib.asynccontextmanager
async def working(
    stored: StoredConsensus, maker: Maker, relay: Relay, metrics: RunMetrics | None = None
) -> AsyncIterator[None]:
    metrics = metrics or RunMetrics(CollectorRegistry(), stored.store, stored.clock)
    worker = Worker(stored.store, maker, relay, stored.clock, metrics, at_once=1)
    worker.start()
    try:
        yield
    finally:
        await worker.close()


async def test_a_run_that_fails_is_tried_seldom_and_holds_up_no_other(stored, monkeypatch):
    store, tried = stored.store, []
    change_run = store.change_run

    async def failing(run_id, change, **options):
        if run_id == run(1).id:
            tried.append(run_id)
            raise StorageFull("the disk is full")
        return await change_run(run_id, change, **options)

    monkeypatch.setattr(store, "change_run", failing)
    await store.add_run(run(1))
    await store.add_run(run(2))

    async def other_is_made() -> bool:
        return (await store.run(run(2).id)).state == "finished"

    async with working(stored, Maker(), Relay(store, Bus())):
        await until(other_is_made, "the other run is made")
        before = len(tried)
        await asyncio.sleep(2 * LOOK_S)
        assert 1 <= len(tried) - before <= 4


async def test_while_the_bus_is_away_one_page_waits_and_other_runs_are_made(stored):
    store, pages, bus = stored.store, 4, Bus()
    sent = run(1, state="finished", attempt="a", sendings=(Sending(method="ds", by="ann", at=T0 - 50),))
    await store.add_run(sent)
    item = {"image_id": "i1", "revision": 1, "methods": {"ds": {"label": "a"}}, "differs": ["ds"]}
    for number in range(pages):
        await store.put_page(PageKey(run_id=sent.id, attempt="a", kind=DIFFERING, number=number), packed([item]))
    await store.add_run(run(2))
    relay = Relay(store, bus)
    bus.is_away = True
    relay.start()

    async def other_is_made() -> bool:
        return (await store.run(run(2).id)).state == "finished"

    async def all_is_sent() -> bool:
        return (await store.run(sent.id)).sendings[0].done_at is not None and len(bus.told) == pages

    async with working(stored, Maker(), relay):
        await until(other_is_made, "the other run is made")
        await asyncio.sleep(2 * LOOK_S)
        assert len(await store.pending(99)) == 1
        bus.is_away = False
        await until(all_is_sent, "all is sent")
    await relay.close()


class Refusing(Maker):
    async def make(self, run: Run, attempt: str, tell) -> Outcome:
        raise NotMade("not for so many labels")


async def test_metrics_tell_of_runs_that_wait_are_made_and_ended(stored, caplog):
    store, registry = stored.store, CollectorRegistry()
    metrics = RunMetrics(registry, store, stored.clock)

    def shown(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"quorate_consensus_{name}", labels)

    assert (shown("runs_ended_total", outcome="failed"), shown("runs", state="waiting")) == (0, None)
    for number, changes in enumerate(({}, {}, {"state": "running", "held_until": stored.clock() + 20})):
        await store.add_run(run(number, **changes))
    cut_short = run(3, state="running", holder="x", attempts=3, held_until=T0 - 5, began_at=T0 - 40)
    await store.add_run(cut_short)
    await metrics.look()
    assert (shown("runs", state="waiting"), shown("runs", state="running")) == (2, 2)
    assert shown("wait_seconds") == stored.clock() - run(0).asked_at

    async def all_are_over() -> bool:
        await metrics.look()
        return shown("runs", state="waiting") == 0 and shown("runs", state="running") == 1

    worker = Worker(store, Refusing(), Relay(store, Bus()), stored.clock, metrics, at_once=1)
    worker.start()
    await until(all_are_over, "what can be made is over")
    await worker.close()
    assert (shown("runs_ended_total", outcome="failed"), shown("runs_ended_total", outcome="finished")) == (3, 0)
    assert shown("run_seconds_count") == 3
    assert shown("wait_seconds") == 0
    assert "not for so many labels" in caplog.text
    async with working(stored, Maker(), Relay(store, Bus()), metrics):
        await store.add_run(run(4))
        await until(lambda: _is(shown("runs_ended_total", outcome="finished"), 1), "it is finished")


async def test_a_run_that_failed_is_told_once_however_many_replicas_found_it_due(stored, monkeypatch, caplog):
    store, registry = stored.store, CollectorRegistry()
    cut_short = run(1, state="running", holder="x", attempts=3, held_until=T0 - 5, began_at=T0 - 40)
    await store.add_run(cut_short)
    listed = []

    async def due(**_) -> list[Run]:
        """As a replica sees it that listed what is due before another had it fail."""
        listed.append(cut_short)
        return [cut_short]

    async def is_listed_again() -> bool:
        return len(listed) >= 3

    monkeypatch.setattr(store, "due", due)
    async with working(stored, Maker(), Relay(store, Bus()), RunMetrics(registry, store, stored.clock)):
        await until(is_listed_again, "it is listed again")
    assert registry.get_sample_value("quorate_consensus_runs_ended_total", {"outcome": "failed"}) == 1
    assert caplog.text.count("a consensus run failed") == 1


async def test_metrics_have_no_sample_where_the_store_is_away(stored, monkeypatch):
    registry = CollectorRegistry()
    metrics = RunMetrics(registry, stored.store, stored.clock)
    await metrics.look()
    assert registry.get_sample_value("quorate_consensus_wait_seconds") == 0

    async def away(**_):
        raise Unavailable("away")

    monkeypatch.setattr(stored.store, "due", away)
    with contextlib.suppress(Unavailable):
        await metrics.look()
    assert registry.get_sample_value("quorate_consensus_wait_seconds") is None
    assert registry.get_sample_value("quorate_consensus_runs", {"state": "waiting"}) is None


async def _is(seen: float | None, wanted: float) -> bool:
    return seen == wanted
