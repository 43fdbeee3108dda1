"""How much a team may have: the rules."""

from hypothesis import given
from hypothesis import strategies as st

from services.task_manager.quotas import Allowed, Usage, fitting, image_refusal, refuse_if_full, refuse_task
from shared.errors import QuotaReached
from tests.unit.task_builders import image

AMOUNTS = st.one_of(st.none(), st.integers(0, 20))


def sized(*sizes: int):
    return [image(f"{number}", size_bytes=size) for number, size in enumerate(sizes)]


def quota_of(call, *arguments) -> str | None:
    try:
        call(*arguments)
    except QuotaReached as refusal:
        return refusal.quota
    return None


@given(AMOUNTS, AMOUNTS, st.integers(0, 20), st.integers(0, 20), st.lists(st.integers(1, 10), max_size=8))
def test_what_fits_is_the_longest_beginning_that_is_not_refused(most_bytes, most_images, used_bytes, used, sizes):
    allowed, usage = Allowed(bytes=most_bytes, images=most_images), Usage(bytes=used_bytes, images=used)
    images = sized(*sizes)
    room = fitting(allowed, usage, images)
    assert room == 0 or image_refusal(allowed, usage, images[:room]) is None
    assert room == len(images) or image_refusal(allowed, usage, images[: room + 1]) is not None


def test_the_last_bytes_and_the_last_image_may_be_used():
    allowed, used = Allowed(bytes=10, images=3), Usage(bytes=7, images=2)
    assert image_refusal(allowed, used, sized(3)) is None
    assert image_refusal(allowed, used, sized(4)).quota == "bytes"
    assert image_refusal(allowed, used, sized(1, 1)).quota == "images"
    assert image_refusal(Allowed(), Usage(bytes=10**15, images=10**9), sized(10**9)) is None


def test_a_refusal_says_which_quota_and_how_much_it_is():
    refusal = image_refusal(Allowed(images=1_000), Usage(images=1_000), sized(1))
    assert refusal.detail == "the team's quota of images is used up: it may store 1,000 images"


def test_a_full_team_is_refused_before_it_sends_anything():
    assert quota_of(refuse_if_full, Allowed(images=1), Usage(images=1)) == "images"
    assert quota_of(refuse_if_full, Allowed(bytes=5), Usage(bytes=5)) == "bytes"
    assert quota_of(refuse_if_full, Allowed(bytes=5, images=2), Usage(bytes=4, images=1)) is None


def test_tasks_that_have_not_ended_are_counted():
    assert quota_of(refuse_task, Allowed(open_tasks=2), Usage(open_tasks=1)) is None
    assert quota_of(refuse_task, Allowed(open_tasks=2), Usage(open_tasks=2)) == "open_tasks"
    assert quota_of(refuse_task, Allowed(), Usage(open_tasks=10**6)) is None
