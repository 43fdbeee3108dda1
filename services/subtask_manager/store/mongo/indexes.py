"""The indexes of subtasks in MongoDB, and of what is beside them."""

from pymongo import IndexModel

from services.subtask_manager.store.mongo.votes import BY_VOTER
from shared.mongo.origins import INDEXES as ORIGIN_INDEXES
from shared.mongo.outbox import INDEXES as OUTBOX_INDEXES

HINT_LIFE_S = 7 * 86_400
DISPUTED = {"dispute": {"$exists": True}}
INDEXES = {
    "subtasks": [
        IndexModel([("place.task_id", 1), ("place.slot", 1), ("place.at", 1)], name="by_slot", sparse=True),
        IndexModel([("place.task_id", 1), ("place.at", 1), ("place.slot", 1)], name="by_opening", sparse=True),
        IndexModel([("row.task_id", 1), ("row.label", 1), ("row.rank", 1)], name="by_suggestion", sparse=True),
        IndexModel([("task_id", 1), ("state", 1)], name="by_task"),
        IndexModel([("holders", 1), ("leased_until", 1)], name="by_holder_v2", sparse=True),
        IndexModel([("leased_until", 1)], name="leased", sparse=True),
        IndexModel(BY_VOTER, name="by_voter", sparse=True),
        IndexModel([("voted_at", 1)], name="voted", sparse=True),  # nx-27017: see `MongoVotes.of`
        IndexModel([("dispute", 1)], name="disputed", sparse=True),
        IndexModel([("task_id", 1), ("dispute", 1)], name="disputed_of_task", partialFilterExpression=DISPUTED),
        *OUTBOX_INDEXES,
    ],
    "origins": ORIGIN_INDEXES,
    "awaiting": [IndexModel([("task_id", 1)], name="of_task")],
    "briefs": [IndexModel([("listed", 1), ("rests_until", 1)], name="oldest_with_work_v2", sparse=True)],
    "walks": [
        IndexModel([("task_id", 1)], name="of_task"),
        IndexModel([("seen_at", 1)], name="forgotten", expireAfterSeconds=HINT_LIFE_S),
    ],
    "rounds": [IndexModel([("seen_at", 1)], name="forgotten", expireAfterSeconds=HINT_LIFE_S)],
}
