"""Results by the uploaded images that they belong to."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.task_manager.order import key_of
from services.task_manager.pipelines import origins
from services.task_manager.pipelines.origins import groups, in_uploaded, mapped
from shared.pipelines import Origin
from shared.pipelines.arguments import Resize, Rotate, Split
from shared.pipelines.expansion import pieces_of
from shared.results import Detection, Prelabel, Rectangle
from tests.unit.task_builders import image


def origin_of(argument, position=0, *, width=100, height=60) -> Origin:
    return Origin(
        image_id="5b" * 16, width=width, height=height, affine=pieces_of(argument, width, height)[position].affine
    )


@pytest.mark.parametrize(
    ("origin", "there"),
    [
        (origin_of(Split(), 3), (60, 50, 30, 10)),
        (origin_of(Resize(width=50, height=30)), (20, 40, 60, 20)),
        (origin_of(Rotate(degrees=180)), (60, 30, 30, 10)),
        (origin_of(Rotate(degrees=90)), (20, 20, 10, 30)),
        (origin_of(Rotate(degrees=270)), (70, 10, 10, 30)),
    ],
)
def test_rectangles_are_found_in_the_uploaded_image(origin, there):
    left, top, width, height = there
    assert mapped(Rectangle(left=10, top=20, width=30, height=10), origin) == Rectangle(
        left=left, top=top, width=width, height=height
    )


@given(
    argument=st.sampled_from(
        [Split(), Resize(width=7, height=900), Resize(width=999, height=3), Rotate(degrees=90), Rotate(degrees=270)]
    ),
    data=st.data(),
)
def test_rectangles_lie_in_the_uploaded_image_and_have_a_pixel(argument, data):
    [piece, *_] = pieces_of(argument, 100, 60)
    left, top = data.draw(st.integers(0, piece.width - 1)), data.draw(st.integers(0, piece.height - 1))
    width, height = data.draw(st.integers(1, piece.width - left)), data.draw(st.integers(1, piece.height - top))
    there = mapped(Rectangle(left=left, top=top, width=width, height=height), origin_of(argument))
    assert 0 <= there.left < there.left + there.width <= 100
    assert 0 <= there.top < there.top + there.height <= 60


def test_an_uploaded_image_stays_as_it_is_and_all_objects_of_a_derived_one_are_mapped():
    one = image("a")
    assert in_uploaded(one) is one
    seen = Detection(label="cat", confidence=0.5, rectangle=Rectangle(left=0, top=0, width=5, height=5))
    derived = replace(one, origin=origin_of(Split(), 1), prelabel=Prelabel(model="detector:m@1", objects=(seen, seen)))
    assert [found.rectangle.left for found in in_uploaded(derived).prelabel.objects] == [50, 50]


class Images:
    """A store of the images of one task, in the order of upload."""

    def __init__(self, images):
        self._images = sorted(images, key=lambda one: key_of(one, "upload"))

    async def images(self, _task_id, *, after, limit, **_):
        return [one for one in self._images if key_of(one, "upload") > after][:limit]


async def test_a_page_ends_behind_many_images_of_removed_ones(monkeypatch):
    monkeypatch.setattr(origins, "STEP", 2)
    monkeypatch.setattr(origins, "MAX_IMAGES", 4)
    left = [image(f"{n}", position=n, origin=origin_of(Split())) for n in range(6)]
    there = image("9", position=9)
    after, pages = "", []
    while True:
        found, after = await groups(Images([*left, there]), there.task_id, after=after, limit=10)
        pages.append([group.uploaded for group in found])
        if not after:
            break
    assert pages == [[], [there]]
