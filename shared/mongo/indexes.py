"""Indexes are built at the start, and a build that takes longer goes on beside the work.

An index that changes gets a new name (`by_task_v2`): under the old one a server refuses it, and a rolling update would
stop.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence

import pymongo
from pymongo import IndexModel
from pymongo.errors import OperationFailure

from shared.mongo.connection import MongoDatabase
from shared.mongo.faults import errors_named

log = logging.getLogger(__name__)

PATIENCE_S = 30.0
"""So long a start waits for builds."""
CONFLICTS = {85, 86}
"""An index of this name has other fields or options, or one with these has another name."""
_building: set[asyncio.Task[None]] = set()


async def build(database: MongoDatabase, indexes: Mapping[str, Sequence[IndexModel]]) -> None:
    """Build the indexes that are missing, by collection; after `PATIENCE_S` without waiting for the rest of them.
    Raises Unavailable."""
    task = asyncio.create_task(_build_all(database, indexes), name="indexes")
    _building.add(task)
    task.add_done_callback(_building.discard)
    done, _ = await asyncio.wait({task}, timeout=PATIENCE_S)
    if done:
        with errors_named():
            task.result()
    else:
        log.warning("indexes are still being built: until then some requests read more than they need")
        task.add_done_callback(_log_failure)


async def _build_all(database: MongoDatabase, indexes: Mapping[str, Sequence[IndexModel]]) -> None:
    with pymongo.timeout(None):
        for name, models in indexes.items():
            for model in models:
                try:
                    await database[name].create_indexes([model])
                except OperationFailure as error:
                    if error.code not in CONFLICTS:
                        raise
                    log.warning("the index %s of %s is another one: %s", model.document["name"], name, error)


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("an index was not built; the next start tries again: %s", error)
