"""Items of a run, page by page of what is stored: each answer begins behind a place and reads few stored pages."""

import re
from collections.abc import AsyncIterator, Callable
from typing import Any

from services.consensus import handlers
from services.consensus.estimating import RESULTS
from services.consensus.handlers import Resources
from services.consensus.run import Run
from shared.errors import Gone

PLACE = re.compile(r"[0-9]{1,6}-[0-9]{1,3}")
READ_AT_ONCE = 10
"""Stored pages that are looked through for one step of an answer, where few of their items are wanted."""
Found = tuple[list[Any], str]


async def items(
    resources: Resources, run: Run, kind: str, *, after: str, limit: int, wanted: Callable[[Any], bool]
) -> Found:
    """Items behind a place, and the place to go on from; empty where there are no more."""
    number, _, done = after.partition("-")
    page, skip = int(number or 0), int(done or 0)
    found: list[Any] = []
    for _ in range(READ_AT_ONCE):
        held = await handlers.page_of(resources, run, kind, page)
        if held is None:
            return found, ""
        for place, item in enumerate(held):
            if place >= skip and wanted(item):
                if len(found) == limit:
                    return found, f"{page}-{place}"
                found.append(item)
        page, skip = page + 1, 0
    return found, f"{page}-0"


async def results(resources: Resources, run: Run) -> AsyncIterator[list[Any]]:
    """What a run found of each image, page by page. Raises Gone where pages were removed meanwhile: no half of a file
    ends like a whole one."""
    number = told = 0
    while (held := await handlers.page_of(resources, run, RESULTS, number)) is not None:
        yield held
        number += 1
        told += len(held)
    if run.outcome is None or told != run.outcome.images:
        raise Gone("the run was removed meanwhile")
