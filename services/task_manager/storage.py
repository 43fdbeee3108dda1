"""Whether the bucket is the one in which the images of this database are: both keep the same mark.

With another bucket no image would be found, and with another database every object would count as lost, and be removed.
"""

import secrets

from shared.errors import QuorateError
from shared.mongo.connection import Document, MongoDatabase, insert_new
from shared.mongo.faults import errors_named
from shared.objects.s3 import S3ObjectStore

STORAGE: Document = {"_id": "storage"}
BOTH = "set QUORATE_MONGO_DATABASE and QUORATE_S3_BUCKET to what belongs together"


class OtherStorage(QuorateError):
    """The bucket is not the one in which the images of this database are."""


async def refuse_other_storage(database: MongoDatabase, objects: S3ObjectStore) -> None:
    """Mark a database and a bucket that have no mark yet. Raises OtherStorage where their marks differ.

    A replica marks the database first: who finds a mark in the bucket, and then none in the database, is elsewhere.
    """
    found, kept = await objects.mark(), await _kept(database)
    if found is None and kept is not None and kept["is_in_bucket"]:
        found = await objects.mark()  # another replica may have marked it meanwhile
        if found is None:
            raise OtherStorage(f"images were stored in another bucket than {objects.bucket}: {BOTH}")
    if found is None:
        kept = kept or await _marked(database)
        await objects.put_mark(kept["mark"])
        with errors_named():
            await database["platform"].update_one(STORAGE, {"$set": {"is_in_bucket": True}})
    elif kept is None or kept["mark"] != found:
        raise OtherStorage(f"the bucket {objects.bucket} has the images of another database: {BOTH}")


async def _kept(database: MongoDatabase) -> Document | None:
    with errors_named():
        return await database["platform"].find_one(STORAGE)


async def _marked(database: MongoDatabase) -> Document:
    """A new mark, or the one of another replica that was faster."""
    made = {**STORAGE, "mark": secrets.token_hex(16), "is_in_bucket": False}
    if await insert_new(database["platform"], [made]):
        return await _kept(database) or made
    return made
