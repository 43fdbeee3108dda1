"""Pages of answers: bounded whatever their items hold, and few made at a time."""

import asyncio
import json
from collections.abc import Sequence
from itertools import chain

import pytest

from shared.http.paging import AT_A_TIME, MAX_PAGE_BYTES, STEP, Found, Pages, cut, read_cursor

ITEMS = [f"{number:032x}" for number in range(STEP * 3)]


class Listing:
    """Items behind a key, as a store finds them."""

    def __init__(self, items: Sequence[str]) -> None:
        self.items = items
        self.asked: list[int] = []
        self.under_way = self.most_under_way = 0

    async def find(self, after: str, limit: int) -> Found[str]:
        self.asked.append(limit)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        return cut([item for item in self.items if item > after], limit, str)


async def pages_of(listing: Listing, limit: int, *, item_bytes: int = 1) -> list[list[str]]:
    """The ids on each page, to the end."""
    pages, found, cursor = Pages(), list[list[str]](), None
    while True:
        answer = await pages.answer(
            listing.find,
            lambda item: {"id": item, "filler": "x" * item_bytes},
            after=read_cursor(cursor),
            limit=limit,
        )
        page = json.loads(bytes(answer.body))
        found.append([item["id"] for item in page["items"]])
        if (cursor := page["next_cursor"]) is None:
            return found


@pytest.mark.parametrize("limit", [1, 7, STEP - 1, STEP, STEP + 1, 2 * STEP, 3 * STEP, 1_000])
async def test_all_items_come_once_whatever_the_limit(limit):
    listing = Listing(ITEMS[: max(20, limit)])
    found = await pages_of(listing, limit)
    assert [*chain.from_iterable(found)] == listing.items
    assert all(len(page) == limit for page in found[:-1])
    assert max(listing.asked) <= STEP


async def test_a_page_of_large_items_ends_early_and_the_next_goes_on():
    found = await pages_of(Listing(ITEMS), 1_000, item_bytes=MAX_PAGE_BYTES // STEP)
    assert [*chain.from_iterable(found)] == ITEMS
    assert [len(page) for page in found] == [STEP, STEP, STEP]


async def test_no_items_are_one_empty_page():
    assert await pages_of(Listing([]), 10) == [[]]


async def test_few_pages_are_made_at_a_time():
    listing, pages = Listing(ITEMS), Pages()
    answers = [pages.answer(listing.find, str, after="", limit=300) for _ in range(10 * AT_A_TIME)]
    assert len(await asyncio.gather(*answers)) == 10 * AT_A_TIME
    assert listing.most_under_way == AT_A_TIME
