"""Cursor pages: a cursor says after which key the next page begins."""

import asyncio
import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, TypeVar

import orjson
from fastapi import Query, Response

from shared.errors import Malformed
from shared.http.requests import AS_WHOLE_NUMBER

T = TypeVar("T")

MAX_LIMIT = 1000
MAX_PAGE_BYTES = 4_000_000
"""A page ends after the items with which it has grown past this, however many were asked for."""
STEP = 100
"""So many items are read at a time: a task alone may have 150 kB."""
AT_A_TIME = 4
MAX_CURSOR_LENGTH = 1_200

Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before")]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="items on a page"), AS_WHOLE_NUMBER]

ID = re.compile(r"[0-9a-f]{32}")
"""Keys of pages in the order of ids."""


def cursor_of(key: str) -> str:
    """The cursor of the page after a key."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, form: re.Pattern[str] = ID) -> str:
    """The key after which a page begins; without a cursor the empty key, before all others.

    Raises Malformed for a forged one.
    """
    if not cursor:
        return ""
    if len(cursor) > MAX_CURSOR_LENGTH:
        raise Malformed("the cursor is none that was given out here")
    try:
        key = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        key = ""
    if not form.fullmatch(key):
        raise Malformed("the cursor is none that was given out here")
    return key


Found = tuple[Sequence[T], str]
"""Items in order, and the key behind which to go on; empty where there are no more."""


def cut(found: Sequence[T], limit: int, key: Callable[[T], str]) -> Found[T]:
    """Found items, of which one more than `limit` were asked for."""
    return found[:limit], key(found[limit - 1]) if len(found) > limit else ""


class Pages:
    """Makes pages of an API, few at a time: each holds its items until it is whole, and its callers may be many."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_A_TIME)

    async def answer(
        self,
        find: Callable[[str, int], Awaitable[Found[T]]],
        show: Callable[[T], Any],
        *,
        after: str,
        limit: int,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """A page of at most `limit` items.

        find: the items behind a key, as many as asked for; fewer end the page. show: an item as plain values.
        """
        items: list[bytes] = []
        size = 0
        async with self._turns:
            while len(items) < limit and size < MAX_PAGE_BYTES:
                wanted = min(STEP, limit - len(items))
                found, after = await find(after, wanted)
                shown = [orjson.dumps(show(one)) for one in found]
                items += shown
                size += sum(map(len, shown))
                if len(found) < wanted or not after:
                    break
            cursor = orjson.dumps(cursor_of(after) if after else None)
            content = b'{"items":[%b],"next_cursor":%b}' % (b",".join(items), cursor)
        return Response(content, headers=dict(headers or {}), media_type="application/json")
