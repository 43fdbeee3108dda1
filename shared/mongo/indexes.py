"""Indexes are built at the start, or before a release by `quorate migrate`.

An index that changes gets a new name (`by_task_v2`): under the old one a server refuses it, and a rolling update would
stop.
"""

import logging
import time
from collections.abc import Mapping, Sequence

import pymongo
from pymongo import IndexModel
from pymongo.errors import OperationFailure

from shared.mongo.connection import Collection, MongoDatabase
from shared.mongo.faults import errors_named

log = logging.getLogger(__name__)

CONFLICTS = {85, 86}
"""An index of this name has other fields or options, or one with these has another name."""


async def build(database: MongoDatabase, indexes: Mapping[str, Sequence[IndexModel]]) -> None:
    """Build the indexes that are missing, by collection, however long that takes. Raises Unavailable."""
    with errors_named(), pymongo.timeout(None):
        for name, models in indexes.items():
            known = (await database[name].index_information()).values()
            there = [[field for field, _ in one["key"]] for one in known]  # nx-27017: by names and orders of its own
            for model in models:
                await _build_one(database[name], model, is_there=[*model.document["key"]] in there)


async def _build_one(collection: Collection, model: IndexModel, *, is_there: bool) -> None:
    began = time.monotonic()
    about = {"collection": collection.name, "index": model.document["name"]}
    try:
        await collection.create_indexes([model])
    except OperationFailure as error:
        if error.code not in CONFLICTS:
            raise
        log.warning("an index is another one: %s", error, extra=about)
        return
    if not is_there:
        log.info("an index was built", extra={**about, "seconds": round(time.monotonic() - began, 3)})
