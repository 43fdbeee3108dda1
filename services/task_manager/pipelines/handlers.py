"""What the task manager does when a step of a pipeline has ended, however it did."""

import contextlib
import logging
from dataclasses import dataclass
from functools import partial

from services.task_manager.completing import complete
from services.task_manager.pipelines.rules import Made, Step, take_step
from services.task_manager.store import TaskStore
from shared import events
from shared.bus import Bus, DeadLetter
from shared.errors import Malformed, NotFound, Unavailable
from shared.flat import unflattened
from shared.objects import ObjectStore
from shared.outbox import Relay

log = logging.getLogger(__name__)

STEPS = "step.opened."
LETTERS = 1_000
"""Dead letters that one look goes through at the most."""
MAX_REASON = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Takes in what workers have done, or could not do."""

    store: TaskStore
    objects: ObjectStore
    bus: Bus
    relay: Relay

    async def note(self, event: events.StepFinishedV1) -> None:
        """Take in what came out of a step, and complete the task where nothing of it is open any more."""
        data = event.data
        made = tuple(unflattened(Made, output) for output in data.outputs)
        step = Step(step=data.step, operations=data.operations, made=made, error=data.error)
        await self._take(data.task_id, data.image_id, step)

    async def fail_dead(self) -> None:
        """Fail the images whose steps were given up, for each killed its worker again and again; the letters go."""
        counts = await self.bus.dead_counts()
        queues = [queue for queue, count in counts.items() if count and f".{STEPS}" in queue]
        if not queues:
            return
        for letter in await self.bus.dead_letters(LETTERS, queues):
            with contextlib.suppress(NotFound):  # somebody replayed or discarded it meanwhile
                await self._fail(letter)

    async def _fail(self, letter: DeadLetter) -> None:
        _, body = await self.bus.dead_letter(letter.id)
        try:
            event = events.parse(body)
        except Malformed:
            return  # nobody can say of which image it was: it stays for people to look at
        if isinstance(event, events.StepOpenedV1):
            data = event.data
            error = f"no worker could do it: {letter.reason}"[:MAX_REASON]
            log.warning("a step was given up", extra={"image_id": data.image_id, "error": error})
            await self._take(data.task_id, data.image_id, Step(step=data.step, operations=1, error=error))
        await self.bus.discard(letter.id)

    async def _take(self, task_id: str, image_id: str, step: Step) -> None:
        try:
            stepped = await self.store.take_step(task_id, image_id, partial(take_step, step=step))
        except NotFound:
            return  # its task was cancelled and erased meanwhile
        self.relay.wake()
        if stepped.spent is not None:
            with contextlib.suppress(Unavailable):  # else the collector removes it
                await self.objects.delete([stepped.spent])
        if stepped.is_finished:
            await complete(self.store, task_id)
            self.relay.wake()
