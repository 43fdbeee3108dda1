"""How many images of a team wait to be opened."""

from services.subtask_manager.on_the_way import BATCHES, OnTheWay
from shared.stored_images import ImagesStored

OURS, THEIRS = "first", "a" * 32


def stored(images: int, at: float, team: str = OURS) -> bytes:
    return ImagesStored(images_stored=images, stored_for_team=team, stored_at=at).model_dump_json().encode()


def test_each_team_has_its_own():
    coming = OnTheWay()
    coming.heard(stored(3, 1.0))
    coming.heard(stored(4, 2.0))
    coming.heard(stored(1_000, 1.5, THEIRS))
    assert (coming.of(OURS), coming.of(THEIRS), coming.of("nobody")) == (7, 1_000, 0)


def test_what_is_older_than_the_newest_that_was_opened_is_opened():
    coming = OnTheWay()
    for at in (1.0, 2.0000004, 3.0):
        coming.heard(stored(2, at))
    coming.opened(2.0)  # events round their times
    coming.opened(1.0)
    assert coming.of(OURS) == 2
    coming.opened(3.0)
    assert coming.of(OURS) == 0


def test_other_broadcasts_are_passed_over_and_no_more_is_kept_than_needed():
    coming = OnTheWay()
    for body in (b"", b"{}", b'{"model": "a", "classes": []}', b"[1]"):
        coming.heard(body)
    assert coming.of(OURS) == 0
    for at in range(BATCHES + 5):
        coming.heard(stored(1, float(at)))
    assert coming.of(OURS) == BATCHES
