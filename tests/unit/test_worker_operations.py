"""Operations of pipelines beside the calls of OpenCV that they stand for, made by the test itself."""

import weakref
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.worker import chain as chains
from services.worker.chain import Derived, derived
from services.worker.operations import made
from services.worker.visit import portions
from shared.errors import Invalid
from shared.pictures import PictureLimits
from shared.pipelines import Operation, Origin
from shared.pipelines.arguments import argument_of
from shared.pipelines.pictures import packed
from tests.service.step_bench import opening

SIZES = [(1, 1), (1, 9), (9, 1), (2, 2), (3, 2), (7, 5), (101, 333), (576, 768)]
"""Height and width."""


def picture(height: int, width: int):
    return np.random.default_rng(height * 10_000 + width).integers(0, 256, (height, width, 3), np.uint8)


def applied(name: str, argument, pixels):
    return made(argument_of(Operation(name=name, argument=argument)), pixels)


def fitted(p):
    height, width = p.shape[:2]
    scale = min(1, 64 / width, 48 / height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return p if scale == 1 else cv2.resize(p, size, interpolation=cv2.INTER_AREA)


def quarters(p):
    waist, middle = p.shape[0] // 2, p.shape[1] // 2
    parts = [p[:waist, :middle], p[:waist, middle:], p[waist:, :middle], p[waist:, middle:]]
    return [part for part in parts if part.size]


DIRECT = {
    ("resize", "200x300"): lambda p: [cv2.resize(p, (200, 300), interpolation=cv2.INTER_AREA)],
    ("fit", "64x48"): lambda p: [fitted(p)],
    ("split", True): quarters,
    ("rotate", 90): lambda p: [np.rot90(p, -1)],
    ("rotate", 180): lambda p: [p[::-1, ::-1]],
    ("rotate", 270): lambda p: [np.rot90(p)],
    ("grayscale", True): lambda p: [np.repeat(cv2.cvtColor(p, cv2.COLOR_BGR2GRAY)[..., None], 3, axis=2)],
    ("blur", "gaussian"): lambda p: [cv2.GaussianBlur(p, (5, 5), 0)],
    ("blur", "updownsampling"): lambda p: [cv2.pyrUp(cv2.pyrDown(p), dstsize=p.shape[1::-1])],
    ("blur", "median"): lambda p: [cv2.medianBlur(p, 5)],
}
"""What operations have to make, as one would write it without Quorate."""


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("name", "argument"), DIRECT)
def test_an_operation_is_the_call_of_opencv(name, argument, size):
    pixels = picture(*size)
    before = pixels.copy()
    found = [one.pixels for one in applied(name, argument, pixels)]
    expected = DIRECT[name, argument](pixels)
    assert [one.shape for one in found] == [one.shape for one in expected]
    assert all((one == other).all() for one, other in zip(found, expected, strict=True))
    assert (pixels == before).all()


@pytest.mark.parametrize("size", SIZES)
def test_bilateral_is_opencvs_within_a_level(size):
    pixels = picture(*size)
    [found] = applied("blur", "bilateral", pixels)
    expected = cv2.bilateralFilter(pixels, 9, 75, 75)
    assert np.abs(found.pixels.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("size", SIZES)
def test_tiles_and_crops_are_slices(size):
    pixels = picture(*size)
    tiles = applied("tile", {"size": "64x48", "overlap": 16}, pixels)
    for one in tiles:
        left, top = int(one.affine[2]), int(one.affine[5])
        height, width = one.pixels.shape[:2]
        assert (height, width) == (min(48, size[0]), min(64, size[1]))
        assert (one.pixels == pixels[top : top + height, left : left + width]).all()
    [whole] = applied("crop", {"left": 0, "top": 0, "width": 10_000, "height": 10_000}, pixels)
    assert (whole.pixels == pixels).all()
    with pytest.raises(Invalid, match="no pixel"):
        applied("crop", {"left": size[1], "top": 0, "width": 5, "height": 5}, pixels)


def test_hiding_takes_a_detector():
    with pytest.raises(Invalid, match="detector"):
        applied("hide", {"labels": ["person"]}, picture(5, 5))


CHAINS = st.lists(
    st.sampled_from(
        [
            ("resize", "40x30"),
            ("fit", "50x20"),
            ("split", True),
            ("tile", {"size": "16x12", "overlap": 3}),
            ("crop", {"left": 0.25, "top": 0.1, "width": 0.5, "height": 0.8}),
            ("rotate", 90),
            ("rotate", 270),
            ("grayscale", True),
            ("blur", "median"),
        ]
    ),
    min_size=1,
    max_size=4,
)


def start(pixels) -> Derived:
    height, width = pixels.shape[:2]
    return Derived(pixels=pixels, origin=Origin(image_id="5b" * 16, width=width, height=height))


@given(chain=CHAINS, height=st.integers(1, 60), width=st.integers(1, 60))
def test_in_one_visit_or_in_many_the_same_comes_out(chain, height, width):
    operations = [Operation(name=name, argument=argument) for name, argument in chain]
    together = list(derived(start(picture(height, width)), operations, step=0))
    apart = [start(picture(height, width))]
    for step, operation in enumerate(operations):
        apart = [one for before in apart for one in derived(before, [operation], step=step)]
    assert [one.origin for one in together] == [one.origin for one in apart]
    assert all((one.pixels == other.pixels).all() for one, other in zip(together, apart, strict=True))
    assert len({one.origin.path for one in together}) == len(together)


@given(
    chain=st.lists(
        st.sampled_from(
            [
                ("split", True),
                ("rotate", 90),
                ("rotate", 180),
                ("rotate", 270),
                ("tile", {"size": "7x6", "overlap": 2}),
                ("crop", {"left": 1, "top": 1, "width": 9, "height": 30}),
            ]
        ),
        max_size=4,
    ),
    height=st.integers(2, 40),
    width=st.integers(2, 40),
)
def test_pixels_come_back_to_where_they_were(chain, height, width):
    pixels = picture(height, width)
    operations = [Operation(name=name, argument=argument) for name, argument in chain]
    try:
        found = list(derived(start(pixels), operations, step=0))
    except Invalid:  # a crop outside
        return
    for one in found:
        a, b, tx, c, d, ty = one.origin.affine
        ys, xs = np.mgrid[: one.pixels.shape[0], : one.pixels.shape[1]] + 0.5
        left, top = np.floor(a * xs + b * ys + tx).astype(int), np.floor(c * xs + d * ys + ty).astype(int)
        assert (one.pixels == pixels[top, left]).all()


def test_paths_name_the_steps_that_made_several():
    operations = [Operation(name=name) for name in ("grayscale", "split")]
    found = list(derived(start(picture(4, 6)), [*operations, Operation(name="split")], step=2))
    assert [one.origin.path for one in found[:2]] == [((3, 0), (4, 0)), ((3, 0), (4, 1))]
    [thin] = derived(start(picture(1, 1)), operations, step=2)
    assert thin.origin.path == ()


def test_a_pipeline_makes_only_so_many():
    five = [Operation(name="split")] * 5
    assert sum(1 for _ in derived(start(picture(64, 64)), five, step=0)) == 1_024
    with pytest.raises(Invalid, match="1,024 pictures"):
        list(derived(start(picture(64, 64)), [*five, Operation(name="split")], step=0))


@pytest.mark.parametrize(
    ("name", "argument"),
    [
        ("fit", "1000x1000"),
        ("split", True),
        ("tile", {"size": "1000x1000", "overlap": 100}),
        ("rotate", 90),
        ("grayscale", True),
        pytest.param("blur", "median", marks=pytest.mark.long),
        pytest.param("blur", "bilateral", marks=pytest.mark.long),
    ],
)
def test_of_25_megapixels(name, argument):
    pixels = np.zeros((5_000, 5_000, 3), np.uint8)
    pixels[:, ::7] = 200
    found = applied(name, argument, pixels)
    assert sum(one.pixels.shape[0] * one.pixels.shape[1] for one in found) >= 1_000_000


def test_what_opencv_refuses_is_the_pictures_fault():
    deep = Derived(pixels=np.zeros((4, 4, 5), np.uint8), origin=Origin(image_id="5b" * 16, width=4, height=4))
    with pytest.raises(Invalid, match="grayscale cannot be done on 4 x 4 pixels"):
        list(derived(deep, [Operation(name="grayscale")], step=0))


def test_no_picture_is_held_longer_than_something_comes_of_it(monkeypatch):
    pictures, held = [], []

    def watched(argument, pixels):
        held.append(sum(one() is not None for one in pictures))
        copies = [replace(one, pixels=one.pixels.copy()) for one in made(argument, pixels)]
        pictures.extend(weakref.ref(one.pixels) for one in copies)
        return copies

    monkeypatch.setattr(chains, "made", watched)
    opened = opening(("rotate", 90), ("rotate", 90), ("split", True), ("rotate", 90), ("rotate", 180), key="x.raw")
    [portion] = portions(packed(picture(6, 8)), opened, PictureLimits(), None, nonce="0123456789ab")
    assert len(portion.outputs) == 4
    assert held == [0, 1, 1, 4, 4, 3, 3, 2, 2, 1, 1]
