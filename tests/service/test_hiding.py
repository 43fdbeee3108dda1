"""Steps that hide what a detector finds, with a real model."""

import cv2
import numpy as np
import pytest

from loadtest.samples import CLASSES, draw
from services.detector import part as detector
from services.detector.settings import DetectorSettings
from shared.pictures import DecodingBudget
from shared.pipelines.pictures import packed
from tests.service.step_bench import IMAGE, TASK, UPLOADED, Bench, opening, started

RAW = f"work/{TASK}/{IMAGE}-0123456789ab.raw"


@pytest.fixture
async def bench(adapters, model):
    settings = DetectorSettings(model=model, detector_threads=1)
    pool = detector.load_pool(settings, DecodingBudget(450_000_000), cores=1)
    assert pool is not None
    yield await started(adapters, detector.assemble(adapters, settings, pool=pool))
    await adapters.bus.drain()
    await pool.close()


@pytest.fixture
def squares(tmp_path):
    """A picture, and where its squares lie by label."""
    truths = [truth for truth in draw(tmp_path, 7, 9) if len({one.label for one in truth.squares}) > 1]
    truth = next(one for one in truths if not one.is_faint)
    return (tmp_path / truth.filename).read_bytes(), truth.squares


def hiding(key: str, **argument):
    return opening(("hide", argument), key=key)


@pytest.mark.parametrize("is_raw", [True, False])
async def test_what_the_model_finds_is_hidden_and_nothing_else(bench: Bench, squares, is_raw):
    data, truth = squares
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    key = RAW if is_raw else UPLOADED
    await bench.objects.put(key, packed(pixels) if is_raw else data)
    label = truth[0].label
    finished = await bench.done(hiding(key, labels=[label], **{"with": "fill"}))
    assert finished.error is None
    [one] = finished.outputs
    found = cv2.imdecode(np.frombuffer(await bench.objects.get(one.object_key), np.uint8), cv2.IMREAD_COLOR)
    assert found.shape == pixels.shape
    for one in truth:
        inside = np.s_[one.top + 2 : one.top + one.height - 2, one.left + 2 : one.left + one.width - 2]
        colours = np.unique(found[inside].reshape(-1, 3), axis=0)
        is_hidden = len(colours) == 1 and bool((found[inside] != pixels[inside]).any())
        assert is_hidden == (one.label == label)


async def test_a_class_that_the_model_does_not_know_is_not_passed_over(bench: Bench, squares):
    await bench.objects.put(UPLOADED, squares[0])
    finished = await bench.done(hiding(UPLOADED, labels=[CLASSES[0], "face"]))
    assert (finished.error, finished.outputs) == ("the loaded model knows no face", ())


async def test_a_picture_that_cannot_be_looked_at_does_not_go_on(bench: Bench):
    await bench.objects.put(UPLOADED, b"no picture")
    finished = await bench.done(hiding(UPLOADED, labels=[CLASSES[0]]))
    assert finished.outputs == ()
    assert "not a" in finished.error


async def test_what_workers_do_is_not_done_here(bench: Bench, squares):
    await bench.objects.put(UPLOADED, squares[0])
    finished = await bench.done(opening(("grayscale", True)), kind="hide")
    assert finished.error == "grayscale is done by workers, not by a detector"


async def test_a_picture_that_is_gone_is_told_of(bench: Bench):
    assert (await bench.done(hiding(UPLOADED, labels=[CLASSES[0]]))).error == "the picture is not there any more"
