from collections import Counter
from pathlib import Path

import cv2

from loadtest.samples import CLASSES, draw, write_model

REPOSITORY = Path(__file__).parents[2]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_seed_draws_the_same(tmp_path):
    assert draw(tmp_path / "one", 30, seed=5) == draw(tmp_path / "two", 30, seed=5)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    draw(tmp_path / "three", 30, seed=6)
    assert not set(contents(tmp_path / "one").values()) & set(contents(tmp_path / "three").values())


def test_no_two_pictures_are_alike(tmp_path):
    draw(tmp_path, 500, seed=0)
    assert len(set(contents(tmp_path).values())) == 501


def test_the_label_is_the_colour_of_most_squares(tmp_path):
    truths = draw(tmp_path, 60, seed=0)
    assert {truth.label for truth in truths} == set(CLASSES)
    assert {truth.is_faint for truth in truths} == {True, False}
    assert {len({square.label for square in truth.squares}) for truth in truths} == {1, 2}
    for truth in truths:
        (label, most), *others = Counter(square.label for square in truth.squares).most_common()
        assert label == truth.label
        assert all(count < most for _, count in others)


def test_pictures_show_their_squares(tmp_path):
    truths = draw(tmp_path, 24, seed=0)
    shapes = set()
    for truth in truths:
        bgr = cv2.imread(str(tmp_path / truth.filename))
        shapes.add(bgr.shape)
        for square in truth.squares:
            inside = bgr[square.top : square.top + square.height, square.left : square.left + square.width]
            red_green_blue = inside.mean(axis=(0, 1))[::-1]
            assert CLASSES[int(red_green_blue.argmax())] == square.label
            assert (red_green_blue.max() > 200) == (not truth.is_faint)
    assert shapes == {(192, 192, 3), (384, 384, 3)}


def test_the_model_is_the_same_every_time(tmp_path):
    assert write_model(tmp_path / "one").name == "tiny.cfg"
    write_model(tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert set(contents(tmp_path / "one")) == {"tiny.cfg", "tiny.weights", "tiny.names"}
