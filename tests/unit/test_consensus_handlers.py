"""What the consensus service does, on a store."""

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

import pytest
import pytest_asyncio

from services.consensus import handlers, listing
from services.consensus import row as rows
from services.consensus.estimating import RESULTS
from services.consensus.handlers import Resources
from services.consensus.row import KnownTask, Row
from services.consensus.run import KEPT_OF_TASK, Outcome, Run, Sending
from services.consensus.store import PageKey
from services.consensus.store.codec import packed
from shared import events
from shared.auditing import Auditor
from shared.errors import Gone, NotFound
from shared.identity import Caller
from shared.outbox import Relay
from tests.contract.adapters import T0, sqlite_consensus

ADMIN = Caller("ann")


class NothingOnItsWay:
    async def recorded(self) -> str:
        return "yes"


@pytest.fixture
def clock(resources):
    return resources.clock


@pytest_asyncio.fixture
async def resources(tmp_path) -> AsyncIterator[Resources]:
    async with sqlite_consensus(tmp_path) as stored:
        yield Resources(
            store=stored.store,
            clock=stored.clock,
            wake=lambda: None,
            relay=Relay(stored.store, None),
            arrivals=NothingOnItsWay(),
            eraser=None,
            auditor=Auditor(stored.clock, None, is_on=False),
        )


def row(number: int, **changes) -> Row:
    return Row(image_id=f"{number:032x}", task_id="t1", changed_at=T0 + number, completed_at=T0 + number, **changes)


def run(number: int, **changes) -> Run:
    return Run(
        id=f"{number:032x}",
        team="first",
        kind="operators",
        task_id="",
        methods=(),
        asked_by="ann",
        asked_at=T0 - 100 + number,
        state="finished",
        attempt="a",
        **changes,
    )


async def keep(resources: Resources, new: Row) -> None:
    await resources.store.change_row(new.image_id, partial(rows.ended, new=new))


async def test_operators_are_counted_anew_after_any_change_and_each_day(resources, clock):
    async def counted() -> str:
        return (await handlers.ask_operators(resources, ADMIN)).id

    await keep(resources, row(2))
    seen = [await counted()]
    assert await counted() == seen[0]
    await keep(resources, replace(row(1), changed_at=T0 + 10))
    seen.append(await counted())
    stub = Row(image_id=row(2).image_id, task_id="t1", changed_at=T0 + 20)
    await resources.store.change_row(stub.image_id, partial(rows.removed, stub=stub, at=T0 + 20))
    seen.append(await counted())
    clock.now += 86_400
    seen.append(await counted())
    assert len(set(seen)) == len(seen)


async def test_a_run_of_which_something_is_to_be_sent_is_kept(resources):
    sending = Sending(method="ds", by="ann", at=T0)
    for number in range(KEPT_OF_TASK + 1):
        await resources.store.add_run(run(number, sendings=(sending,) if number == 0 else ()))
    await keep(resources, row(1))
    new = await handlers.ask_operators(resources, ADMIN)
    kept = await resources.store.runs("first", "operators", task_id="", limit=99)
    assert [one.id for one in kept] == [new.id, *(run(number).id for number in range(KEPT_OF_TASK, 1, -1)), run(0).id]


def told(kind: str, event: type):
    data = {"task_id": "t1", "owner": "ann", "team": "first", "name": "birds", "at": T0}
    return event(**events.envelope(event_id=f"t1/{kind}", source="test", subject="t1", at=T0), data=data)


async def test_nothing_stays_of_a_task_that_was_purged(resources):
    store = resources.store
    await keep(resources, row(1))
    await handlers.forget_task(resources, told("cancelled", events.TaskCancelledV1))
    stub = row(1, removed_at=T0)
    await store.change_row(stub.image_id, lambda _: stub)
    purged = told("purged", events.TaskPurgedV1)
    for _ in range(2):
        await handlers.purge_task(resources, purged)
        assert await store.every_row(after="", limit=9) == []
        with pytest.raises(NotFound):
            await store.task("t1")
    made_again = KnownTask(id="t1", name="birds", revision=1)
    await store.change_task("t1", lambda _: made_again)
    await keep(resources, row(1))
    await handlers.purge_task(resources, purged)
    assert await store.task("t1") == made_again
    assert await store.every_row(after="", limit=9) == [row(1)]


async def test_a_file_of_results_breaks_off_where_a_page_is_missing(resources):
    found = run(1, outcome=Outcome(images=3))
    await resources.store.add_run(found)
    for number in range(3):
        key = PageKey(run_id=found.id, attempt="a", kind=RESULTS, number=number)
        await resources.store.put_page(key, packed([number]))
    assert [one async for one in listing.results(resources, found)] == [[0], [1], [2]]
    file = listing.results(resources, found)
    assert await anext(file) == [0]
    await resources.store.remove_pages(found.id, but=None)
    with pytest.raises(Gone):
        await anext(file)
