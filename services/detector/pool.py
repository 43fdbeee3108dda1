"""Inference beside the event loop: one thread for each engine, and bounded queues of pictures."""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.detector.domain import LONGEST_S
from services.detector.engine import BatchingEngine, Engine
from services.detector.models import Model
from shared.errors import QuorateError, Unavailable
from shared.results import Detection
from shared.shares import Holder, Shares

log = logging.getLogger(__name__)

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A picture that was looked at: what was found, and how long it waited for an engine, was decoded, and kept the
    model busy, in seconds."""

    objects: tuple[Detection, ...]
    queue_s: float
    decode_s: float
    model_s: float


CLOSE_S = 5.0
"""An engine that is not done by then is left behind: its thread ends with the process."""
LOOK_S = 1.0
"""How often a picture that waits for an engine looks whether all of them hang, in seconds, at the least."""
_URGENT_IN_A_ROW = 4
"""With both queues filled, so many urgent pictures come before one background picture."""


class EngineFailed(Unavailable):
    """The model could not be run on a picture that was decoded; the reason is in the log."""


@dataclass(slots=True, eq=False, kw_only=True)
class _Job:
    """A picture, and the future of its detections. began: when an engine took it up."""

    picture: bytes | Pixels
    min_confidence: float
    nms_iou: float
    since: float
    answer: Future[Look] = field(default_factory=Future[Look])
    began: float | None = None


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
    """Decodes pictures and detects objects in them, in order of arrival, one picture per engine at a time, or as many
    as wait and the engine takes together.

    Each engine belongs to one thread for as long as the pool lives. Background pictures, for which no caller waits,
    have a queue of their own, and at least every fifth turn. Of the places for the others each caller has a share.
    A picture at which an engine hangs is given up; that engine is lost until it returns, if it ever does. Call from one
    event loop, which never blocks.
    """

    def __init__(
        self,
        engines: Sequence[Engine],
        decode: Callable[[bytes], Pixels],
        *,
        max_waiting: int = 64,
        longest_s: float = LONGEST_S,
    ) -> None:
        """`decode` yields height x width x 3 in blue, green, red; several threads call it at once."""
        self.model: Model = engines[0].model
        self.threads = len(engines)
        self.load = Load()
        self.decode = decode
        self._max_waiting = max_waiting
        self._longest_s = longest_s
        self._busy_since: dict[int, float] = {}
        self._shares = Shares(max_waiting + len(engines))
        self._urgent: deque[_Job] = deque()
        self._background: deque[_Job] = deque()
        self._urgent_in_a_row = 0
        self._running = 0
        self._is_closed = False
        self._told: Callable[[float, float], None] | None = None
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._work, args=(number, engine), name=f"inference-{number}", daemon=True)
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

    @property
    def hangs_for_s(self) -> float:
        """For how long all engines have hung, beyond what a picture may take; 0 while one of them works or is idle."""
        since = dict(self._busy_since)
        busy_s = time.monotonic() - max(since.values(), default=0.0) if len(since) == self.threads else 0.0
        return max(0.0, busy_s - self._longest_s)

    async def detect(
        self, picture: bytes | Pixels, *, min_confidence: float, nms_iou: float, holder: Holder | None = None
    ) -> Look:
        """Decode an image file, unless it is decoded, and detect objects in it, as `Engine.detect` does, for a caller
        who waits for it, or in the background.

        Raises Unavailable when `max_waiting` of its kind wait already, the caller has its share of them or the pool is
        closed or hangs, EngineFailed where the model cannot be run or hangs at the picture, and what decoding raises. A
        cancelled caller leaves the queue.
        """
        if holder is None:
            return await self._detect(picture, self._background, min_confidence=min_confidence, nms_iou=nms_iou)
        if not self._shares.has_room(holder):
            self.load.refused += 1
            raise Unavailable("you have as many pictures under way as one caller may")
        self._shares.take(holder)
        try:
            return await self._detect(picture, self._urgent, min_confidence=min_confidence, nms_iou=nms_iou)
        finally:
            self._shares.give_back(holder)

    async def _detect(
        self, picture: bytes | Pixels, queue: deque[_Job], *, min_confidence: float, nms_iou: float
    ) -> Look:
        job = _Job(picture=picture, min_confidence=min_confidence, nms_iou=nms_iou, since=time.monotonic())
        with self._changed:
            self._refuse_if_full(queue)
            queue.append(job)
            self._changed.notify()
        answer = asyncio.wrap_future(job.answer)
        try:
            while not answer.done():
                await asyncio.wait((answer,), timeout=self._patience_s(job))
                self._refuse_to_wait(job, answer)
            return answer.result()
        finally:
            answer.cancel()
            with self._changed:
                if job in queue:
                    queue.remove(job)
            del job, answer  # they may hold an error, which refers to this frame

    async def close(self, *, within_s: float = CLOSE_S) -> None:
        """Finish what was accepted and end the threads; those that hang are left behind after `within_s` seconds."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        await asyncio.to_thread(self._join, time.monotonic() + within_s)

    def _join(self, until: float) -> None:
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _refuse_if_full(self, queue: deque[_Job]) -> None:
        if self._is_closed:
            raise Unavailable("the detector is shutting down")
        idle = self.threads - self._running
        if len(queue) >= self._max_waiting + idle:
            self.load.refused += 1
            raise Unavailable(f"the detector has more work than it can take: {self._max_waiting} pictures wait already")

    def _patience_s(self, job: _Job) -> float:
        """In how many seconds to look whether to wait any longer: exactly when the picture has taken too long."""
        if job.began is None:
            return min(self._longest_s, LOOK_S)
        return max(0.0, job.began + self._longest_s - time.monotonic())

    def _refuse_to_wait(self, job: _Job, answer: asyncio.Future[Look]) -> None:
        """Raises EngineFailed where an engine hangs at this picture, Unavailable where all of them hang at others."""
        if answer.done():
            return
        if job.began is not None and time.monotonic() - job.began >= self._longest_s:
            log.error("an engine hangs at a picture, which is given up")
            raise EngineFailed(f"the detector was not done with the picture within {self._longest_s:g} s")
        if job.began is None and self.hangs_for_s:
            raise Unavailable("the detector hangs")

    def _work(self, number: int, engine: Engine) -> None:
        batching: _Batching = engine if isinstance(engine, BatchingEngine) else _OneByOne(engine)
        while jobs := self._next(batching.batch):
            running = [job for job in jobs if job.answer.set_running_or_notify_cancel()]
            began = time.monotonic()
            for job in running:
                job.began = began
            self._busy_since[number] = began
            outcomes = self._looks(batching, running, began)
            del self._busy_since[number]
            self._finished(running, outcomes, began)
            for job, outcome in zip(running, outcomes, strict=True):
                if isinstance(outcome, Look):
                    job.answer.set_result(outcome)
                else:
                    job.answer.set_exception(outcome)
            jobs, running, outcomes = [], [], []  # so that nothing is kept in memory while this thread waits
            job = outcome = None

    def _looks(self, engine: "_Batching", jobs: Sequence[_Job], began: float) -> list[Look | BaseException]:
        """The outcome of each job: a picture that cannot be made ready fails alone, a model that fails with all."""
        ready = list(map(partial(self._ready, engine), jobs))  # a comprehension's frame would keep its last job
        prepared = [one.prepared for one in ready if isinstance(one, _Ready)]
        since = time.monotonic()
        try:
            found: Iterator[tuple[Detection, ...]] | BaseException = iter(
                engine.detect_together(prepared) if prepared else ()
            )
        except BaseException as error:  # noqa: BLE001 - the callers get it
            found = _failed(error)
        model_s = time.monotonic() - since
        try:
            return [
                one
                if isinstance(one, BaseException)
                else found
                if isinstance(found, BaseException)
                else Look(
                    objects=next(found),
                    queue_s=began - job.since,
                    decode_s=one.decode_s,
                    model_s=one.prepare_s + model_s,
                )
                for job, one in zip(jobs, ready, strict=True)
            ]
        finally:
            del jobs, ready, prepared, found  # an error refers to this frame, which would keep it and the pictures

    def _ready(self, engine: "_Batching", job: _Job) -> "_Ready | BaseException":
        """The picture as the engine takes it. Decoded it is held no longer than this takes: the budget for decoding
        counts it no more."""
        since = time.monotonic()
        try:
            bgr = self.decode(job.picture) if isinstance(job.picture, bytes) else job.picture
            decoded_at = time.monotonic()
            prepared = engine.prepare(bgr, min_confidence=job.min_confidence, nms_iou=job.nms_iou)
        except BaseException as error:  # noqa: BLE001 - the caller gets it
            return _failed(error)
        finally:
            del job  # an error refers to this frame, and becomes the job's answer
        return _Ready(prepared=prepared, decode_s=decoded_at - since, prepare_s=time.monotonic() - decoded_at)

    def _next(self, at_most: int) -> list[_Job]:
        """Wait for the next jobs, all of one kind; none: the pool is closed and has no more."""
        with self._changed:
            while not (self._urgent or self._background):
                if self._is_closed:
                    return []
                self._changed.wait()
            is_background_turn = self._background and (not self._urgent or self._urgent_in_a_row >= _URGENT_IN_A_ROW)
            self._urgent_in_a_row = 0 if is_background_turn else self._urgent_in_a_row + 1
            queue = self._background if is_background_turn else self._urgent
            jobs = [queue.popleft() for _ in range(min(at_most, len(queue)))]
            self._running += 1
            now = time.monotonic()
            self.load.waited_s += sum(now - job.since for job in jobs)
            return jobs

    def _finished(self, jobs: Sequence[_Job], outcomes: Sequence[Look | BaseException], began: float) -> None:
        busy_s = time.monotonic() - began if jobs else 0.0
        if self._told is not None:
            for job in jobs:
                self._told(began - job.since, busy_s / len(jobs))
        failed = sum(isinstance(outcome, EngineFailed) for outcome in outcomes)
        with self._changed:
            self._running -= 1
            self.load.busy_s += busy_s
            self.load.answered += len(outcomes) - failed
            self.load.failed += failed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    prepared: Any
    decode_s: float
    prepare_s: float


@dataclass(frozen=True, slots=True)
class _OneByOne:
    """An engine that takes no batches, as one whose batches are of one picture; it makes that ready as it looks."""

    engine: Engine
    batch: int = 1

    def prepare(self, bgr: Pixels, *, min_confidence: float, nms_iou: float) -> Callable[[], tuple[Detection, ...]]:
        return partial(self.engine.detect, bgr, min_confidence=min_confidence, nms_iou=nms_iou)

    def detect_together(self, prepared: Sequence[Callable[[], tuple[Detection, ...]]]) -> list[tuple[Detection, ...]]:
        return [detect() for detect in prepared]


_Batching = BatchingEngine[Any] | _OneByOne


def _failed(error: BaseException) -> BaseException:
    """The error that a caller gets: what it can do something about, or that the model could not be run."""
    if isinstance(error, QuorateError) or not isinstance(error, Exception):
        return error
    log.error("the model could not be run", exc_info=error)
    failed = EngineFailed("the detector could not look at the picture")
    failed.__cause__ = error
    return failed
