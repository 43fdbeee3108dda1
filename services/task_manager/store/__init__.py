"""What the task manager keeps: tasks, images, and the events that their changes cause."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from services.task_manager.domain import Counts, Image, Task
from services.task_manager.listing import Listing, Order
from services.task_manager.order import By
from services.task_manager.quotas import Allowed, Usage
from services.task_manager.statistics import Saved
from shared.audit import AuditEntry
from shared.decision import Decision
from shared.events import Message
from shared.outbox import Outbox

A = TypeVar("A")
DecideTask = Callable[[Task, float], Decision[Task, None]]
DecideImage = Callable[[Image, float], Decision[Image, A]]
DecideStep = Callable[[Task, Image, float], Decision[Image, tuple[Image, ...]]]
"""A rule, asked with the present state and the time (epoch seconds). That of a step answers the images that were made
of the image."""
IMAGE_KEYS: dict[By, str] = {
    "id": "id",
    "upload": "upload_key",
    "newest": "upload_key",
    "name": "name_key",
    "uncertain": "agreement_key",
    "confident": "agreement_key",
}
TASK_KEYS: dict[Order, str] = {"newest": "age_key", "name": "name_key"}
"""Columns, or fields, that hold the keys of each order."""
ANY = Allowed()
"""As much as a team likes."""
MAX_STANDING = 10_000
STANDING = ("open", "sealed", "erasing")
RATED = 1_000
"""Images of which `votes_since` counts the votes at the most."""
AnnounceTask = Callable[[Task, tuple[str, ...], float], list[Message]]
AnnounceImage = Callable[[Task, Image], list[Message]]
AnnounceChange = Callable[[Task, Image, tuple[str, ...], float], list[Message]]
AnnounceRemoved = Callable[[Image, str, float], Message]
"""What others must hear of an image that was removed: the image, the document that keeps the event, the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped:
    """What became of a step. is_finished: what `TaskStore.is_finished` says after it. spent: the key of a picture
    between two visits that nothing names any more."""

    is_finished: bool
    spent: str | None = None


def spent_by(before: Image, after: Image) -> str | None:
    """The key of the picture between two visits that a change of an image has left."""
    return before.work_key if after.work_key != before.work_key else None


class TaskStore(Outbox, Protocol):
    """Every change goes through a rule; the new state and its events are saved in one atomic write. A rule may be asked
    more than once; what it raises is raised, and nothing saved."""

    async def create(
        self,
        task: Task,
        facts: tuple[str, ...] = (),
        *,
        allowed: Allowed = ANY,
        noted: Sequence[AuditEntry] = (),
    ) -> Task | None:
        """Save a new task, and announce these facts and notes of it. Where its id is there already nothing is saved;
        returns the one that is. Raises QuotaReached where the team may have no further task; several processes at once
        may pass that by one each."""
        ...

    async def find(self, task_id: str) -> tuple[Task, Counts]:
        """A task and its counts. Raises NotFound."""
        ...

    async def task(self, task_id: str) -> Task:
        """A task without its counts, which may take longer. Raises NotFound."""
        ...

    async def recount(self, task_id: str) -> Counts:
        """The counts of a task as they are now, however long that takes; all zero where there is no such task."""
        ...

    async def tasks(self, listing: Listing, *, after: str, limit: int) -> list[tuple[Task, Counts, str]]:
        """Tasks of a listing in its order, each with its key; those behind the key `after`. By index alone, however
        many other tasks there are."""
        ...

    async def task_ids(self, *, after: str, limit: int) -> list[str]:
        """Tasks of all teams in order of their ids, those after `after`."""
        ...

    async def update(self, task_id: str, decide: DecideTask) -> Task:
        """Change a task by a rule. Raises NotFound."""
        ...

    async def known(self, task_id: str, image_ids: Sequence[str]) -> set[str]:
        """Which of these images are durably there."""
        ...

    async def add_images(self, task: Task, images: Sequence[Image], *, allowed: Allowed = ANY) -> set[str]:
        """Save new images and announce them; returns the ids of those that were there already, which stay as they are.
        Raises NotOpen where the task was sealed or cancelled meanwhile, and QuotaReached where the team would have more
        than it may; then it saves none. However many add at once, they never pass a quota together; at its end each of
        them may be refused, though one alone would fit."""
        ...

    async def usage(self, team: str) -> Usage:
        """What a team has. The cost grows with the number of its tasks, not with that of their images."""
        ...

    async def teams(self, *, after: str, limit: int) -> list[str]:
        """The teams that have or had tasks, in the order of their ids, those behind `after`."""
        ...

    async def update_image(self, task_id: str, image_id: str, decide: DecideImage[None]) -> bool:
        """Change an image by a rule; says what `is_finished` says after it. Raises NotFound."""
        ...

    async def take_step(self, task_id: str, image_id: str, decide: DecideStep) -> Stepped:
        """Change an image by the rule of a step, and add the images that were made of it: they come first, so that at
        no instant nothing of it is open. Announces the new images, and the rule's facts. Those that are there already
        stay as they are, and of a task that was cancelled meanwhile none is added. Raises NotFound."""
        ...

    async def change_image(self, task: Task, image_id: str, decide: DecideImage[A]) -> Decision[Image, A]:
        """Change an image by a rule that does not end it, and announce the rule's facts. Raises NotFound."""
        ...

    async def image(self, task_id: str, image_id: str) -> Image:
        """One image of a task. Raises NotFound."""
        ...

    async def remove_image(self, task_id: str, image_id: str, *, noted: Sequence[AuditEntry] = ()) -> str:
        """Remove an image, and tell and note it; returns its object's key, also where it was removed before; empty
        where it has none. Raises NotFound, also where the task was cancelled, and StillProcessing."""
        ...

    async def finish_removals(self) -> None:
        """Finish removals in which a process died."""
        ...

    async def images(
        self, task_id: str, *, state: str | None, label: str | None, after: str, limit: int, by: By = "id"
    ) -> list[Image]:
        """A task's images in an order, those after the key `after`; in the order of ids, of a state and with a label.

        Every page costs the same: each order has an index, and so have states and labels in the order of ids."""
        ...

    async def votes_since(self, task_id: str, since: float) -> int:
        """The `counted_votes` of the images whose result is newer than an instant (epoch seconds); of 1,000 of them at
        the most, the newest."""
        ...

    async def has_ended_since(self, task_id: str, since: float) -> bool:
        """Whether an image's result is newer than an instant (epoch seconds)."""
        ...

    async def changes(self, task_id: str) -> str:
        """A text that is another after every change of the task's images, and never again the one that it was; new
        images aside, which no task at rest gets. SQLite counts changes; MongoDB adds up the versions of all images of
        the task."""
        ...

    async def statistics(self, task_id: str) -> Saved | None:
        """The statistics of a task that were saved last."""
        ...

    async def save_statistics(self, task_id: str, saved: Saved) -> None:
        """Save statistics in place of those before; not where the task was cancelled. Raises NotFound."""
        ...

    async def is_finished(self, task_id: str) -> bool:
        """Whether the task is sealed and none of its images is open or processing: an indexed look-up."""
        ...

    async def remove_images(self, task_id: str, limit: int) -> int:
        """Remove images of a cancelled task, `limit` at the most; returns how many were removed."""
        ...

    async def referenced(self, object_keys: Sequence[str]) -> set[str]:
        """Which of these objects, pictures between two visits included, an image names."""
        ...

    async def standing(self) -> dict[str, int]:
        """How many tasks are `open`, how many `sealed`, and how many cancelled ones are still to be erased (`erasing`),
        each counted to `MAX_STANDING`, by index."""
        ...

    async def unerased(self) -> list[str]:
        """Cancelled tasks whose erasure has not been finished."""
        ...

    async def purgeable(self, *, before: float, limit: int) -> list[str]:
        """Tasks that were erased, and cancelled before an instant (epoch seconds); `limit` at the most."""
        ...

    async def forget(self, task_id: str) -> bool:
        """Remove a purged task whose events were published; says whether it did."""
        ...

    async def unfinished(self) -> list[str]:
        """Sealed tasks without an open image, which a crash kept from completing."""
        ...

    async def pending(self, limit: int) -> list[Message]:
        """The oldest events not yet cleared."""
        ...

    async def clear(self, ids: Sequence[str]) -> None:
        """Forget published events."""
        ...
