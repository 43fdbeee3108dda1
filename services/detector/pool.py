"""Inference beside the event loop: one thread for each engine, and bounded queues of pictures."""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from services.detector.engine import Engine
from services.detector.models import Model
from shared.errors import QuorateError, Unavailable
from shared.results import Detection
from shared.shares import Holder, Shares

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A picture that was looked at: what was found, and how long it waited for an engine, was decoded, and kept the
    model busy, in seconds."""

    objects: tuple[Detection, ...]
    queue_s: float
    decode_s: float
    model_s: float


_URGENT_IN_A_ROW = 4
"""With both queues filled, so many urgent pictures come before one background picture."""


class EngineFailed(Unavailable):
    """The model could not be run on a picture that was decoded; the reason is in the log."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Job:
    """A picture, and the future of its detections."""

    data: bytes
    min_confidence: float
    nms_iou: float
    since: float
    answer: Future[Look] = field(default_factory=Future[Look])


@dataclass(slots=True, kw_only=True)
class Load:
    """The pool's figures since its start.

    answered, refused, failed: pictures; one that cannot be decoded counts as answered.
    waited_s: how long all of them together waited for an engine, in seconds.
    busy_s: how long all engines together worked, decoding included, in seconds.
    """

    answered: int = 0
    refused: int = 0
    failed: int = 0
    waited_s: float = 0.0
    busy_s: float = 0.0


class InferencePool:
    """Decodes pictures and detects objects in them, in order of arrival, one picture per engine at a time.

    Each engine belongs to one thread for as long as the pool lives. Background pictures, for which no caller waits,
    have a queue of their own, and at least every fifth turn. Of the places for the others each caller has a share.
    Call from one event loop, which never blocks.
    """

    def __init__(
        self, engines: Sequence[Engine], decode: Callable[[bytes], NDArray[np.uint8]], *, max_waiting: int = 64
    ) -> None:
        """`decode` yields height x width x 3 in blue, green, red; several threads call it at once."""
        self.model: Model = engines[0].model
        self.threads = len(engines)
        self.load = Load()
        self._decode = decode
        self._max_waiting = max_waiting
        self._shares = Shares(max_waiting + len(engines))
        self._urgent: deque[_Job] = deque()
        self._background: deque[_Job] = deque()
        self._urgent_in_a_row = 0
        self._running = 0
        self._is_closed = False
        self._told: Callable[[float, float], None] | None = None
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._work, args=(engine,), name=f"inference-{number}", daemon=True)
            for number, engine in enumerate(engines)
        ]
        for thread in self._threads:
            thread.start()

    def tell(self, told: Callable[[float, float], None]) -> None:
        """Call `told`, from the engines' threads, with how long each picture waited and kept an engine busy."""
        self._told = told

    @property
    def waiting(self) -> int:
        """How many pictures wait for an engine."""
        return max(0, len(self._urgent) + len(self._background) - (self.threads - self._running))

    @property
    def busy(self) -> int:
        """How many engines are at work."""
        return self._running

    async def detect(self, data: bytes, *, min_confidence: float, nms_iou: float, holder: Holder | None = None) -> Look:
        """Decode an image file and detect objects in it, as `Engine.detect` does, for a caller who waits for it, or
        in the background.

        Raises Unavailable when `max_waiting` of its kind wait already, the caller has its share of them or the pool is
        closed, EngineFailed where the model cannot be run, and what decoding raises. A cancelled caller leaves the
        queue.
        """
        if holder is None:
            return await self._detect(data, self._background, min_confidence=min_confidence, nms_iou=nms_iou)
        if not self._shares.has_room(holder):
            self.load.refused += 1
            raise Unavailable("you have as many pictures under way as one caller may")
        self._shares.take(holder)
        try:
            return await self._detect(data, self._urgent, min_confidence=min_confidence, nms_iou=nms_iou)
        finally:
            self._shares.give_back(holder)

    async def _detect(self, data: bytes, queue: deque[_Job], *, min_confidence: float, nms_iou: float) -> Look:
        job = _Job(data=data, min_confidence=min_confidence, nms_iou=nms_iou, since=time.monotonic())
        with self._changed:
            self._refuse_if_full(queue)
            queue.append(job)
            self._changed.notify()
        try:
            return await asyncio.wrap_future(job.answer)
        except asyncio.CancelledError:
            with self._changed:
                if job in queue:
                    queue.remove(job)
            raise

    async def close(self) -> None:
        """Finish what was accepted and end the threads."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def _refuse_if_full(self, queue: deque[_Job]) -> None:
        if self._is_closed:
            raise Unavailable("the detector is shutting down")
        idle = self.threads - self._running
        if len(queue) >= self._max_waiting + idle:
            self.load.refused += 1
            raise Unavailable(f"the detector has more work than it can take: {self._max_waiting} pictures wait already")

    def _work(self, engine: Engine) -> None:
        while (job := self._next()) is not None:
            if not job.answer.set_running_or_notify_cancel():
                self._finished(None, job.since)
                continue
            began = time.monotonic()
            try:
                look = self._look(engine, job, began)
            except BaseException as error:  # noqa: BLE001 - the caller gets it
                self._finished(began, job.since, is_failed=isinstance(error, EngineFailed))
                job.answer.set_exception(error)
            else:
                self._finished(began, job.since)
                job.answer.set_result(look)
            del job  # so that it is not kept in memory while this thread waits

    def _look(self, engine: Engine, job: _Job, began: float) -> Look:
        try:
            picture = self._decode(job.data)
            decoded = time.monotonic()
            objects = engine.detect(picture, min_confidence=job.min_confidence, nms_iou=job.nms_iou)
        except QuorateError:
            raise
        except Exception as error:
            log.exception("the model could not be run")
            raise EngineFailed("the detector could not look at the picture") from error
        return Look(
            objects=objects,
            queue_s=began - job.since,
            decode_s=decoded - began,
            model_s=time.monotonic() - decoded,
        )

    def _next(self) -> _Job | None:
        """Wait for the next job; None: the pool is closed and has no more."""
        with self._changed:
            while not (self._urgent or self._background):
                if self._is_closed:
                    return None
                self._changed.wait()
            is_background_turn = self._background and (not self._urgent or self._urgent_in_a_row >= _URGENT_IN_A_ROW)
            self._urgent_in_a_row = 0 if is_background_turn else self._urgent_in_a_row + 1
            job = (self._background if is_background_turn else self._urgent).popleft()
            self._running += 1
            self.load.waited_s += time.monotonic() - job.since
            return job

    def _finished(self, began: float | None, since: float, *, is_failed: bool = False) -> None:
        busy_s = 0.0 if began is None else time.monotonic() - began
        if began is not None and self._told is not None:
            self._told(began - since, busy_s)
        with self._changed:
            self._running -= 1
            if began is not None:
                self.load.busy_s += busy_s
                self.load.answered += not is_failed
                self.load.failed += is_failed
