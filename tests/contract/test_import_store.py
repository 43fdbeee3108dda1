"""What every store of imports promises."""

import asyncio
from dataclasses import replace
from functools import partial

import pytest

from services.task_manager.imports import rules
from services.task_manager.imports.rules import Counted, Done, Import, Source
from services.task_manager.imports.store import PageKey
from shared.errors import Conflict, NotFound, Unavailable
from tests.contract.adapters import T0


def made(number: int, **changes) -> Import:
    new = Import(
        id=f"{number:032x}",
        task_id="t1",
        source=Source(endpoint="https://s3.example", bucket="photos", prefix="$in/ä.", region="eu"),
        asked_at=T0 + number,
        next_at=T0 + number,
        sealed="x",
    )
    return replace(new, **changes)


def key(number: int, part: int, round_: int = 1) -> PageKey:
    return PageKey(import_id=made(number).id, round=round_, part=part)


async def pages(store, number: int, round_: int = 1, *, first: int = 0, limit: int = 9) -> list[tuple[int, bytes]]:
    return list(await store.pages(made(number).id, round_, first=first, limit=limit))


async def test_imports_are_listed_the_newest_first_and_added_once(imports):
    store = imports.store
    assert await store.add(made(1))
    assert not await store.add(made(1, sealed="other"))
    for other in (made(2), made(3, task_id="t2")):
        await store.add(other)
    assert await store.find(made(1).id) == made(1)
    assert await store.of_task("t1", 9) == [made(2), made(1)]
    assert await store.of_task("t1", 1) == [made(2)]
    with pytest.raises(NotFound):
        await store.find("none")
    with pytest.raises(NotFound):
        await store.change("none", rules.cancelled)


async def test_an_import_is_due_until_it_is_over(imports):
    store, clock = imports.store, imports.clock
    await store.add(made(2))
    await store.add(made(1))
    clock.now = T0 + 10
    assert [one.id for one in await store.due(now=T0 + 10, limit=9)] == [made(1).id, made(2).id]
    assert [one.id for one in await store.due(now=T0 + 1, limit=9)] == [made(1).id]
    await store.change(made(1).id, partial(rules.claimed, holder="a"))
    assert [one.id for one in await store.due(now=T0 + 10, limit=9)] == [made(2).id]
    assert len(await store.due(now=T0 + 10 + rules.CLAIM_S, limit=9)) == 2
    done = Done(cursor="k", counted=Counted(accepted=1), is_last=True)
    over = await store.change(made(1).id, partial(rules.advanced, holder="a", done=done))
    assert (over.state, over.sealed, over.cursor) == ("finished", None, "k")
    assert await store.is_under_way("t1")
    await store.change(made(2).id, rules.cancelled)
    assert await store.due(now=T0 + 9_999, limit=9) == []
    assert not await store.is_under_way("t1")


async def test_of_those_who_claim_an_import_at_once_one_has_it(imports):
    store, clock = imports.store, imports.clock
    await store.add(made(1))
    clock.now = T0 + 1
    claims = [store.change(made(1).id, partial(rules.claimed, holder=f"h{number}")) for number in range(8)]
    holders = {claimed.holder for claimed in await asyncio.gather(*claims)}
    assert holders == {(await store.find(made(1).id)).holder}
    with pytest.raises(Conflict):
        await store.change(made(1).id, partial(rules.renewed, holder="none of them"))


async def test_pages_are_read_by_round_from_a_part_on(imports):
    store = imports.store
    for number in (1, 2):
        await store.add(made(number))
    for number, part, round_ in ((1, 0, 1), (1, 7, 1), (1, 123_456, 1), (1, 0, 2), (2, 3, 1)):
        await store.put_page(key(number, part, round_), "t1", f"{number} {part} {round_}".encode())
    await store.put_page(key(1, 7), "t1", b"again")
    assert await pages(store, 1) == [(0, b"1 0 1"), (7, b"again"), (123_456, b"1 123456 1")]
    assert await pages(store, 1, first=1, limit=1) == [(7, b"again")]
    await store.remove_pages(made(1).id, before_round=2)
    assert await pages(store, 1) == []
    assert await pages(store, 1, 2) == [(0, b"1 0 2")]
    assert await pages(store, 2) == [(3, b"2 3 1")]


async def test_a_task_goes_with_all_its_imports_and_pages(imports):
    store = imports.store
    for one in (made(1), made(2, task_id="t2")):
        await store.add(one)
        await store.put_page(key(int(one.id, 16), 0), one.task_id, b"x")
    for _ in range(2):
        await store.remove_of("t1")
    with pytest.raises(NotFound):
        await store.put_page(key(1, 1), "t1", b"late")
    assert await store.of_task("t1", 9) == await pages(store, 1) == []
    assert await store.of_task("t2", 9) == [made(2, task_id="t2")]
    assert await pages(store, 2) == [(0, b"x")]


async def test_a_write_that_fails_changes_nothing(imports):
    store = imports.store
    await store.add(made(1))
    with imports.failing_commits(), pytest.raises(Unavailable):
        await store.change(made(1).id, rules.cancelled)
    assert await store.find(made(1).id) == made(1)
