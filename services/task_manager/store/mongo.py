"""Tasks and images in MongoDB: one document each, changed by guarded writes. A task is not written per image.

The field `id` is `_id` once more, for indexes that end in it: not every server has those on `_id`.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from itertools import chain

from pymongo import UpdateOne

from services.task_manager.announcements import SOURCE
from services.task_manager.domain import Counts, Image, Task, refuse_processing, refuse_unless_open, stub_of
from services.task_manager.listing import Listing
from services.task_manager.order import BACKWARDS, LAST, By
from services.task_manager.purging import is_due
from services.task_manager.quotas import Allowed, Usage, refuse_images, refuse_task
from services.task_manager.refusals import NotOpen
from services.task_manager.statistics import Saved
from services.task_manager.store import (
    ANY,
    IMAGE_KEYS,
    MAX_STANDING,
    RATED,
    STANDING,
    TASK_KEYS,
    A,
    AnnounceChange,
    AnnounceImage,
    AnnounceRemoved,
    AnnounceTask,
    DecideImage,
    DecideStep,
    DecideTask,
    Stepped,
)
from services.task_manager.store.codec import IMAGES, TASKS
from services.task_manager.store.mongo_counts import MongoCounts
from services.task_manager.store.mongo_indexes import INDEXES
from services.task_manager.store.mongo_keys import (
    image_keys,
    listing_keys,
    order_keys,
    removal_id,
    removed_keys,
    task_keys,
)
from services.task_manager.store.mongo_steps import MongoSteps, within
from services.task_manager.store.mongo_usage import MongoUsage
from services.task_manager.store.mongo_versions import versions
from shared import events
from shared.audit import AuditEntry
from shared.clock import Clock
from shared.decision import Decision
from shared.errors import NotFound, QuotaReached
from shared.events import Message
from shared.mongo import Documents
from shared.mongo.connection import Document, MongoDatabase, count, read
from shared.mongo.faults import errors_named
from shared.mongo.indexes import build
from shared.mongo.origins import Origins
from shared.mongo.outbox import Outboxes
from shared.objects.keys import image_of
from shared.teams import key_without

UNDONE = 1_000
"""Removals that one sweep finishes."""
KEYS_AT_ONCE = 500
UNERASED: Document = {"state": {"$eq": "cancelled"}, "is_erased": {"$eq": False}}  # nx-27017: $eq for the index


class MongoTaskStore:
    """A `TaskStore` on a database of its own, for as many processes as like."""

    def __init__(
        self,
        database: MongoDatabase,
        clock: Clock,
        *,
        announce_task: AnnounceTask,
        announce_image: AnnounceImage,
        announce_change: AnnounceChange,
        announce_removed: AnnounceRemoved,
    ) -> None:
        self._origins = Origins(database["origins"], clock)
        self._database = database
        self._clock = clock
        self._announce_task = announce_task
        self._announce_image = announce_image
        self._announce_change = announce_change
        self._announce_removed = announce_removed
        tasks, images, removed = database["tasks"], database["images"], database["removed"]
        self._tasks = Documents(tasks, codec=TASKS, keys=task_keys, clock=clock, origins=self._origins)
        self._images = Documents(images, codec=IMAGES, keys=image_keys, clock=clock, origins=self._origins)
        self._removed = Documents(removed, codec=IMAGES, keys=removed_keys, clock=clock, origins=self._origins)
        kinds = (self._tasks, self._images, self._removed)  # images wait for their tasks
        self._outboxes = Outboxes([kind.outbox for kind in kinds])
        self._statistics = database["statistics"]
        self._counts = MongoCounts(database["images"])
        self._usage = MongoUsage(database["tasks"], database["images"])

    async def prepare(self) -> None:
        """Create the indexes that are missing."""
        await build(self._database, INDEXES)

    async def count_uncounted(self) -> None:
        """Count what tasks of older releases have stored: before this one serves, for quotas rest on it."""
        await self._usage.count_uncounted()

    async def create(
        self,
        task: Task,
        facts: tuple[str, ...] = (),
        *,
        allowed: Allowed = ANY,
        noted: Sequence[AuditEntry] = (),
    ) -> Task | None:
        if allowed.open_tasks is not None and (existing := await self._refused(task, allowed)) is not None:
            return existing
        told = [*self._announce_task(task, facts, task.created_at), *events.notes(task.id, SOURCE, noted)]
        return await self.task(task.id) if await self._tasks.insert([(task, told)]) else None

    async def find(self, task_id: str) -> tuple[Task, Counts]:
        task, counts = await asyncio.gather(self.task(task_id), self._counts.of(task_id))
        return task, counts

    async def task(self, task_id: str) -> Task:
        return (await self._tasks.find(task_id, "task")).state

    async def recount(self, task_id: str) -> Counts:
        return await self._counts.recounted(task_id)

    async def tasks(self, listing: Listing, *, after: str, limit: int) -> list[tuple[Task, Counts, str]]:
        """Each state is one range of one index; their keys are read, and then the tasks of the least."""
        if not after:
            await asyncio.gather(*map(self._add_listing_keys, listing.states))
        key = TASK_KEYS[listing.order]
        first, end = listing.span(after)
        part = {key: {"$gt": first, "$lt": end}}
        owner = {} if listing.owner is None else {"owner": {"$eq": listing.owner}}

        async def keys_in(state: str) -> list[tuple[str, str]]:
            cursor = self._tasks.collection.find({"state": {"$eq": state}, **owner, **part}, {key: 1}).sort(key, 1)
            return [(one[key], one["_id"]) for one in await read(cursor, limit)]

        with errors_named():
            keys = sorted(chain.from_iterable(await asyncio.gather(*map(keys_in, listing.states))))[:limit]
            ids = [task_id for _, task_id in keys]
            found = {one["_id"]: one for one in await read(self._tasks.collection.find({"_id": {"$in": ids}}))}
        there = [(found[task_id], place) for place, task_id in keys if task_id in found]
        counts = await asyncio.gather(*(self._counts.of(one["_id"]) for one, _ in there))
        return [
            (TASKS.read_document(one), each, key_without(listing.team, place))
            for (one, place), each in zip(there, counts, strict=True)
        ]

    async def _add_listing_keys(self, state: str) -> None:
        """Give the tasks that an older release has stored what lists need."""
        query = {"state": {"$eq": state}, "age_key": {"$eq": None}}
        tasks = self._tasks.collection
        with errors_named():
            while found := await read(tasks.find(query), KEYS_AT_ONCE):
                keys = [(one["_id"], listing_keys(TASKS.read_document(one))) for one in found]
                await tasks.bulk_write([UpdateOne({"_id": i}, {"$set": fields}) for i, fields in keys], ordered=False)

    async def task_ids(self, *, after: str, limit: int) -> list[str]:
        with errors_named():
            cursor = self._tasks.collection.find({"_id": {"$gt": after}}, {"_id": 1}).sort("_id", 1)
            return [document["_id"] for document in await read(cursor, limit)]

    async def update(self, task_id: str, decide: DecideTask) -> Task:
        async def rule(task: Task) -> tuple[Task, Sequence[Message]]:
            now = self._clock()
            decision = decide(task, now)
            told = self._announce_task(decision.state, decision.facts, now)
            return decision.state, [*told, *events.notes(task_id, SOURCE, decision.noted)]

        return await self._tasks.change(task_id, "task", rule)

    async def known(self, task_id: str, image_ids: Sequence[str]) -> set[str]:
        query = {"_id": {"$in": list(image_ids)}, "task_id": task_id}
        with errors_named():
            return {one["_id"] for one in await read(self._images.collection.find(query, {"_id": 1}))}

    async def add_images(self, task: Task, images: Sequence[Image], *, allowed: Allowed = ANY) -> set[str]:
        """The task is looked at before, and again after: what came too late is taken away again. Images are counted
        before they are saved: those that were not are given back."""
        await self._refuse_unless_open(task.id)
        first = {image.id: image for image in reversed(images)}
        distinct = [image for image in images if first[image.id] is image]
        await self._usage.add(task.id, distinct)
        if allowed.bounds_images:
            await self._refuse_uncounted(task, distinct, allowed)
        known = await self._images.insert([(image, self._announce_image(task, image)) for image in distinct])
        await self._usage.give_back(task.id, [image for image in distinct if image.id in known])
        try:
            await self._refuse_unless_open(task.id)
        except NotOpen:
            await self._take_away([image for image in distinct if image.id not in known])
            raise
        return known

    async def _take_away(self, new: Sequence[Image]) -> None:
        """Remove images that came too late, as long as nobody changed them."""
        with errors_named():
            too_late = {"_id": {"$in": [image.id for image in new]}, "version": 1}
            await self._images.collection.delete_many(too_late)
        for image in new:
            await self._usage.give_back(image.task_id, [image])

    async def usage(self, team: str) -> Usage:
        return await self._usage.of(team)

    async def teams(self, *, after: str, limit: int) -> list[str]:
        return await self._usage.teams(after, limit)

    async def update_image(self, task_id: str, image_id: str, decide: DecideImage[None]) -> bool:
        async def rule(image: Image) -> tuple[Image, Sequence[Message]]:
            return decide(within(task_id, image), self._clock()).state, ()

        await self._images.change(image_id, "image", rule)
        return await self.is_finished(task_id)

    async def change_image(self, task: Task, image_id: str, decide: DecideImage[A]) -> Decision[Image, A]:
        decisions: list[Decision[Image, A]] = []

        async def rule(image: Image) -> tuple[Image, Sequence[Message]]:
            now = self._clock()
            decision = decide(within(task.id, image), now)
            decisions.append(decision)
            return decision.state, self._announce_change(task, decision.state, decision.facts, now)

        await self._images.change(image_id, "image", rule)
        return decisions[-1]

    async def image(self, task_id: str, image_id: str) -> Image:
        return within(task_id, (await self._images.find(image_id, "image")).state)

    async def take_step(self, task_id: str, image_id: str, decide: DecideStep) -> Stepped:
        steps = MongoSteps(
            images=self._images,
            usage=self._usage,
            announce_image=self._announce_image,
            announce_change=self._announce_change,
            clock=self._clock,
            task=self.task,
            take_away=self._take_away,
        )
        spent = await steps.take(task_id, image_id, decide)
        return Stepped(is_finished=await self.is_finished(task_id), spent=spent)

    async def remove_image(self, task_id: str, image_id: str, *, noted: Sequence[AuditEntry] = ()) -> str:
        """The event is saved with a stub of the image, and then the image goes. Where the process dies between, the
        same request sent again, or the collector, finishes it."""
        if (await self.task(task_id)).state == "cancelled":
            raise NotFound("no such image")
        try:
            image = await self.image(task_id, image_id)
        except NotFound:
            return within(task_id, await self._last_removed(image_id)).object_key
        refuse_processing(image)
        removal = removal_id(image)
        removed = self._announce_removed(image, removal, self._clock())
        await self._removed.insert([(stub_of(image), [removed, *events.notes(removal, SOURCE, noted)])])
        await self._finish_removal(image)
        return image.object_key

    async def finish_removals(self) -> None:
        with errors_named():
            undone = await read(self._removed.collection.find({"undone": {"$eq": True}}), UNDONE)
        for document in undone:
            await self._finish_removal(self._removed.stored(document).state)

    async def _finish_removal(self, image: Image) -> None:
        with errors_named():
            await self._images.collection.delete_one({"_id": image.id, "object_key": image.object_key})
            undone = {"_id": removal_id(image), "undone": {"$eq": True}}
            done = await self._removed.collection.update_one(undone, {"$unset": {"undone": ""}})
        if done.matched_count:  # of all who finish it, one
            await self._usage.give_back(image.task_id, [image])

    async def _last_removed(self, image_id: str) -> Image:
        of_image = {"_id": {"$gte": f"{image_id}-", "$lt": f"{image_id}."}}
        with errors_named():
            document = await self._removed.collection.find_one(of_image)
        if document is None:
            raise NotFound("no such image")
        return self._removed.stored(document).state

    async def images(
        self, task_id: str, *, state: str | None, label: str | None, after: str, limit: int, by: By = "id"
    ) -> list[Image]:
        key, is_backwards = IMAGE_KEYS[by], by in BACKWARDS
        if by != "id" and not after:
            await self._add_keys(task_id, key)
        part = {"$gt": "", "$lt": after or LAST} if is_backwards else {"$gt": after}
        query: Document = {"task_id": {"$eq": task_id}, key: part}  # nx-27017: $eq for the index
        query |= {name: {"$eq": value} for name, value in (("state", state), ("label", label)) if value is not None}
        with errors_named():
            cursor = self._images.collection.find(query).sort(key, -1 if is_backwards else 1)
            found = await read(cursor, limit)
        return [IMAGES.read_document(one) for one in found]

    async def votes_since(self, task_id: str, since: float) -> int:
        query = {"task_id": {"$eq": task_id}, "ended_at": {"$gt": since}}  # nx-27017: $eq for the index
        with errors_named():
            cursor = self._images.collection.find(query, {"_id": 0, "counted_votes": 1}).sort("ended_at", -1)
            return sum(one["counted_votes"] for one in await read(cursor, RATED))

    async def has_ended_since(self, task_id: str, since: float) -> bool:
        query = {"task_id": {"$eq": task_id}, "ended_at": {"$gt": since}}  # nx-27017: $eq for the index
        with errors_named():
            return await self._images.collection.find_one(query, {"_id": 1}) is not None

    async def changes(self, task_id: str) -> str:
        return await versions(self._images.collection, task_id)

    async def statistics(self, task_id: str) -> Saved | None:
        with errors_named():
            document = await self._statistics.find_one({"_id": task_id})
        return document and document["saved"]

    async def save_statistics(self, task_id: str, saved: Saved) -> None:
        """The task is looked at after, too: what its erasure did not see is taken away again."""
        await self.task(task_id)
        with errors_named():
            await self._statistics.update_one({"_id": task_id}, {"$set": {"saved": saved}}, upsert=True)
        if (await self.task(task_id)).state == "cancelled":
            with errors_named():
                await self._statistics.delete_one({"_id": task_id})

    async def is_finished(self, task_id: str) -> bool:
        """An image that is processing becomes open, or others do in its place, before it is so no more: so those are
        looked for first, and then the open ones once more."""
        if await self._has(task_id, "open"):
            return False
        with errors_named():
            sealed = {"_id": task_id, "state": "sealed"}
            task = await self._tasks.collection.find_one(sealed, {"_id": 1, "has_pipeline": 1})
        if task is None or "has_pipeline" not in task:
            return task is not None
        return not (await self._has(task_id, "processing") or await self._has(task_id, "open"))

    async def remove_images(self, task_id: str, limit: int) -> int:
        if (await self.task(task_id)).state != "cancelled":
            return 0
        images = self._images.collection
        with errors_named():
            of_task = {"task_id": {"$eq": task_id}}  # nx-27017: $eq for the index
            found = await read(images.find(of_task, {"_id": 1}), limit)
            if len(found) < limit:
                await self._removed.collection.delete_many({"task_id": {"$eq": task_id}})
                await self._statistics.delete_one({"_id": task_id})
            return (await images.delete_many({"_id": {"$in": [one["_id"] for one in found]}})).deleted_count

    async def referenced(self, object_keys: Sequence[str]) -> set[str]:
        ids = [image_of(key)[1] for key in object_keys]
        with errors_named():
            found = await read(self._images.collection.find({"_id": {"$in": ids}}, {"object_key": 1, "work_key": 1}))
        named = {one[name] for one in found for name in ("object_key", "work_key") if name in one}
        return named & set(object_keys)

    async def standing(self) -> dict[str, int]:
        queries: list[Document] = [{"state": {"$eq": "open"}}, {"state": {"$eq": "sealed"}}, UNERASED]
        counts = (count(self._tasks.collection, query, MAX_STANDING) for query in queries)
        return dict(zip(STANDING, await asyncio.gather(*counts), strict=True))

    async def unerased(self) -> list[str]:
        return await self._in_state(UNERASED)

    async def purgeable(self, *, before: float, limit: int) -> list[str]:
        ended = {"state": {"$eq": "cancelled"}, "is_erased": {"$eq": True}}  # nx-27017: $eq for the index
        with errors_named():
            oldest = self._tasks.collection.find({**ended, "created_at": {"$lt": before}}).sort("created_at", 1)
            found = [self._tasks.stored(document).state for document in await read(oldest, limit)]
        return [task.id for task in found if is_due(task, before=before)]

    async def forget(self, task_id: str) -> bool:
        """Its events are kept in its document, so that goes after them."""
        with contextlib.suppress(NotFound):
            stored = await self._tasks.find(task_id, "task")
            if stored.state.is_purged and not stored.document["outbox"]:
                with errors_named():
                    await self._removed.collection.delete_many({"task_id": {"$eq": task_id}})
                    await self._statistics.delete_one({"_id": task_id})
                    as_read = {"_id": task_id, "version": stored.document["version"]}
                    return (await self._tasks.collection.delete_one(as_read)).deleted_count == 1
        return False

    async def unfinished(self) -> list[str]:
        sealed = await self._in_state({"state": {"$eq": "sealed"}})  # nx-27017: $eq for the index
        return [task_id for task_id in sealed if await self.is_finished(task_id)]

    async def pending(self, limit: int) -> list[Message]:
        return await self._outboxes.pending(limit)

    async def clear(self, ids: Sequence[str]) -> None:
        await self._outboxes.clear(ids)

    async def beat(self) -> None:
        await self._origins.beat()

    async def _refused(self, task: Task, allowed: Allowed) -> Task | None:
        """The task that is there already. Raises QuotaReached where none is, and the team may have no further one."""
        try:
            refuse_task(allowed, await self._usage.of(task.team))
        except QuotaReached:
            with contextlib.suppress(NotFound):
                return await self.task(task.id)
            raise
        return None

    async def _refuse_uncounted(self, task: Task, images: Sequence[Image], allowed: Allowed) -> None:
        """Raises QuotaReached where a team has too much with these images, which are counted, and gives them back."""
        try:
            refuse_images(allowed, await self._usage.of(task.team), ())
        except QuotaReached:
            await self._usage.give_back(task.id, images)
            raise

    async def _refuse_unless_open(self, task_id: str) -> None:
        refuse_unless_open(await self.task(task_id))

    async def _add_keys(self, task_id: str, key: str) -> None:
        """Give the images that an older release has stored their keys of all orders, where they lack this one."""
        query = {"task_id": {"$eq": task_id}, key: {"$eq": None}}
        images = self._images.collection
        with errors_named():
            while found := await read(images.find(query), KEYS_AT_ONCE):
                keys = [(one["_id"], order_keys(IMAGES.read_document(one))) for one in found]
                await images.bulk_write([UpdateOne({"_id": i}, {"$set": fields}) for i, fields in keys], ordered=False)

    async def _has(self, task_id: str, state: str) -> bool:
        query = {"task_id": {"$eq": task_id}, "state": {"$eq": state}}  # nx-27017: $eq for the index
        with errors_named():
            return await self._images.collection.find_one(query, {"_id": 1}) is not None

    async def _in_state(self, query: Document) -> list[str]:
        with errors_named():
            return [one["_id"] for one in await read(self._tasks.collection.find(query, {"_id": 1}))]
