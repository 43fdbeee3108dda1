"""Inference beside the event loop: a thread for each engine, and a bounded queue before them."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from services.detector.engine import Engine
from shared.detection import Detection
from shared.errors import Unavailable


class InferencePool:
    """Decodes pictures and detects objects in them, in order of arrival, one picture per engine at a time.

    Each engine belongs to one thread for as long as the pool lives. Call from one event loop, which never blocks.
    """

    def __init__(
        self, engines: Sequence[Engine], decode: Callable[[bytes], NDArray[np.uint8]], max_waiting: int = 64
    ) -> None:
        """`decode` yields height x width x 3 in blue, green, red; several threads call it at once."""
        self._size = len(engines)
        self._decode = decode
        self._max_waiting = max_waiting
        self._unclaimed: SimpleQueue[Engine] = SimpleQueue()
        for engine in engines:
            self._unclaimed.put(engine)
        self._own = threading.local()
        self._threads = ThreadPoolExecutor(self._size, thread_name_prefix="inference", initializer=self._claim_engine)
        self._unfinished: set[Future[tuple[Detection, ...]]] = set()
        self._is_closed = False

    @property
    def waiting(self) -> int:
        """How many requests wait for an engine."""
        return max(0, len(self._unfinished) - self._size)

    async def detect(self, data: bytes, *, min_confidence: float, nms_iou: float) -> tuple[Detection, ...]:
        """Decode an image file and detect objects in it, as `Engine.detect` does.

        Raises Unavailable when `max_waiting` requests wait already or the pool is closed, and whatever decoding raises.
        A caller that is cancelled gives up its place in the queue.
        """
        if self._is_closed:
            raise Unavailable("The detector is shutting down.")
        if len(self._unfinished) >= self._size + self._max_waiting:
            raise Unavailable("The detector has more work than it can take.")
        job = self._threads.submit(self._run, data, min_confidence, nms_iou)
        self._unfinished.add(job)
        job.add_done_callback(self._unfinished.discard)
        return await asyncio.wrap_future(job)

    async def close(self) -> None:
        """Finish what was accepted and end the threads."""
        self._is_closed = True
        await asyncio.to_thread(self._threads.shutdown)

    def _claim_engine(self) -> None:
        self._own.engine = self._unclaimed.get_nowait()

    def _run(self, data: bytes, min_confidence: float, nms_iou: float) -> tuple[Detection, ...]:
        engine: Engine = self._own.engine
        return engine.detect(self._decode(data), min_confidence=min_confidence, nms_iou=nms_iou)
