"""What the task manager does, one command or event each: load, ask the domain, save."""

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from services.task_manager import domain
from services.task_manager.archives import ArchiveLimits
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
from shared.terms import DetectorPolicy, QuorumPolicy

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
    metrics: BatchMetrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a client asks for in a new task; `body` is all of it, to tell a repeated request from another."""

    name: str
    labels: tuple[str, ...]
    instructions: str | None
    allow_unsure: bool
    quorum: QuorumPolicy
    detector: DetectorPolicy
    body: bytes


async def create_task(resources: Resources, *, owner: str, key: str | None, terms: Terms) -> tuple[Task, Counts]:
    labels = domain.check_labels(terms.labels, allow_unsure=terms.allow_unsure)
    domain.check_policies(terms.quorum, terms.detector, labels)
    wanted = Task(
        id=uuid.uuid4().hex if key is None else domain.task_id_of(owner, key),
        owner=owner,
        name=terms.name,
        labels=labels,
        instructions=terms.instructions,
        allow_unsure=terms.allow_unsure,
        quorum=terms.quorum,
        detector=terms.detector,
        created_at=resources.clock(),
        body_sha256=hashlib.sha256(terms.body).hexdigest(),
    )
    existing = await resources.store.create(wanted)
    if existing is None:
        return wanted, Counts()
    return await resources.store.find(domain.repeat_create(existing, wanted).id)


async def seal(resources: Resources, *, task_id: str) -> tuple[Task, Counts]:
    await resources.store.update(task_id, lambda task, now: domain.seal(task, now=now))
    if await resources.store.is_finished(task_id):
        await _complete(resources, task_id)
    return await resources.store.find(task_id)


async def cancel(resources: Resources, *, task_id: str) -> None:
    await resources.store.update(task_id, lambda task, now: domain.cancel(task, now=now))
    resources.relay.wake()
    resources.erase_soon()


async def _complete(resources: Resources, task_id: str) -> None:
    """Whoever sees, after a durable write, that a sealed task has no open image completes it, once."""
    await resources.store.update(task_id, lambda task, now: domain.complete(task, now=now))
    resources.relay.wake()


async def record_result(resources: Resources, event: EndedEvent) -> None:
    ended = event.data
    result = domain.Result(
        label=ended.label,
        agreement=ended.agreement,
        tally=ended.tally,
        votes=tuple(domain.VoteCast(voter=vote.voter, label=vote.label, at=vote.at) for vote in ended.votes),
        decided_by=ended.decided_by,
        revision=ended.revision,
        completed_at=ended.completed_at,
        by=ended.by,
        reason=ended.reason,
    )
    seen = ended.prelabel
    prelabel = seen and domain.Prelabel(
        model=seen.model, label=seen.label, confidence=seen.confidence, objects=seen.objects
    )
    try:
        is_finished = await resources.store.update_image(
            ended.task_id,
            ended.subtask_id,
            lambda image, _now: domain.record_result(image, state=ended.state, result=result, prelabel=prelabel),
        )
    except NotFound:
        return  # its task was cancelled and erased meanwhile
    resources.metrics.result(ended.state)
    if is_finished:
        await _complete(resources, ended.task_id)
