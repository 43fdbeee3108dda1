"""An engine that answers when a test lets it."""

import asyncio
import threading

import numpy as np

from services.detector.models import Model
from shared.results import Detection, Rectangle
from shared.shares import Holder


class GatedEngine:
    """Answers with the first byte of what it was given, once its gate opens; notes who called."""

    model = Model(name="gated", sha256="0" * 64, classes=(), input_width=1, input_height=1)

    def __init__(self, gate: threading.Event) -> None:
        self.gate = gate
        self.calls: list[tuple[int, int]] = []
        self.busy = threading.Lock()

    def detect(self, bgr, *, min_confidence, nms_iou):
        with_lock = self.busy.acquire(blocking=False)
        assert with_lock, "an engine ran in two threads at once"
        self.calls.append((threading.get_ident(), int(bgr[0, 0, 0])))
        assert self.gate.wait(10)
        self.busy.release()
        place = Rectangle(left=0, top=0, width=1, height=1)
        return (Detection(label=str(bgr[0, 0, 0]), confidence=min_confidence, rectangle=place),)


def first_byte(data: bytes):
    return np.full((1, 1, 3), data[0], np.uint8)


def ask(pool, number: int, *, is_urgent: bool = True):
    holder = Holder(f"address {number}") if is_urgent else None
    return asyncio.create_task(pool.detect(bytes([number]), min_confidence=0.5, nms_iou=0.45, holder=holder))


async def until(condition) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  (what is waited for happens in other threads)
            await asyncio.sleep(0.001)
