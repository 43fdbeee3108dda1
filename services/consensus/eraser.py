"""How a person is erased from rows and runs, step by step."""

import contextlib
from functools import partial

from services.consensus import row as rows
from services.consensus import run as runs
from services.consensus.estimating import OPERATORS, SUMMARY, VOTERS
from services.consensus.row import Row
from services.consensus.run import Run
from services.consensus.store import ConsensusStore, PageKey
from services.consensus.store.codec import packed, unpacked
from shared.erasures import Erasure
from shared.errors import NotFound

BATCH = 500
RUNS_AT_ONCE = 20
RUNS = "runs:"
"""How the places begin behind those of the rows."""
NAMING = (VOTERS, OPERATORS, SUMMARY)
"""The pages that name people."""
NAMES = ("voter", "voters", "operator", "operators")
"""The fields of them that do."""


async def step(store: ConsensusStore, erasure: Erasure) -> str | None:
    """Erase a person from the next rows, then from the next runs."""
    if erasure.place.startswith(RUNS):
        return await _runs_step(store, erasure)
    found = await store.every_row(after=erasure.place, limit=BATCH)
    rule = partial(rows.pseudonymised, person=erasure.person, pseudonym=erasure.pseudonym)
    for row in found:
        if rule(row) is not row:
            await store.change_row(row.image_id, partial(_row_without, rule))
    return found[-1].image_id if len(found) == BATCH else RUNS


def _row_without(rule: partial[Row], row: Row | None) -> Row | None:
    return None if row is None else rule(row)


async def _runs_step(store: ConsensusStore, erasure: Erasure) -> str | None:
    found = await store.every_run(after=erasure.place.removeprefix(RUNS), limit=RUNS_AT_ONCE)
    for run in found:
        with contextlib.suppress(NotFound):  # removed meanwhile
            await _from_run(store, run, erasure)
    return RUNS + found[-1].id if len(found) == RUNS_AT_ONCE else None


async def _from_run(store: ConsensusStore, run: Run, erasure: Erasure) -> None:
    rule = partial(runs.pseudonymised, person=erasure.person, pseudonym=erasure.pseudonym)
    if rule(run) is not run:
        await store.change_run(run.id, lambda before, _: (rule(before), ()))
    for key in await store.pages(run.id):
        if key.kind in NAMING:
            await _from_page(store, key, erasure)


async def _from_page(store: ConsensusStore, key: PageKey, erasure: Erasure) -> None:
    body = await store.page(key)
    if body is None:
        return
    before = unpacked(body)
    after = _page_without(before, erasure)
    if after != before:
        await store.put_page(key, packed(after))


def _page_without(value: object, erasure: Erasure) -> object:
    """A page with the pseudonym wherever a field that names people has the person's id."""
    if isinstance(value, list):
        return [_page_without(one, erasure) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: _named(one, erasure) if name in NAMES else _page_without(one, erasure) for name, one in value.items()}


def _named(value: object, erasure: Erasure) -> object:
    if isinstance(value, list):
        return [_named(one, erasure) for one in value]
    return erasure.pseudonym if value == erasure.person else value
