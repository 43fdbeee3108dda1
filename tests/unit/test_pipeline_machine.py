"""Any order of uploads, steps told early, late, twice or never, failures, results, removals and ends of a task: the
rules over the SQLite store."""

import asyncio
import tempfile
from functools import partial
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.task_manager import announcements, domain
from services.task_manager.pipelines.rules import Step, take_step
from services.task_manager.refusals import StillProcessing
from services.task_manager.store.sqlite import SqliteTaskStore
from services.task_manager.store.sqlite.schema import STEPS
from shared.errors import NotFound
from shared.events import parse
from shared.sqlite import Database
from tests.unit.step_builders import piped, step_of, uploaded
from tests.unit.task_builders import TASK_ID, VOTES, result

AREA = 40 * 30
OPERATIONS = ("split", ("rotate", 90), "split")
some = st.integers(0, 10_000)


class Pipelines(RuleBasedStateMachine):
    """Up to three images of one task. `told` has every step that a worker may have finished, for any image that ever
    waited for it: each may be told whenever, and however often. `gone` is the area of removed images, by upload."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.database = Database(Path(self.folder.name) / "tasks.sqlite", STEPS, readers=1)
        self.database.open()
        self.told: list[tuple[str, Step]] = []
        self.uploads: dict[str, int] = {}
        self.ready: list[str] = []

    def teardown(self) -> None:
        self.run(self.database.close())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
        self.folder.cleanup()

    def run(self, work):
        return self.loop.run_until_complete(work)

    @initialize(is_fused=st.booleans())
    def begin(self, is_fused) -> None:
        self.is_fused = is_fused
        self.store = SqliteTaskStore(
            self.database,
            lambda: 1_000.0,
            announce_task=announcements.task_changed,
            announce_image=partial(announcements.image_added, is_fused=is_fused),
            announce_change=partial(announcements.image_changed, is_fused=is_fused),
            announce_removed=announcements.image_removed,
        )
        self.of = piped(*OPERATIONS)
        self.run(self.store.create(self.of))
        self.images = []

    def look(self) -> None:
        """What the store has now, and what it has announced since."""
        self.images = self.run(self.store.images(TASK_ID, state=None, label=None, after="", limit=1_000))
        by_id = {one.id: one for one in self.images}
        messages = self.run(self.store.pending(1_000))
        for event in (parse(message.body) for message in messages):
            if event.type.startswith("step.opened."):
                waiting = by_id[event.data.image_id]
                for nonce in range(2):
                    step = step_of(self.of, waiting, nonce=nonce, is_fused=self.is_fused)
                    self.told.append((waiting.id, step))
            elif event.type == "image.ready.v2":
                self.ready.append(event.data.image_id)
        self.run(self.store.clear([message.id for message in messages]))

    def take(self, image_id: str, step: Step) -> None:
        try:
            self.run(self.store.take_step(TASK_ID, image_id, partial(take_step, step=step)))
        except NotFound:
            assert image_id not in {one.id for one in self.images}
        self.look()

    @precondition(lambda self: self.task().state == "open" and len(self.uploads) < 3)
    @rule()
    def upload(self) -> None:
        one = uploaded(f"{len(self.uploads)}", self.of)
        self.run(self.store.add_images(self.of, [one]))
        self.uploads[one.id] = 0
        self.look()

    @precondition(lambda self: self.told)
    @rule(which=some)
    def tell(self, which) -> None:
        self.take(*self.told[which % len(self.told)])

    @precondition(lambda self: self.told)
    @rule()
    def tell_the_last(self) -> None:
        self.take(*self.told[-1])

    @precondition(lambda self: any(one.state == "processing" for one in self.images))
    @rule(which=some)
    def fail(self, which) -> None:
        waiting = [one for one in self.images if one.state == "processing"]
        one = waiting[which % len(waiting)]
        self.take(one.id, Step(step=one.stage or 0, operations=1, error="no picture"))

    @precondition(lambda self: any(one.state == "open" for one in self.images))
    @rule(which=some)
    def settle(self, which) -> None:
        waiting = [one for one in self.images if one.state == "open"]
        one = waiting[which % len(waiting)]
        record = partial(domain.record_result, state="completed", result=result(), votes=VOTES, prelabel=None)
        self.run(self.store.update_image(TASK_ID, one.id, record))
        self.look()

    @precondition(lambda self: self.images and self.task().state != "cancelled")
    @rule(which=some)
    def remove(self, which) -> None:
        """Only what was derived: with an uploaded image its area would not be known any more."""
        made = [one for one in self.images if one.origin is not None and one.state != "derived"]
        if not made:
            return
        one = made[which % len(made)]
        try:
            self.run(self.store.remove_image(TASK_ID, one.id))
        except StillProcessing:
            assert one.state == "processing"
        else:
            assert one.origin is not None
            self.uploads[one.origin.image_id] += one.width * one.height
        self.look()

    @rule(ending=st.sampled_from([domain.seal, domain.reopen]))
    def end_or_go_on(self, ending) -> None:
        if self.task().state != "cancelled":
            self.run(self.store.update(TASK_ID, ending))

    @precondition(lambda self: len(self.told) > 8)
    @rule()
    def cancel(self) -> None:
        self.run(self.store.update(TASK_ID, domain.cancel))

    def task(self):
        return self.run(self.store.task(TASK_ID))

    @invariant()
    def counts_are_a_recount(self) -> None:
        if not hasattr(self, "store"):
            return
        counts = self.run(self.store.recount(TASK_ID))
        states = [one.state for one in self.images]
        named = ("open", "completed", "disputed", "processing", "failed")
        assert [getattr(counts, state) for state in named] == [states.count(state) for state in named]
        assert counts.images == len(states) - states.count("derived")
        stored = [one for one in self.images if one.state != "derived" or one.origin is None]
        usage = self.run(self.store.usage(self.of.team))
        assert (usage.images, usage.bytes) == (len(stored), sum(one.size_bytes for one in stored))

    @invariant()
    def every_part_of_every_upload_is_there_once(self) -> None:
        """At no instant is a part missing, and none is there twice: the areas of all parts make up the whole."""
        for image_id, removed in self.uploads.items():
            parts = [
                one for one in self.images if one.id == image_id or (one.origin and one.origin.image_id == image_id)
            ]
            assert sum(one.width * one.height for one in parts if one.state != "derived") + removed == AREA

    @invariant()
    def a_task_is_finished_when_nothing_is_left_to_do(self) -> None:
        if hasattr(self, "store"):
            is_left = any(one.state in ("open", "processing") for one in self.images)
            is_finished = self.task().state == "sealed" and not is_left
            assert self.run(self.store.is_finished(TASK_ID)) == is_finished

    @invariant()
    def people_hear_of_each_image_once(self) -> None:
        assert len(self.ready) == len(set(self.ready))
        known = {one.id: one for one in self.images}
        assert all(known[image_id].state in ("open", "completed") for image_id in self.ready if image_id in known)


Pipelines.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
TestPipelines = Pipelines.TestCase
