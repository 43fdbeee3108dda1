"""What is asked of jobs: load, ask the rules, save."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain

from cachetools import LRUCache

from services.task_manager import domain, handlers
from services.task_manager.domain import Image, Task
from services.task_manager.handlers import Resources
from services.task_manager.jobs import rules
from services.task_manager.listing import Listing, beginning_of
from services.task_manager.order import key_of
from services.task_manager.refusals import NotOpen
from services.task_manager.uploads import Uploads
from shared.access import Action, allow
from shared.errors import Invalid, NotFound, Unavailable
from shared.http.paging import Found
from shared.identity import Caller
from shared.terms import Terms

GENERATIONS = 100
"""So many standing tasks of one caller and model may have been deleted, and not been forgotten yet."""
STANDING = 50
"""Standing tasks of one caller, one for each model, whose jobs are listed together."""
CACHED = 4_096
RETRY_S = 10
STEP = 100
"""So many are read at once at the least where not all of them are wanted."""
LOOKED_THROUGH = 2_000
"""So many jobs one request looks through at the most."""

IsWanted = Callable[[Image, float], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Jobs:
    """What these handlers work with beside the task manager's resources. `standing`: the tasks that took the last jobs,
    by their owners and keys. `making`: held by who makes one, so that those who come at the same time do not, too."""

    resources: Resources
    uploads: Uploads
    standing: LRUCache[tuple[str, str, str], str] = field(default_factory=lambda: LRUCache(CACHED))
    making: asyncio.Lock = field(default_factory=asyncio.Lock)


async def standing_task(jobs: Jobs, who: Caller) -> str:
    """The id of the open task that takes the caller's jobs; it is made with the first one. Raises Unavailable where no
    model is loaded, or none whose classes can be labels, and QuotaReached."""
    heard = jobs.resources.model
    if heard.model is None or not heard.is_present:
        no_model = "no detection model is loaded: start with QUORATE_MODEL set to a model's name or path"
        raise Unavailable(no_model, retry_after_s=RETRY_S)
    if heard.classes is None:
        raise Unavailable("the loaded model has too many classes to be told of", retry_after_s=RETRY_S)
    try:
        terms = rules.standing_terms(heard.classes)
    except Invalid as error:
        detail = f"the loaded model's classes cannot be the labels of a task: {error.detail}"
        raise Unavailable(detail, retry_after_s=RETRY_S) from error
    for generation in range(GENERATIONS):
        task = await _standing(jobs, who, heard.model, terms, generation)
        if task.state == "open":
            return task.id
    raise NotOpen(f"{GENERATIONS} tasks for jobs of this model were sealed or deleted of late: reopen one")


async def _standing(jobs: Jobs, who: Caller, model: str, terms: Terms, generation: int) -> Task:
    """The caller's task of a generation, as it is or new."""
    key = rules.standing_key(model, terms, generation)
    place = (who.team, who.id, key)
    known = await _known(jobs, place)
    if known is not None:
        return known
    async with jobs.making:
        known = await _known(jobs, place)
        if known is not None:
            return known
        name = rules.standing_name(model)
        made = handlers.create_task(jobs.resources, who, key=key, name=name, terms=terms, body=key.encode())
        task, _ = await made
        jobs.standing[place] = task.id
    return task


async def _known(jobs: Jobs, place: tuple[str, str, str]) -> Task | None:
    with contextlib.suppress(NotFound):  # it was deleted long ago, and purged meanwhile
        if place in jobs.standing:
            return await jobs.resources.store.task(jobs.standing[place])
    return None


async def find(jobs: Jobs, who: Caller, action: Action, job: str) -> Image:
    """A job of the caller's team. Raises NotFound, Forbidden, and Erased where its task was deleted."""
    task_id, image_id = rules.ids_in(job)
    try:
        task = await jobs.resources.store.task(task_id)
    except NotFound:
        raise _nothing() from None
    if task.team != who.team or not rules.is_standing(task):
        raise _nothing()
    allow(who, action)
    domain.refuse_erased(task)
    try:
        return await jobs.resources.store.image(task_id, image_id)
    except NotFound:
        raise _nothing() from None


async def remove(jobs: Jobs, who: Caller, job: str) -> None:
    """Remove a job and its picture; again, it is not found. Raises what `find` does."""
    image = await find(jobs, who, "make tasks", job)
    await handlers.remove_image(jobs.resources, who, task_id=image.task_id, image_id=image.id)


async def of_caller(jobs: Jobs, who: Caller) -> list[str]:
    """The standing tasks of a caller that were not deleted."""
    kept = ("open", "sealed", "completed")
    listing = Listing(team=who.team, states=kept, owner=who.id, beginning=beginning_of(rules.NAME))
    found = await jobs.resources.store.tasks(listing, after="", limit=STANDING)
    return [task.id for task, _, _ in found if rules.is_standing(task)]


async def newest(
    jobs: Jobs, task_ids: Sequence[str], is_wanted: IsWanted | None, *, after: str, limit: int
) -> Found[Image]:
    """Jobs of these tasks together, the newest first, those behind the key `after`."""
    store, now = jobs.resources.store, jobs.resources.clock()
    step = limit + 1 if is_wanted is None else max(limit + 1, STEP)
    found: list[Image] = []
    for _ in range(0, LOOKED_THROUGH, step):
        of_each = await asyncio.gather(
            *(store.images(one, state=None, label=None, after=after, limit=step, by="newest") for one in task_ids)
        )
        images = sorted(chain.from_iterable(of_each), key=_place, reverse=True)[:step]
        for image in images:
            if is_wanted is not None and not is_wanted(image, now):
                continue
            if len(found) == limit:
                return found, _place(found[-1])
            found.append(image)
        if len(images) < step:
            return found, ""
        after = _place(images[-1])
    return found, after


def is_finished(image: Image, now: float) -> bool:
    return rules.state_of(image, now) == "finished"


def _place(image: Image) -> str:
    return key_of(image, "newest")


def _nothing() -> NotFound:
    return NotFound("no such job")
