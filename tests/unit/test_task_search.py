"""Which images a reader's filter finds, and that a search has an end."""

from dataclasses import replace
from typing import Any

import pytest

from services.task_manager import search
from services.task_manager.order import key_of
from services.task_manager.search import Wanted, look_through
from shared.results import Prelabel, VoteCast
from tests.unit.task_builders import T0, TASK_ID, image, result

VOTES = tuple(
    VoteCast(voter=voter, label=label, at=T0) for voter, label in zip("abcd", ("cat", "cat", "dog", "fox"), strict=True)
)


def suggested(label: str | None) -> Prelabel:
    return Prelabel(model="detector:m@1", label=label)


OPEN = image("IMG_1", prelabel=suggested("dog"))
ALIKE = image("IMG_2", state="completed", result=result(), prelabel=suggested("cat"))
AGAINST = image("Straße", state="completed", result=result(agreement=0.6), prelabel=suggested("dog"))
DETECTED = image("d", state="completed", result=result(decided_by="detector"), prelabel=suggested("cat"))
UNSURE = image("e", state="completed", result=result(label="dog", agreement=0.8), prelabel=suggested(None))
DISPUTED = image("f", state="disputed", result=result(label=None), votes=VOTES, prelabel=suggested("cat"))
ALL = [OPEN, ALIKE, AGAINST, DETECTED, UNSURE, DISPUTED]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, ALL),
        ({"state": "disputed"}, [DISPUTED]),
        ({"label": "cat"}, [ALIKE, AGAINST, DETECTED]),
        ({"decided_by": "detector"}, [DETECTED]),
        ({"suggested": "dog"}, [OPEN, AGAINST]),
        ({"suggested": "dog", "label": "cat"}, [AGAINST]),
        ({"against_detector": True}, [AGAINST]),
        ({"against_detector": False}, [ALIKE]),
        ({"agreement_from": 1.0}, [ALIKE, DETECTED]),
        ({"agreement_below": 0.6}, [DISPUTED]),
        ({"agreement_from": 0.5, "agreement_below": 0.8}, [AGAINST, DISPUTED]),
        ({"filename": "img_"}, [OPEN, ALIKE]),
        ({"filename": "STRASSE"}, [AGAINST]),
        ({"filename": "mg_1"}, []),
    ],
)
def test_a_filter_finds_what_it_says(wanted: dict[str, Any], expected):
    assert [one for one in ALL if Wanted(**wanted).has(one)] == expected


class Shelf:
    """Images by id, as a store gives them, and how many were read."""

    def __init__(self, count: int) -> None:
        self.images_there = sorted((image(f"{number:05}") for number in range(count)), key=lambda one: one.id)
        self.read = 0

    async def images(self, _task_id, *, state, label, after, limit, by):
        found = [one for one in self.images_there if key_of(one, by) > after][:limit]
        self.read += len(found)
        return found


async def test_a_search_goes_on_where_the_last_request_stopped_until_all_was_seen():
    shelf = Shelf(search.LOOKED_THROUGH + 700)
    last = shelf.images_there[-1]
    wanted = Wanted(filename=last.filename)
    found, after = await look_through(shelf, TASK_ID, wanted, by="id", after="", limit=10)
    assert (found, shelf.read) == ([], search.LOOKED_THROUGH)
    assert await look_through(shelf, TASK_ID, wanted, by="id", after=after, limit=10) == ([last], "")


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 1_000])
@pytest.mark.parametrize("limit", [1, 7, 500])
async def test_pages_hold_every_image_once(count: int, limit: int):
    shelf = Shelf(count)
    shelf.images_there = [replace(one, filename=f"{n % 2}") for n, one in enumerate(shelf.images_there)]
    for wanted in (Wanted(), Wanted(filename="1")):
        seen, after, pages = [], "", 0
        while True:
            found, after = await look_through(shelf, TASK_ID, wanted, by="id", after=after, limit=limit)
            assert len(found) <= limit
            seen += found
            pages += 1
            if not after:
                break
        assert seen == [one for one in shelf.images_there if wanted.has(one)]
        assert pages <= len(seen) // limit + 1


async def test_a_page_without_a_filter_reads_no_more_than_it_shows_and_one():
    shelf = Shelf(1_000)
    await look_through(shelf, TASK_ID, Wanted(), by="upload", after="", limit=100)
    assert shelf.read == 101
