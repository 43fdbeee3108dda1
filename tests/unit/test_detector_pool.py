import asyncio
import gc
import logging
import threading
import time
import weakref
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from loadtest.samples import draw, write_model
from services.detector.engine.opencv_dnn import OpenCvEngine
from services.detector.hanging import HangWatch
from services.detector.models import find_model
from services.detector.pool import EngineFailed, InferencePool
from shared.errors import Malformed, Unavailable
from shared.shares import Holder
from tests.unit.gated_engine import GatedEngine, ask, first_byte, until


def decode(data: bytes):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


@pytest.fixture
def gate():
    gate = threading.Event()
    yield gate
    gate.set()


async def test_bounded(gate):
    engines = [GatedEngine(gate), GatedEngine(gate)]
    pool = InferencePool(engines, first_byte, max_waiting=3)
    assert pool.waiting == 0
    taken = [ask(pool, number) for number in range(5)]
    await until(lambda: pool.waiting == 3 and sum(len(engine.calls) for engine in engines) == 2)
    with pytest.raises(Unavailable) as refused:
        await ask(pool, 9)
    assert refused.value.retry_after_s >= 1
    gate.set()
    answers = await asyncio.gather(*taken)
    assert [answer.objects[0].label for answer in answers] == ["0", "1", "2", "3", "4"]
    assert pool.waiting == 0
    await pool.close()


async def test_each_engine_keeps_to_one_thread(gate):
    gate.set()
    engines = [GatedEngine(gate), GatedEngine(gate), GatedEngine(gate)]
    pool = InferencePool(engines, first_byte, max_waiting=200)
    await asyncio.gather(*(ask(pool, number) for number in range(200)))
    threads = [{thread for thread, _ in engine.calls} for engine in engines]
    assert all(len(idents) <= 1 for idents in threads)
    assert sum(map(len, threads)) == len(set().union(*threads))
    assert sum(len(engine.calls) for engine in engines) == 200
    await pool.close()


async def test_a_picture_at_which_an_engine_hangs_is_given_up_and_the_others_are_looked_at(gate):
    pool = InferencePool([GatedEngine(gate)], first_byte, longest_s=0.05)
    lost, waiting = ask(pool, 1), ask(pool, 2, is_urgent=False)
    with pytest.raises(EngineFailed, match=r"0\.05 s"):
        await lost
    with pytest.raises(Unavailable, match="hangs"):
        await waiting
    assert (pool.waiting, pool.hangs_for_s > 0) == (0, True)
    gate.set()
    await until(lambda: not pool.busy)
    assert pool.hangs_for_s == 0
    assert (await ask(pool, 3)).objects[0].label == "3"
    await pool.close()


async def test_a_pool_hangs_only_where_all_engines_do(gate):
    open_gate = threading.Event()
    open_gate.set()
    pool = InferencePool([GatedEngine(gate), GatedEngine(open_gate)], first_byte, longest_s=0.05)
    answers = [ask(pool, number) for number in range(20)]
    outcomes = await asyncio.gather(*answers, return_exceptions=True)
    assert sum(isinstance(one, EngineFailed) for one in outcomes) <= 1
    assert pool.hangs_for_s == 0
    gate.set()
    await pool.close()


async def test_a_process_whose_engines_all_hang_ends_once_the_picture_was_given_up(gate):
    """However long that had waited before: else it comes back, and hangs the next process."""
    let_go = threading.Event()

    def all_but_zero(data: bytes):
        if data == b"\0":
            assert let_go.wait(10)
            raise Malformed("no picture")
        return first_byte(data)

    pool = InferencePool([GatedEngine(gate)], all_but_zero, longest_s=1.0)
    ends, was_given_up = asyncio.Event(), []

    def end() -> None:
        was_given_up.append(hanging.done())
        ends.set()

    before, hanging = ask(pool, 0), ask(pool, 1)
    await until(lambda: pool.busy and pool.waiting)
    await asyncio.sleep(0.1)
    watch = HangWatch(pool, end, look_s=0.001, grace_s=0.5)
    watch.start()
    let_go.set()
    async with asyncio.timeout(10):
        await ends.wait()
    assert was_given_up == [True]
    assert [type(one) for one in await asyncio.gather(before, hanging, return_exceptions=True)] == [
        Malformed,
        EngineFailed,
    ]
    await watch.close()
    gate.set()
    await pool.close()


async def test_a_pool_that_hangs_is_closed_without_its_engine(gate):
    pool = InferencePool([engine := GatedEngine(gate)], first_byte)
    hanging = ask(pool, 1)
    await until(lambda: engine.calls)
    await pool.close(within_s=0.01)
    assert pool.busy == 1
    gate.set()
    await hanging


async def test_a_cancelled_waiter_never_runs(gate):
    engine = GatedEngine(gate)
    pool = InferencePool([engine], first_byte, max_waiting=2)
    running, given_up, waiting = ask(pool, 1), ask(pool, 2), ask(pool, 3)
    await until(lambda: pool.waiting == 2 and engine.calls)
    given_up.cancel()
    await until(lambda: pool.waiting == 1)
    late = ask(pool, 4)
    await until(lambda: pool.waiting == 2)
    gate.set()
    assert [(await task).objects[0].label for task in (running, waiting, late)] == ["1", "3", "4"]
    assert [number for _, number in engine.calls] == [1, 3, 4]
    with pytest.raises(asyncio.CancelledError):
        await given_up
    await pool.close()


async def test_a_cancelled_running_request_keeps_its_engine_until_it_is_done(gate):
    engine = GatedEngine(gate)
    pool = InferencePool([engine], first_byte)
    running = ask(pool, 1)
    await until(lambda: engine.calls)
    running.cancel()
    following = ask(pool, 2)
    await until(lambda: pool.waiting == 1)
    assert len(engine.calls) == 1
    gate.set()
    assert (await following).objects[0].label == "2"
    await pool.close()


async def test_errors_pass_to_the_caller_and_leave_the_pool_working(gate):
    def refuse_zero(data: bytes):
        if data == b"\0":
            raise Malformed("no picture")
        return first_byte(data)

    gate.set()
    pool = InferencePool([GatedEngine(gate)], refuse_zero)
    for _ in range(3):
        with pytest.raises(Malformed, match="no picture"):
            await ask(pool, 0)
        assert (await ask(pool, 1)).objects[0].label == "1"
    assert pool.waiting == 0
    await pool.close()


async def test_what_somebody_waits_for_goes_first_and_the_rest_is_not_forgotten(gate):
    engine = GatedEngine(gate)
    pool = InferencePool([engine], first_byte)
    tasks = [ask(pool, 0)]
    await until(lambda: engine.calls)
    tasks += [ask(pool, 100 + number, is_urgent=False) for number in range(2)]
    tasks += [ask(pool, number) for number in range(1, 10)]
    await until(lambda: pool.waiting == 11)
    gate.set()
    await asyncio.gather(*tasks)
    assert [number for _, number in engine.calls] == [0, 1, 2, 3, 100, 4, 5, 6, 7, 101, 8, 9]
    await pool.close()


async def test_neither_kind_takes_the_places_of_the_other(gate):
    pool = InferencePool([GatedEngine(gate)], first_byte, max_waiting=1)
    running = ask(pool, 0)
    await until(lambda: pool.waiting == 0 and pool.load.waited_s > 0)
    tasks = [running, ask(pool, 1), ask(pool, 2, is_urgent=False)]
    await until(lambda: pool.waiting == 2)
    for is_urgent in (True, False):
        with pytest.raises(Unavailable):
            await ask(pool, 3, is_urgent=is_urgent)
    gate.set()
    await asyncio.gather(*tasks)
    assert (pool.load.answered, pool.load.refused, pool.load.failed) == (3, 2, 0)
    await pool.close()


async def test_pictures_of_one_caller_leave_another_a_place(gate):
    """As CVAT's GHSA-m7p7-6w4m-886p: nobody fills the queue alone."""
    pool = InferencePool([GatedEngine(gate)], first_byte, max_waiting=7)

    def of(caller: str):
        holder = Holder("192.0.2.1", caller)
        return asyncio.create_task(pool.detect(b"x", min_confidence=0.5, nms_iou=0.45, holder=holder))

    flood = [of("ann") for _ in range(20)]
    await until(lambda: pool.load.refused == 16)
    other = of("bob")
    gate.set()
    assert (await other).objects[0].label == "120"
    ended = await asyncio.gather(*flood, return_exceptions=True)
    assert sum(isinstance(one, Unavailable) for one in ended) == 16
    assert len(await asyncio.gather(*(of("ann") for _ in range(4)))) == 4, "the places are given back"
    await pool.close()


async def test_a_failing_model_is_a_failing_dependency(gate):
    def fail(_data: bytes):
        raise MemoryError

    gate.set()
    pool = InferencePool([GatedEngine(gate)], fail)
    with pytest.raises(EngineFailed) as failed:
        await ask(pool, 1)
    assert isinstance(failed.value, Unavailable)
    assert "Memory" not in failed.value.detail
    assert (pool.load.answered, pool.load.failed) == (0, 1)
    await pool.close()


async def test_the_loop_runs_on_during_inference(gate):
    def slow(data: bytes):
        time.sleep(0.2)
        return first_byte(data)

    gate.set()
    pool = InferencePool([GatedEngine(gate)], slow)
    task = ask(pool, 1)
    turns = 0
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 10
    await pool.close()


async def test_close_finishes_what_was_accepted_and_ends_the_threads(gate):
    before = threading.active_count()
    engine = GatedEngine(gate)
    pool = InferencePool([engine], first_byte)
    tasks = [ask(pool, number) for number in range(3)]
    await until(lambda: engine.calls)
    closing = asyncio.create_task(pool.close())
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="shutting down"):
        await ask(pool, 9)
    gate.set()
    await closing
    assert [task.result().objects[0].label for task in await _all_done(tasks)] == ["0", "1", "2"]
    await asyncio.get_running_loop().shutdown_default_executor()
    assert threading.active_count() == before


async def _all_done(tasks):
    await asyncio.gather(*tasks)
    return tasks


async def test_a_look_says_how_long_the_picture_waited_was_decoded_and_kept_the_model_busy(gate, monkeypatch):
    now = [0.0]

    def decode_in_3_s(data: bytes):
        now[0] += 3
        return first_byte(data)

    class Engine(GatedEngine):
        def detect(self, bgr, **thresholds):
            found = super().detect(bgr, **thresholds)
            now[0] += 4
            return found

    monkeypatch.setattr("services.detector.pool.time", SimpleNamespace(monotonic=lambda: now[0]))
    pool = InferencePool([Engine(gate)], decode_in_3_s)
    first = ask(pool, 1)
    await until(lambda: pool.busy == 1 and now[0] == 3)
    second = ask(pool, 2)
    await until(lambda: pool.waiting == 1)
    gate.set()
    stages = [(look.queue_s, look.decode_s, look.model_s) for look in (await first, await second)]
    assert stages == [(0, 3, 4), (4, 3, 4)]
    await pool.close()


async def test_concurrent_callers_get_the_sequential_answers(tmp_path):
    files = find_model(write_model(tmp_path / "model"))
    pictures = [(tmp_path / truth.filename).read_bytes() for truth in draw(tmp_path, 24, seed=3)]
    alone = OpenCvEngine(files)
    expected = [alone.detect(decode(picture), min_confidence=0.25, nms_iou=0.45) for picture in pictures]
    pool = InferencePool([OpenCvEngine(files), OpenCvEngine(files)], decode)

    async def caller(start: int):
        order = [(start + step) % len(pictures) for step in range(len(pictures))]
        return [(at, await pool.detect(pictures[at], min_confidence=0.25, nms_iou=0.45)) for at in order]

    for answers in await asyncio.gather(*(caller(start) for start in range(8))):
        for at, answer in answers:
            assert answer.objects == expected[at]
    await pool.close()


class InnerError(Exception):
    """Other than those built in, it can be referred to weakly."""


def fail(*_, **__):
    raise InnerError


@pytest.mark.parametrize("fails", ["decoding", "the model"])
async def test_an_error_is_gone_with_its_last_reader(gate, monkeypatch, fails):
    """Errors refer to frames, and these to pictures: in a circle they would stay until the collector comes."""

    def decoded(data: bytes):
        if fails == "decoding":
            try:
                fail()
            except InnerError as error:
                raise Malformed("no picture") from error
        return first_byte(data)

    monkeypatch.setattr(logging.getLogger("services.detector.pool"), "error", lambda *_, **__: None)
    engine = GatedEngine(gate)
    engine.detect = fail
    pool = InferencePool([engine], decoded, max_waiting=16)
    gc.collect()
    gc.disable()
    try:
        [error] = await asyncio.gather(ask(pool, 0), return_exceptions=True)
        inner = weakref.ref(error.__cause__)
        del error
        await until(lambda: inner() is None)
    finally:
        gc.enable()
        await pool.close()
