"""Preferences in MongoDB: one document for each user, whose `_id` is the user's."""

from pymongo.errors import DuplicateKeyError

from services.subtask_manager.preferences import Preferences
from shared.mongo import Collection, errors_named


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
        with errors_named():
            if preferences.version > 1:
                return (await self._collection.update_one(before, {"$set": fields})).matched_count == 1
            try:
                await self._collection.insert_one({"_id": user, **fields})
            except DuplicateKeyError:
                return False
            return True

    async def forget(self, user: str) -> None:
        with errors_named():
            await self._collection.delete_one({"_id": user})
