"""Pictures that were encoded here may be larger than a file that is sent: they are shown and looked at all the same."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from services.detector import part as detector
from services.detector.settings import DetectorSettings
from services.task_manager.ingest import Checker
from shared.pictures import DecodingBudget, PictureLimits, PictureTooLarge
from shared.renditions import THUMBNAIL
from tests.unit.gated_engine import GatedEngine

NOISE = np.random.default_rng(5).integers(0, 256, (400, 500, 3), np.uint8)
DATA = cv2.imencode(".png", NOISE)[1].tobytes()
BUDGET = DecodingBudget(450_000_000)


async def test_they_have_renditions():
    with ThreadPoolExecutor(1) as threads:
        checker = Checker(threads, PictureLimits(max_bytes=len(DATA) - 1), BUDGET)
        small = cv2.imdecode(np.frombuffer(await checker.rendition(DATA, THUMBNAIL), np.uint8), cv2.IMREAD_COLOR)
        assert small.shape == (256, 320, 3)
        with pytest.raises(PictureTooLarge):
            await checker.check(DATA)


async def test_a_detector_looks_at_them(monkeypatch):
    monkeypatch.setattr(detector, "load_engines", lambda *_args, **_named: [GatedEngine(threading.Event())])
    pool = detector.load_pool(DetectorSettings(max_image_bytes=len(DATA) - 1), BUDGET, cores=1)
    assert pool is not None
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(pool.close)
        assert (pool.decode(DATA) == NOISE).all()


def test_the_largest_png_of_the_largest_picture_is_within_the_limits():
    limits = PictureLimits()
    raw_rows = limits.max_pixels * 4 + limits.max_side
    assert limits.of_stored.max_bytes > raw_rows * 1.01
    assert (limits.of_stored.max_pixels, limits.of_stored.max_side) == (limits.max_pixels, limits.max_side)
