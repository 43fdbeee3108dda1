"""Cursor pages: a cursor says after which key the next page begins."""

import base64
import binascii
import re
from typing import Annotated

from fastapi import Query

from shared.errors import Malformed
from shared.http.requests import AS_WHOLE_NUMBER

MAX_LIMIT = 1000
MAX_CURSOR_LENGTH = 1_200

Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before")]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="items on a page"), AS_WHOLE_NUMBER]

ID = re.compile(r"[0-9a-f]{32}")
"""Keys of pages in the order of ids."""
TIME_AND_ID = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?\|[0-9a-f]{32}")
"""Keys of pages in the order of time (epoch seconds), then ids."""


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
