"""A part on a real bus and a real folder, the steps that it is sent, and what it tells of them."""

import asyncio
import time
from dataclasses import dataclass, field

import cv2
import numpy as np
from prometheus_client import generate_latest

from shared import events
from shared.bus.sqlite import SqliteBus
from shared.event_data import StepFinished, StepOpened
from shared.objects.filesystem import FilesystemObjectStore
from shared.pipelines import Operation, Origin

TASK, IMAGE = "7a" * 16, "5b" * 16
UPLOADED = f"{TASK}/{IMAGE}-0123456789ab-0.png"


@dataclass(kw_only=True)
class Bench:
    """A part with its bus and its objects, and what it told."""

    part: object
    bus: SqliteBus
    objects: FilesystemObjectStore
    telemetry: object
    told: list[StepFinished] = field(default_factory=list)
    sent: int = 0

    async def hear(self, event: events.StepFinishedV1) -> None:
        self.told.append(event.data)

    async def done(self, opened: StepOpened, *, kind: str | None = None) -> StepFinished:
        """What is told of a step."""
        before = len(self.told)
        await self.bus.publish([step(opened, kind)])
        await self.until(lambda: len(self.told) > before)
        return self.told[-1]

    async def until(self, condition) -> None:
        async with asyncio.timeout(30):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def settled(self) -> None:
        async with asyncio.timeout(30):
            while any((await self.bus.depths()).values()):  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    def counted(self) -> str:
        return generate_latest(self.telemetry.metrics.registry).decode()


def step(opened: StepOpened, kind: str | None = None):
    kind = kind or opened.operations[0].name
    attributes = events.envelope(event_id=f"{IMAGE}/step/{opened.step}", source="test", subject=IMAGE, at=time.time())
    return events.message(events.StepOpenedV1(**attributes, type=f"step.opened.{kind}.v1", data=opened))


def picture(height: int = 61, width: int = 83):
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), np.uint8)


GOOD = cv2.imencode(".png", picture())[1].tobytes()


def opening(*operations, first: int = 0, key: str = UPLOADED, size=(83, 61), is_last=True, **more) -> StepOpened:
    return StepOpened(
        task_id=TASK,
        image_id=IMAGE,
        step=first,
        operations=tuple(Operation(name=name, argument=argument) for name, argument in operations),
        object_key=key,
        width=size[0],
        height=size[1],
        origin=Origin(image_id=IMAGE, width=size[0], height=size[1]),
        is_last=is_last,
        **{"output": "png", "quality": 95} | more,
    )


async def started(adapters, part) -> Bench:
    bench = Bench(part=part, bus=adapters.bus, objects=adapters.objects, telemetry=adapters.telemetry)
    part.subscribe(adapters.bus)
    adapters.bus.consume("task_manager.step.finished.v1", bench.hear, prefetch=8)
    return bench
