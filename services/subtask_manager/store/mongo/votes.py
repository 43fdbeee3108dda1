"""The votes that stand, by who cast them, in MongoDB: each subtask's document names its own, in the same write."""

from services.subtask_manager.activity import MAX_LOOKED_AT, Voted
from services.subtask_manager.subtask import Subtask
from shared.mongo import Documents
from shared.mongo.connection import Document, read
from shared.mongo.faults import errors_named


class MongoVotes:
    """The votes of all voters: a subtask's document says who voted when (`voted`), and when the last one did
    (`voted_at`)."""

    def __init__(self, subtasks: Documents[Subtask]) -> None:
        self._subtasks = subtasks

    async def of(self, voter: str, since: float) -> list[Voted]:
        """A voter's votes since then, the newest first."""
        own: Document = {"$elemMatch": {"by": voter, "at": {"$gte": since}}}
        query: Document = {"voted": own}
        query["voted_at"] = {"$gte": since}  # nx-27017: follows; it has no index on arrays, and one on this
        with errors_named():
            cursor = self._subtasks.collection.find(query, {"voted": 1}).hint(BY_VOTER)
            found = await read(cursor, MAX_LOOKED_AT)
        voted = [
            Voted(one["at"], document["_id"]) for document in found for one in document["voted"] if one["by"] == voter
        ]
        return sorted(voted, reverse=True)


BY_VOTER = [("voted.by", 1), ("voted.at", -1)]
"""In this order the newest come first, where a voter has more than are looked at."""


def keys_of(subtask: Subtask) -> Document:
    """The fields of a subtask's document by which its votes are found."""
    votes = subtask.votes
    return {
        "voted": [{"by": vote.voter, "at": vote.at} for vote in votes] or None,
        "voted_at": max((vote.at for vote in votes), default=None),
    }
