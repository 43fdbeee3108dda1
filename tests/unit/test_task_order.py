"""In which order images come, by upload and by name."""

import random
from itertools import pairwise

import pytest

from services.task_manager.order import KEYS, key_of, natural, place_of
from shared.terms import Terms
from tests.unit.task_builders import T0, image, result, task

T0_US = round(T0 * 1e6)


def named(filename, position=T0_US):
    return image(f"{position}{hash(filename)}"[:64], filename=filename, position=position)


def by(order, **fields):
    return task(terms=Terms(labels=("cat",), order=order), **fields)


def test_names_go_as_people_sort_them():
    ordered = ["a.png", "IMG_2.png", "img_10.png", "img_010b.png", "img_11.png", "z/1.png", "ä.png"]
    shuffled = random.Random(1).sample(ordered, len(ordered))
    assert sorted(shuffled, key=natural) == ordered


@pytest.mark.parametrize("by_what", KEYS)
def test_keys_are_distinct_and_of_their_form(by_what):
    ended = {"state": "completed", "result": result()}
    same = [image(str(n), filename="a\n" + 300 * "9", position=T0_US, **ended) for n in range(20)]
    keys = {key_of(one, by_what) for one in same}
    assert len(keys) == 20
    assert all(KEYS[by_what].fullmatch(key) for key in keys)


def test_an_image_of_an_older_release_lies_where_it_was_uploaded():
    old = image("old", created_at=T0 + 1, position=0)
    before, after = named("a", T0_US + 999_999), named("b", T0_US + 1_000_001)
    assert sorted([after, old, before], key=lambda one: key_of(one, "upload")) == [before, old, after]


def test_a_random_task_has_no_places():
    assert place_of(by("random"), named("a")) is None


def test_places_by_upload_are_in_its_order():
    places = [place_of(by("upload"), named("x", T0_US + step)) for step in (0, 1, 2, 10**6, 10**15)]
    assert all(one < other for one, other in pairwise(places))


@pytest.mark.parametrize("first", ["img_0001.png", "img_0500.png", "img_1999.png", "zoo.png", "abc.png", ""])
def test_places_by_name_are_in_its_order_whichever_came_first(first):
    names = ["Cats/1.png", *(f"img_{n:04}.png" for n in range(1, 2_000)), "z.png", "zoo.png", "zoom.png"]
    pictures = [named(name, T0_US + n) for n, name in enumerate(names)]
    places = [place_of(by("name", first_name=first), one) for one in pictures]
    assert all(one < other for one, other in pairwise(places))
    assert all(0 <= one < 2**62 for one in places)


def test_of_names_alike_to_their_first_bytes_the_one_uploaded_first_is_first():
    names = [f"dogs/{n:03}.png" for n in range(50)]
    places = [place_of(by("name", first_name="cats/1.png"), named(one, T0_US + n)) for n, one in enumerate(names)]
    assert all(one < other for one, other in pairwise(places))
