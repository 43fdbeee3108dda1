"""Preferences in MongoDB: one document for each user, whose `_id` is the user's."""

from services.subtask_manager.preferences import Preferences
from shared.mongo.connection import Collection, insert_new
from shared.mongo.faults import errors_named


class MongoPreferences:
    """A `PreferencesStore` on one collection, for any number of replicas."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    async def find(self, user: str) -> Preferences:
        with errors_named():
            found = await self._collection.find_one({"_id": user})
        return Preferences() if found is None else Preferences(version=found["version"], body=found["body"])

    async def save(self, user: str, preferences: Preferences) -> bool:
        fields = {"version": preferences.version, "body": preferences.body}
        before = {"_id": user, "version": preferences.version - 1}
        if preferences.version == 1:
            return not await insert_new(self._collection, [{"_id": user, **fields}])
        with errors_named():
            return (await self._collection.update_one(before, {"$set": fields})).matched_count == 1

    async def forget(self, user: str) -> None:
        with errors_named():
            await self._collection.delete_one({"_id": user})
