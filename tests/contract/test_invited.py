"""A task to which operators were invited is not there for others, on every store, and costs nothing more."""

from dataclasses import replace

from services.subtask_manager import domain
from services.subtask_manager.row import Row
from shared.decision import Decision
from shared.terms import DetectorPolicy
from tests.contract.operators import granting, open_all, subtask_ids
from tests.unit.subtask_builders import T0, brief

OPEN = brief(task_id="0a" * 16, votes_required=3)
SUGGESTING = DetectorPolicy(mode="suggest", audit_share=0.0)
CLOSED = brief(task_id="0b" * 16, created_at=T0 - 10, votes_required=3, detector=SUGGESTING)
OF_OPEN, OF_CLOSED = subtask_ids(2, first=10), subtask_ids(3, first=20)
ROW = Row(label="cat", min_confidence=0.0, is_rising=False, after=None)


def inviting(*operators: str, revision: int = 1):
    return replace(CLOSED, terms=replace(CLOSED.terms, operators=operators), revision=revision)


async def begin(at) -> None:
    await open_all(at.store, OPEN, OF_OPEN)
    await open_all(at.store, inviting("ann"), OF_CLOSED)


async def told(at, of) -> None:
    """The task's terms are others from now on, on this replica."""
    at.clock.now += 1.0
    assert await at.store.keep_brief(of)
    for subtask_id in OF_CLOSED:
        await at.store.update(subtask_id, domain.reconsider)


async def claim(at, operator: str, task_id: str | None = None, team: str = OPEN.team):
    got = await at.store.claim(team, operator, task_id=task_id, count=100, grant=granting(operator))
    if settle := getattr(at.store, "settle", None):
        await settle()
    return got


async def leased(at, operator: str, task_id: str | None = None) -> set[str]:
    return {subtask.id for subtask, _ in (await claim(at, operator, task_id)).held}


def skipping(operator: str):
    return lambda one, _brief, _now: Decision(state=replace(one, skipped_by=(operator,)), answer=None)


async def test_only_who_was_invited_leases_and_the_others_are_told_what_another_team_is(subtasks):
    await begin(subtasks)
    assert await claim(subtasks, "bob", CLOSED.task_id) == await claim(subtasks, "bob", CLOSED.task_id, team="other")
    assert await leased(subtasks, "bob") == {*OF_OPEN}
    assert await leased(subtasks, "ann") == {*OF_OPEN, *OF_CLOSED}
    assert await leased(subtasks, "ann", CLOSED.task_id) == {*OF_CLOSED}


async def test_what_waits_for_others_counts_nothing_of_it(subtasks):
    await open_all(subtasks.store, inviting("ann"), OF_CLOSED)
    got = await claim(subtasks, "bob")
    assert (got.held, got.is_cut_short, got.waiting_for_others) == ((), False, 0)
    await open_all(subtasks.store, OPEN, OF_OPEN)
    for subtask_id in OF_OPEN:  # `bob` has skipped them
        await subtasks.store.update(subtask_id, skipping("bob"))
    assert (await claim(subtasks, "bob")).waiting_for_others == len(OF_OPEN)
    assert (await claim(subtasks, "bob", CLOSED.task_id)).waiting_for_others == 0


async def test_work_and_rows_are_those_of_the_invited(subtasks):
    await begin(subtasks)
    assert [one.brief.task_id for one in await subtasks.store.work(OPEN.team, "bob")] == [OPEN.task_id]
    assert [one.brief.task_id for one in await subtasks.store.work(OPEN.team, "ann")] == [CLOSED.task_id, OPEN.task_id]
    got = [
        await subtasks.store.claim_row(OPEN.team, one, task_id=CLOSED.task_id, row=ROW, count=3, grant=granting(one))
        for one in ("ann", "bob")
    ]
    assert [one.held for one in got] == [(), ()]  # no detector has looked yet


async def test_who_is_invited_later_begins_and_who_is_not_any_more_is_let_go(subtasks):
    await begin(subtasks)
    assert await leased(subtasks, "ann", CLOSED.task_id) == {*OF_CLOSED}
    await told(subtasks, inviting("bob", revision=2))
    assert await leased(subtasks, "ann", CLOSED.task_id) == set()
    assert {one.task_id for one, _ in await subtasks.store.held(OPEN.team, "ann")} == set()
    assert await leased(subtasks, "bob", CLOSED.task_id) == {*OF_CLOSED}
    found, _ = await subtasks.store.find(OF_CLOSED[0])
    assert [one.operator for one in found.leases] == ["bob"]
    await told(subtasks, replace(CLOSED, revision=3))
    assert await leased(subtasks, "ann", CLOSED.task_id) == {*OF_CLOSED}


async def test_a_task_for_nobody_is_there_for_nobody(subtasks):
    await open_all(subtasks.store, inviting(), OF_CLOSED)
    assert await leased(subtasks, "ann") == set()
    assert await subtasks.store.work(OPEN.team, "ann") == []


async def test_many_tasks_for_others_keep_nobody_from_their_own(subtasks):
    for number in range(40):  # more than one request searches
        of = replace(inviting("ann"), task_id=f"{number:032x}")
        await open_all(subtasks.store, of, subtask_ids(1, first=1_000 + number))
    newest = replace(OPEN, created_at=T0 + 10)
    await open_all(subtasks.store, newest, OF_OPEN)
    assert await leased(subtasks, "bob") == {*OF_OPEN}
