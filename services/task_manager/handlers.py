"""What the task manager does, one command or event each: load, ask the domain, save."""

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from services.task_manager import domain
from services.task_manager.archives import ArchiveLimits
from services.task_manager.arrivals import Arrivals, UpToDate
from services.task_manager.domain import Counts, Task
from services.task_manager.ingest import Checker
from services.task_manager.metrics import BatchMetrics
from services.task_manager.progress import Progress
from services.task_manager.store import TaskStore
from shared import events
from shared.clock import Clock
from shared.errors import NotFound
from shared.objects import ObjectStore
from shared.outbox import Relay
from shared.terms import Terms

EndedEvent = events.SubtaskCompletedV1 | events.SubtaskDisputedV1 | events.SubtaskAdjudicatedV1


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What the handlers work with. `spool` is a folder for archives under way; `erase_soon` wakes the collector."""

    store: TaskStore
    objects: ObjectStore
    relay: Relay
    checker: Checker
    clock: Clock
    spool: Path
    archives: ArchiveLimits
    max_uploads: int
    erase_soon: Callable[[], None]
    progress: Progress
    arrivals: Arrivals
    metrics: BatchMetrics


async def create_task(
    resources: Resources, *, owner: str, key: str | None, name: str, terms: Terms, body: bytes
) -> tuple[Task, Counts]:
    """`body` is all that the client asks for, to tell a repeated request from another."""
    domain.check_labels(terms.labels, allow_unsure=terms.allow_unsure)
    domain.check_policies(terms)
    wanted = Task(
        id=uuid.uuid4().hex if key is None else domain.task_id_of(owner, key),
        owner=owner,
        name=name,
        terms=terms,
        created_at=resources.clock(),
        body_sha256=hashlib.sha256(body).hexdigest(),
    )
    existing = await resources.store.create(wanted)
    if existing is None:
        return wanted, Counts()
    return await resources.store.find(domain.repeat_create(existing, wanted).id)


async def recorded(resources: Resources, *, task_id: str) -> UpToDate:
    """Wait until what was acknowledged of a task before can be read here; says whether it can. Raises NotFound."""
    task = await resources.store.task(task_id)
    return await resources.arrivals.recorded(is_at_rest=task.state in ("completed", "cancelled"))


async def seal(resources: Resources, *, task_id: str) -> tuple[Task, Counts]:
    await resources.store.update(task_id, domain.seal)
    if await resources.store.is_finished(task_id):
        await _complete(resources, task_id)
    return await resources.store.find(task_id)


async def cancel(resources: Resources, *, task_id: str) -> None:
    await resources.store.update(task_id, domain.cancel)
    resources.relay.wake()
    resources.erase_soon()


async def _complete(resources: Resources, task_id: str) -> None:
    """Whoever sees, after a durable write, that a sealed task has no open image completes it, once."""
    await resources.store.update(task_id, domain.complete)
    resources.relay.wake()


async def record_result(resources: Resources, event: EndedEvent) -> None:
    ended = event.data
    rule = partial(
        domain.record_result, state=ended.state, result=ended.result, votes=ended.votes, prelabel=ended.prelabel
    )
    try:
        is_finished = await resources.store.update_image(ended.task_id, ended.subtask_id, rule)
    except NotFound:
        return  # its task was cancelled and erased meanwhile
    resources.metrics.result(ended.state)
    if is_finished:
        await _complete(resources, ended.task_id)
