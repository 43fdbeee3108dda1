"""Which model the detectors look with: each says so again and again, to whoever listens."""

import asyncio
import contextlib
import logging

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.bus import Bus
from shared.clock import Clock
from shared.ending import ended
from shared.errors import Unavailable

log = logging.getLogger(__name__)

TELL_S = 5.0
SILENT_S = 3 * TELL_S
"""After so long without word of a model, no detector is running."""
MAX_CLASSES_BYTES = 65_536
"""Of a model with more than this to say, the classes are not told."""


class ModelLoaded(BaseModel):
    """What is broadcast. `model`: the voter's name; `classes`: the names that its detections carry, if told."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    model: str
    classes: tuple[str, ...]


class ModelTeller:
    """Broadcasts which model this process has loaded, from its start to its close."""

    def __init__(self, loaded: ModelLoaded, bus: Bus) -> None:
        body = loaded.model_dump_json().encode()
        is_told_whole = len(body) <= MAX_CLASSES_BYTES
        self._body = body if is_told_whole else ModelLoaded(model=loaded.model, classes=()).model_dump_json().encode()
        self._bus = bus
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="tell the model")

    async def close(self) -> None:
        await ended(self._task)

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(Unavailable):  # it is told again
                await self._bus.broadcast(self._body)
            await asyncio.sleep(TELL_S)


class ModelHeard:
    """The model that was told of last, by its voter's name, and its classes, None where they were not told; and whether
    one is running."""

    def __init__(self, clock: Clock) -> None:
        self.model: str | None = None
        self.classes: tuple[str, ...] | None = None
        self._clock = clock
        self._heard_at = -SILENT_S

    @property
    def is_present(self) -> bool:
        """Whether a detector was heard of lately."""
        return self._clock() - self._heard_at < SILENT_S

    def heard(self, body: bytes) -> None:
        """Take in what was broadcast; what tells of no model is passed over."""
        try:
            loaded = ModelLoaded.model_validate_json(body)
        except ValidationError:
            return
        self.model, self.classes = loaded.model, loaded.classes or None
        self._heard_at = self._clock()
