"""Pictures that an engine looks at together."""

import asyncio
import threading
import weakref

import pytest

from services.detector.pool import InferencePool
from shared.errors import Malformed
from tests.unit.gated_engine import GatedEngine, ask, first_byte, until


@pytest.fixture
def gate():
    gate = threading.Event()
    yield gate
    gate.set()


class BatchingGatedEngine(GatedEngine):
    """Takes up to three pictures together."""

    batch = 3

    def __init__(self, gate: threading.Event) -> None:
        super().__init__(gate)
        self.together: list[int] = []

    def prepare(self, bgr, **thresholds):
        return bgr.copy(), thresholds

    def detect_together(self, prepared):
        self.together.append(len(prepared))
        return [self.detect(picture, **thresholds) for picture, thresholds in prepared]


async def test_what_waits_is_looked_at_together_as_far_as_the_engine_takes_it(gate):
    engine = BatchingGatedEngine(gate)
    pool = InferencePool([engine], first_byte, max_waiting=16)
    first = ask(pool, 0)
    await until(lambda: len(engine.calls) == 1)
    others = [ask(pool, number) for number in range(1, 6)]
    behind = [ask(pool, 6, is_urgent=False)]
    await until(lambda: pool.waiting == 6)
    others[1].cancel()
    await until(lambda: pool.waiting == 5)
    gate.set()
    answers = await asyncio.gather(first, *others, *behind, return_exceptions=True)
    assert isinstance(answers[2], asyncio.CancelledError)
    assert [answer.objects[0].label for number, answer in enumerate(answers) if number != 2] == list("013456")
    assert engine.together == [1, 3, 1, 1]  # 0; 1, 3 and 4; 5; and the one in the background
    assert (pool.load.answered, pool.load.failed, pool.busy) == (6, 0, 0)
    await pool.close()


async def test_a_picture_that_cannot_be_made_ready_fails_alone_and_a_model_that_fails_with_all(gate):
    def decoded(data: bytes):
        if data[0] == 2:
            raise Malformed("no picture")
        return first_byte(data)

    class Failing(BatchingGatedEngine):
        def prepare(self, bgr, **thresholds):
            if bgr[0, 0, 0] == 3:
                raise ValueError("no such size")
            return super().prepare(bgr, **thresholds)

        def detect_together(self, prepared):
            if len(self.together) == 2:
                raise ValueError("out of memory")
            return super().detect_together(prepared)

    engine = Failing(gate)
    pool = InferencePool([engine], decoded, max_waiting=16)
    first = ask(pool, 0)
    await until(lambda: len(engine.calls) == 1)
    others = [ask(pool, number) for number in range(1, 7)]
    await until(lambda: pool.waiting == 6)
    gate.set()
    answers = await asyncio.gather(first, *others, return_exceptions=True)
    kinds = [type(answer).__name__ for answer in answers]
    assert kinds == ["Look", "Look", "Malformed", "EngineFailed", "EngineFailed", "EngineFailed", "EngineFailed"]
    assert (pool.load.answered, pool.load.failed, pool.busy) == (3, 4, 0)
    await pool.close()


async def test_of_pictures_that_wait_for_each_other_one_is_held_decoded(gate):
    """The budget for decoding counts a picture until it is decoded, and eight of 25 megapixels take 600 MB."""
    decoded, held = [], []

    def alive():
        return sum(picture() is not None for picture in decoded)

    def first_byte_watched(data: bytes):
        held.append(alive())
        picture = first_byte(data)
        decoded.append(weakref.ref(picture))
        return picture

    class Watching(BatchingGatedEngine):
        def detect_together(self, prepared):
            held.append(alive())
            return super().detect_together(prepared)

    pool = InferencePool([engine := Watching(gate)], first_byte_watched)
    first = ask(pool, 0)
    await until(lambda: engine.calls)
    others = [ask(pool, number) for number in range(1, 4)]
    await until(lambda: pool.waiting == 3)
    gate.set()
    await asyncio.gather(first, *others)
    assert engine.together == [1, 3]
    assert held == [0] * 6  # before each is decoded, and before each batch is looked at
    await pool.close()
