"""What the task manager does, one command or event each: load, ask the domain, save."""

import contextlib
import hashlib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from cachetools import LRUCache

from services.task_manager import domain, erasing, labels
from services.task_manager.archives import ArchiveLimits
from services.task_manager.completing import complete
from services.task_manager.domain import Change, Counts, Image, Task
from services.task_manager.imports.store import ImportStore, refuse_importing
from services.task_manager.ingest import Checker
from services.task_manager.intake import Intake
from services.task_manager.listing import Listing
from services.task_manager.metrics import BatchMetrics
from services.task_manager.operators import Invited, change_operators
from services.task_manager.pipelines.handlers import Steps
from services.task_manager.pipelines.rules import check_pipeline
from services.task_manager.progress import Progress
from services.task_manager.renditions import Renditions
from services.task_manager.statistician import Statistician
from services.task_manager.store import DecideTask, TaskStore
from services.task_manager.team_quotas import allowed_to, refuse_reopening
from shared import audit, events
from shared.access import Action, allow, may
from shared.arrivals import Arrivals, UpToDate
from shared.auditing import Auditor
from shared.bus import Bus
from shared.clock import Clock
from shared.decision import Decision
from shared.erasures import Eraser
from shared.errors import Invalid, NotFound, StorageFull, Unavailable
from shared.identity import Caller
from shared.models import ModelHeard
from shared.objects import ObjectStore
from shared.objects.keys import with_renditions
from shared.outbox import Relay
from shared.pipelines import Pipeline
from shared.quotas import Quotas
from shared.terms import Terms

Listed = tuple[Task, Counts, str]
"""A task of a page, with the key of its place."""

TEAMS_CACHED = 4_096
WATCHED = 100
"""Tasks that one stream tells of at the most."""
EndedEvent = events.SubtaskCompletedV1 | events.SubtaskDisputedV1 | events.SubtaskAdjudicatedV1


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What the handlers work with. `spool` is a folder for archives under way; `erase_soon` wakes the collector;
    `model` is that of the detectors; `make_room` gives room on a full disk, and says whether it had any."""

    store: TaskStore
    imports: ImportStore
    objects: ObjectStore
    bus: Bus
    relay: Relay
    checker: Checker
    intake: Intake
    renditions: Renditions
    clock: Clock
    spool: Path
    archives: ArchiveLimits
    max_uploads: int
    erase_soon: Callable[[], None]
    progress: Progress
    statistician: Statistician
    arrivals: Arrivals
    model: ModelHeard
    metrics: BatchMetrics
    eraser: Eraser
    auditor: Auditor
    quotas: Quotas
    make_room: Callable[[], bool]
    steps: Steps
    teams: LRUCache[str, str] = field(default_factory=lambda: LRUCache(TEAMS_CACHED))
    """Whose tasks those are that were asked for last: that never changes."""


async def create_task(
    resources: Resources,
    who: Caller,
    *,
    key: str | None,
    name: str,
    terms: Terms,
    body: bytes,
    pipeline: Pipeline | None = None,
) -> tuple[Task, Counts]:
    """`body` is all that the client asks for, to tell a repeated request from another."""
    wanted = Task(
        id=uuid.uuid4().hex if key is None else domain.task_id_of(who.team, who.id, key),
        owner=who.id,
        team=who.team,
        name=name,
        terms=terms,
        created_at=resources.clock(),
        body_sha256=hashlib.sha256(body).hexdigest(),
        pipeline=pipeline,
    )
    try:
        _check(wanted, resources.model.classes)
    except Invalid:
        if key is None:
            raise
        existing = await _task_or_none(resources, wanted.id)  # it was taken before, under the rules of then
        if existing is None:
            raise
    else:
        new = domain.announce(wanted)
        allowed = await allowed_to(resources.quotas, who.team)
        noted = resources.auditor.entries(who, "task.create", wanted.id)
        async with resources.auditor.noting_quotas(who):
            existing = await resources.store.create(new.state, new.facts, allowed=allowed, noted=noted)
        if existing is None:
            resources.auditor.tell(who, "task.create", task_id=wanted.id)
            resources.relay.wake()
            return new.state, Counts()
    return await resources.store.find(domain.repeat_create(existing, wanted).id)


def _check(wanted: Task, classes: tuple[str, ...] | None) -> None:
    """Raises Invalid. `classes`: the model's, where they are known."""
    labels.check_task_name(wanted.name)
    domain.check_terms(wanted.terms)
    if wanted.pipeline is not None:
        check_pipeline(wanted.pipeline, classes)
    elif not wanted.terms.quorum.votes_required:
        raise Invalid("without a pipeline a task asks for at least 1 vote", pointer="/quorum/votes_required")
    if classes is not None:
        labels.check_classes(wanted.terms.detector.label_map, classes)


async def _task_or_none(resources: Resources, task_id: str) -> Task | None:
    try:
        return await resources.store.task(task_id)
    except NotFound:
        return None


async def allow_on(resources: Resources, who: Caller, action: Action, task_id: str) -> None:
    """Raises NotFound where the task is not there, or another team's, and Forbidden where the caller may not."""
    team = resources.teams.get(task_id)
    if team is None:
        resources.teams[task_id] = team = (await resources.store.task(task_id)).team
    if team != who.team:
        raise NotFound("no such task")
    allow(who, action)


async def allow_pictures(resources: Resources, who: Caller, task_id: str) -> None:
    """Raises NotFound where the caller may see no picture of the task: it is not there, another team's, or the caller
    is an operator who was not invited to it."""
    await allow_on(resources, who, "be a member", task_id)
    if may(who, "read tasks"):
        return
    invited = (await resources.store.task(task_id)).terms.operators
    if invited is not None and who.id not in invited:
        raise NotFound("no such task")


async def known_images(resources: Resources, *, task_id: str, sha256: Sequence[str]) -> dict[str, str]:
    """The ids of those files, by their hashes as uploaded, that the task has. Raises NotFound, Erased."""
    domain.refuse_erased(await resources.store.task(task_id))
    ids = {one: domain.image_id_of(task_id, one) for one in sha256}
    known = await resources.store.known(task_id, list(ids.values()))
    return {one: image_id for one, image_id in ids.items() if image_id in known}


async def recorded(resources: Resources, *, task_id: str) -> UpToDate:
    """Wait until what was acknowledged of a task before can be read here; says whether it can. Raises NotFound."""
    task = await resources.store.task(task_id)

    async def is_done() -> bool:
        return not (await resources.store.task(task_id)).is_settling

    return await resources.arrivals.recorded(is_at_rest=task.is_at_rest, is_done=is_done)


async def recorded_results(resources: Resources, *, task_id: str) -> tuple[Task, UpToDate]:
    """The same, for those who read its results. Raises NotFound, Erased."""
    up_to_date = await recorded(resources, task_id=task_id)
    task = await resources.store.task(task_id)
    domain.refuse_erased(task)
    return task, up_to_date


async def tasks(
    resources: Resources, listing: Listing, *, after: str, limit: int, is_awaited: bool = True
) -> tuple[list[Listed], UpToDate]:
    """Tasks as they are once what was acknowledged before is recorded; says whether it is.

    is_awaited: False where that has been waited for.
    """
    found = await resources.store.tasks(listing, after=after, limit=limit)
    is_at_rest = not is_awaited or all(task.is_at_rest for task, _, _ in found)
    up_to_date: UpToDate = await resources.arrivals.recorded(is_at_rest=is_at_rest) if is_awaited else "yes"
    if not is_at_rest:
        found = await resources.store.tasks(listing, after=after, limit=limit)
    return found, "no" if any(task.is_settling for task, _, _ in found) else up_to_date


async def _told(resources: Resources, task_id: str) -> tuple[Task, Counts, UpToDate]:
    """A task once the subtask manager does as it was told, and what came of it is recorded; says whether it is."""
    await resources.relay.hand_over()
    up_to_date = await recorded(resources, task_id=task_id)
    return *await resources.store.find(task_id), up_to_date


async def unfinished_of(resources: Resources, who: Caller) -> list[str]:
    """The tasks of the caller that have not ended, the newest."""
    listing = Listing(team=who.team, states=("open", "sealed"), owner=who.id)
    return [task.id for task, _, _ in await resources.store.tasks(listing, after="", limit=WATCHED)]


async def change_task(resources: Resources, who: Caller, action: audit.Action, task_id: str, rule: DecideTask) -> None:
    """Change a task by a rule, and note it. Raises NotFound, and what the rule raises."""
    noting = resources.auditor.noting(who, action, task_id, rule)
    await resources.store.update(task_id, noting)
    noting.saved(task_id=task_id)


async def seal(resources: Resources, who: Caller, *, task_id: str) -> tuple[Task, Counts]:
    await refuse_importing(resources.imports, task_id)
    await change_task(resources, who, "task.seal", task_id, domain.seal)
    if await resources.store.is_finished(task_id):
        await _complete(resources, task_id)
    return await resources.store.find(task_id)


async def reopen(resources: Resources, who: Caller, *, task_id: str) -> tuple[Task, Counts, UpToDate]:
    task = await resources.store.task(task_id)
    if task.state == "completed":
        async with resources.auditor.noting_quotas(who):
            await refuse_reopening(resources.store, resources.quotas, task.team)
    await change_task(resources, who, "task.reopen", task_id, domain.reopen)
    return await _told(resources, task_id)


async def finish(resources: Resources, who: Caller, *, task_id: str, reason: str) -> tuple[Task, Counts, UpToDate]:
    await refuse_importing(resources.imports, task_id)
    rule = partial(domain.finish, by=who.id, reason=reason)
    await change_task(resources, who, "task.finish", task_id, rule)
    if await resources.store.is_finished(task_id):
        await _complete(resources, task_id)
    return await _told(resources, task_id)


async def edit(resources: Resources, who: Caller, *, task_id: str, change: Change) -> tuple[Task, Counts, UpToDate]:
    rule = partial(domain.edit, change=change)
    await change_task(resources, who, "task.change", task_id, rule)
    return await _told(resources, task_id)


async def invite(resources: Resources, who: Caller, *, task_id: str, invited: Invited) -> tuple[Task, Counts, UpToDate]:
    rule = partial(change_operators, invited=invited)
    await change_task(resources, who, "task.invite", task_id, rule)
    return await _told(resources, task_id)


async def note_applied(resources: Resources, event: events.TaskAppliedV1) -> None:
    with contextlib.suppress(NotFound):
        await resources.store.update(event.data.task_id, partial(domain.note_applied, revision=event.data.revision))


async def remove_image(resources: Resources, who: Caller, *, task_id: str, image_id: str) -> None:
    """Remove an image and its objects. Those that cannot be removed now, the collector removes later."""
    noted = resources.auditor.entries(who, "image.remove", image_id)
    object_key = await resources.store.remove_image(task_id, image_id, noted=noted)
    resources.auditor.tell(who, "image.remove", task_id=task_id, subtask_id=image_id)
    await resources.relay.hand_over()
    if object_key:
        with contextlib.suppress(Unavailable):
            await resources.objects.delete(with_renditions(object_key))
    if await resources.store.is_finished(task_id):
        await _complete(resources, task_id)


async def cancel(resources: Resources, who: Caller, *, task_id: str) -> None:
    """Cancelling is the way out of a full disk, so it finds room for itself where some was kept for that."""
    try:
        await change_task(resources, who, "task.erase", task_id, domain.cancel)
    except StorageFull:
        if not resources.make_room():
            raise
        await change_task(resources, who, "task.erase", task_id, domain.cancel)
    await resources.relay.hand_over()
    resources.erase_soon()


async def _complete(resources: Resources, task_id: str) -> None:
    """Whoever sees, after a durable write, that a sealed task has nothing open completes it, once."""
    await complete(resources.store, task_id)
    resources.relay.wake()


async def record_result(resources: Resources, event: EndedEvent) -> None:
    ended = event.data
    rule = partial(
        domain.record_result,
        state=ended.state,
        result=ended.result,
        votes=ended.votes,
        prelabel=ended.prelabel,
        earlier=ended.earlier,
    )

    def record(image: Image, now: float) -> Decision[Image, None]:
        recorded = rule(image, now)
        return replace(recorded, state=erasing.without(recorded.state, resources.eraser.pseudonyms))

    try:
        is_finished = await resources.store.update_image(ended.task_id, ended.subtask_id, record)
    except NotFound:
        return  # its task was cancelled and erased meanwhile
    resources.metrics.result(ended.state)
    if is_finished:
        await _complete(resources, ended.task_id)
