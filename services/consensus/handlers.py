"""What the consensus service does, one command or event each: load, ask the rules, save."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from services.consensus import row as rows
from services.consensus import run as runs
from services.consensus.domain.methods import METHODS
from services.consensus.row import KnownTask, Row, Seen
from services.consensus.run import KEPT_OF_TASK, MOST_WAITING, Kind, Run
from services.consensus.store import ConsensusStore, PageKey
from services.consensus.store.codec import unpacked
from shared import events
from shared.arrivals import Arrivals
from shared.auditing import Auditor
from shared.clock import Clock, iso
from shared.erasures import Eraser
from shared.errors import Conflict, Invalid, NotFound, Unavailable
from shared.identity import Caller
from shared.outbox import Relay

DEFAULT_METHODS = ("majority", "ds", "mace")
REMOVED_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What handlers work with. wake: there is a run to make. relay: publishes what is told of runs. arrivals: what a
    run is about, and is on its way."""

    store: ConsensusStore
    clock: Clock
    wake: Callable[[], None]
    relay: Relay
    arrivals: Arrivals
    eraser: Eraser
    auditor: Auditor


# What is heard


async def keep_task(resources: Resources, event: events.TaskOpenedV1 | events.TaskChangedV1) -> None:
    told = event.data
    new = KnownTask(
        id=told.task_id,
        team=told.team,
        name=told.name,
        audit_share=told.terms.detector.audit_share,
        revision=told.revision,
    )
    await resources.store.change_task(told.task_id, partial(rows.told, new=new))


async def keep_votes(
    resources: Resources, event: events.SubtaskCompletedV1 | events.SubtaskDisputedV1 | events.SubtaskAdjudicatedV1
) -> None:
    """Keep the votes of an image whose labeling ended, unless its task was cancelled: looked at afterwards, so that of
    the two the one that comes last removes them."""
    ended = event.data
    new = Row(
        image_id=ended.subtask_id,
        task_id=ended.task_id,
        team=ended.team,
        revision=ended.revision,
        label=ended.label,
        decided_by=ended.decided_by,
        completed_at=ended.completed_at,
        votes=ended.votes,
        seen=None if ended.prelabel is None else Seen(model=ended.prelabel.model, label=ended.prelabel.label),
        changed_at=resources.clock(),
    )
    new = _without_erased(resources, new)
    await resources.store.change_row(new.image_id, partial(rows.ended, new=new))
    unknown = KnownTask(id=ended.task_id, team=ended.team, name=ended.task_name)
    task = await resources.store.change_task(ended.task_id, lambda known: known or unknown)
    if task.state == "erased":
        await _forget_rows(resources, ended.task_id)


async def forget_image(resources: Resources, event: events.ImageRemovedV1) -> None:
    told = event.data
    stub = Row(image_id=told.image_id, task_id=told.task_id, changed_at=resources.clock())
    await resources.store.change_row(told.image_id, partial(rows.removed, stub=stub, at=told.at))


async def forget_task(resources: Resources, event: events.TaskCancelledV1 | events.TaskErasedV1) -> None:
    """Remove all that is kept of a task but that it was there. Raises Unavailable."""
    told = event.data
    stub = KnownTask(id=told.task_id, team=told.team)
    task = await resources.store.change_task(told.task_id, partial(rows.erased, new=stub))
    await _forget_what_is_of(resources, task)


async def purge_task(resources: Resources, event: events.TaskPurgedV1) -> None:
    """Forget that an erased task was there: one that was made again since has the same id. Raises Unavailable."""
    try:
        task = await resources.store.task(event.data.task_id)
    except NotFound:
        return
    if task.state == "erased":
        await _forget_what_is_of(resources, task)
        await resources.store.forget_task(task.id)


async def _forget_what_is_of(resources: Resources, task: KnownTask) -> None:
    await _forget_rows(resources, task.id)
    while found := await resources.store.runs(task.team, "task", task_id=task.id, limit=KEPT_OF_TASK):
        for run in found:
            if not await resources.store.remove_run(run.id):
                raise Unavailable("what was told of a run is not published yet")


async def _forget_rows(resources: Resources, task_id: str) -> None:
    while await resources.store.remove_rows(task_id, REMOVED_AT_ONCE) == REMOVED_AT_ONCE:
        pass


def _without_erased(resources: Resources, row: Row) -> Row:
    """The row without people whose erasure is under way, of whom it was told under their old id."""
    for person, pseudonym in resources.eraser.pseudonyms.items():
        row = rows.pseudonymised(row, person=person, pseudonym=pseudonym)
    return row


# What is asked


async def ask(resources: Resources, who: Caller, *, task_id: str, methods: Sequence[str]) -> Run:
    """The run of a task by these methods on all votes that were acknowledged before; one that is there already is
    returned.

    Raises NotFound and Conflict.
    """
    await resources.arrivals.recorded()
    await find_task(resources, who.team, task_id)
    marker = await resources.store.last_change(task_id)
    if not marker:
        raise Conflict("no image of the task has ended yet: there is nothing to estimate from")
    chosen = [method for method in METHODS if method in methods]
    if not chosen:
        raise Invalid("name at least one method", pointer="/methods")
    return await _asked(resources, who, "task", task_id=task_id, methods=chosen, marker=marker)


async def ask_operators(resources: Resources, who: Caller) -> Run:
    """The run about the team's operators on all votes that were acknowledged before, another one each day: it counts
    back from the present. Raises Conflict."""
    await resources.arrivals.recorded()
    marker = await resources.store.last_change_of_team(who.team)
    if not marker:
        raise Conflict("no image of the team has ended yet: there is nothing to say of its operators")
    today = iso(resources.clock())[: len("2000-01-01")]
    return await _asked(resources, who, "operators", task_id="", methods=(), marker=f"{today}/{marker}")


async def _asked(
    resources: Resources, who: Caller, kind: Kind, *, task_id: str, methods: Sequence[str], marker: str
) -> Run:
    store, now = resources.store, resources.clock()
    run_id = runs.id_of(who.team, kind, task_id, methods, marker)
    made = Run(
        id=run_id,
        team=who.team,
        kind=kind,
        task_id=task_id,
        methods=tuple(methods),
        asked_by=who.id,
        asked_at=now,
    )
    noted = resources.auditor.entries(who, "consensus.run", run_id)
    try:
        found = await store.run(run_id)
    except NotFound:
        if await store.under_way(who.team, MOST_WAITING) >= MOST_WAITING:
            raise Conflict(f"{MOST_WAITING} runs of your team are under way: wait for one of them") from None
        await store.add_run(made, noted=noted)
        await _forget_oldest(resources, made)
        found = await store.run(run_id)
    if found.state == "failed":
        found = await store.change_run(run_id, lambda run, at: (runs.asked_again(run, at), ()), noted=noted)
    resources.relay.wake()
    resources.wake()
    return found


async def _forget_oldest(resources: Resources, new: Run) -> None:
    kept = await resources.store.runs(new.team, new.kind, task_id=new.task_id, limit=KEPT_OF_TASK + MOST_WAITING)
    for run in kept[KEPT_OF_TASK:]:
        if run.is_over and run.due_at is None:
            await resources.store.remove_run(run.id)


async def find_task(resources: Resources, team: str, task_id: str) -> KnownTask:
    """Raises NotFound, also for another team's."""
    task = await resources.store.task(task_id)
    if task.team != team or task.state == "erased":
        raise NotFound("no such task")
    return task


async def find(resources: Resources, team: str, run_id: str) -> Run:
    """A run of a task. Raises NotFound, also for another team's."""
    run = await resources.store.run(run_id)
    if run.team != team or run.kind != "task":
        raise NotFound("no such run")
    return run


async def find_finished(resources: Resources, team: str, run_id: str) -> Run:
    """Raises NotFound, and Conflict where there is nothing to be read yet."""
    run = await find(resources, team, run_id)
    if run.state != "finished":
        raise Conflict(f"the run is {run.state}: it has no results")
    return run


async def page_of(resources: Resources, run: Run, kind: str, number: int) -> Any:
    """What stands on a page of a finished run; None behind the last."""
    key = PageKey(run_id=run.id, attempt=run.attempt or "", kind=kind, number=number)
    body = await resources.store.page(key)
    return None if body is None else unpacked(body)


async def send(resources: Resources, who: Caller, *, run_id: str, method: str) -> Run:
    """Send the images on which this method differs from the record to the adjudicators. Asked for again, it changes
    nothing. Raises NotFound and Conflict."""
    await find(resources, who.team, run_id)
    noted = resources.auditor.entries(who, "consensus.send", run_id)
    rule = partial(runs.sending, method=method, by=who.id)
    after = await resources.store.change_run(run_id, lambda run, now: (rule(run, now), ()), noted=noted)
    resources.relay.wake()
    resources.wake()
    return after
