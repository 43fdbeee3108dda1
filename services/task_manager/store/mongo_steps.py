"""Steps of pipelines in MongoDB: the images that were made come first, each with its events, and then the image of
which they were made, under its version. Whoever dies in between is followed by another, who finds what is there."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from services.task_manager.counting import Weight, weight_of
from services.task_manager.domain import Image, Task
from services.task_manager.store import AnnounceChange, AnnounceImage, DecideStep, spent_by
from services.task_manager.store.mongo_usage import MongoUsage
from shared.clock import Clock
from shared.errors import NotFound
from shared.events import Message
from shared.mongo import Documents


@dataclass(frozen=True, slots=True, kw_only=True)
class MongoSteps:
    """take_away: removes images that came too late."""

    images: Documents[Image]
    usage: MongoUsage
    announce_image: AnnounceImage
    announce_change: AnnounceChange
    clock: Clock
    task: Callable[[str], Awaitable[Task]]
    take_away: Callable[[Sequence[Image]], Awaitable[None]]

    async def take(self, task_id: str, image_id: str, decide: DecideStep) -> str | None:
        """Take a step; returns the key of a picture between two visits that nothing names any more."""
        task = await self.task(task_id)
        image = within(task_id, (await self.images.find(image_id, "image")).state)
        decision = decide(task, image, self.clock())
        if decision.state is image or not await self._has_added(task, decision.answer):
            return None
        return await self._change(task, image, decide)

    async def _has_added(self, task: Task, new: Sequence[Image]) -> bool:
        """Add the images that were made, and look whether their task was cancelled meanwhile: what came too late is
        taken away. They are counted before they are saved: those that were there already are given back."""
        if not new:
            return True
        await self.usage.add(task.id, new)
        known = await self.images.insert([(image, self.announce_image(task, image)) for image in new])
        await self.usage.give_back(task.id, [image for image in new if image.id in known])
        if (await self.task(task.id)).state != "cancelled":
            return True
        await self.take_away([image for image in new if image.id not in known])
        return False

    async def _change(self, task: Task, image: Image, decide: DecideStep) -> str | None:
        """The image itself. What it comes to count for is counted before it is saved, and given back where another was
        faster; what it counts for no more, after."""
        decided: list[tuple[Image, Image]] = []

        async def rule(before: Image) -> tuple[Image, Sequence[Message]]:
            now = self.clock()
            decision = decide(task, before, now)
            decided.append((before, decision.state))
            return decision.state, self.announce_change(task, decision.state, decision.facts, now)

        more, less = _counted(weight_of([decide(task, image, self.clock()).state]).since(weight_of([image])))
        await self.usage.change(task.id, more)
        await self.images.change(image.id, "image", rule)
        before, after = decided[-1]
        is_ours = after is not before
        await self.usage.change(task.id, less if is_ours else Weight({n: -count for n, count in more.columns.items()}))
        return spent_by(before, after) if is_ours else None


def within(task_id: str, image: Image) -> Image:
    """The image itself. Raises NotFound where it is another task's."""
    if image.task_id != task_id:
        raise NotFound("no such image")
    return image


def _counted(change: Weight) -> tuple[Weight, Weight]:
    """What a change adds to what a team has, and what it takes away."""
    stored = {name: count for name, count in change.columns.items() if name in ("images", "bytes")}
    more = {name: count for name, count in stored.items() if count > 0}
    return Weight(more), Weight({name: count for name, count in stored.items() if count < 0})
