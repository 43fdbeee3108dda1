"""The indexes of tasks and images in MongoDB."""

from pymongo import IndexModel

from services.task_manager.imports.store import mongo as imports
from services.task_manager.store import mongo_usage
from shared.mongo.origins import INDEXES as ORIGIN_INDEXES
from shared.mongo.outbox import INDEXES as OUTBOX_INDEXES

INDEXES = {
    "tasks": [
        IndexModel([("state", 1), ("age_key", 1)], name="by_age"),
        IndexModel([("state", 1), ("name_key", 1)], name="by_name"),
        IndexModel([("owner", 1), ("state", 1), ("age_key", 1)], name="of_owner_by_age"),
        IndexModel([("owner", 1), ("state", 1), ("name_key", 1)], name="of_owner_by_name"),
        IndexModel([("state", 1), ("is_erased", 1), ("created_at", 1)], name="ending_v2"),
        mongo_usage.INDEX,
        *OUTBOX_INDEXES,
    ],
    "images": [
        IndexModel([("task_id", 1), ("id", 1)], name="by_id"),
        IndexModel([("task_id", 1), ("upload_key", 1)], name="by_upload"),
        IndexModel([("task_id", 1), ("name_key", 1)], name="by_name"),
        IndexModel([("task_id", 1), ("agreement_key", 1)], name="by_agreement"),
        IndexModel([("task_id", 1), ("ended_at", 1), ("counted_votes", 1)], name="by_end_v2"),
        IndexModel([("task_id", 1), ("state", 1), ("id", 1)], name="by_state"),
        IndexModel([("task_id", 1), ("label", 1), ("id", 1)], name="by_label"),
        *OUTBOX_INDEXES,
    ],
    "removed": [
        IndexModel([("undone", 1)], name="undone", sparse=True),
        IndexModel([("task_id", 1)], name="of_task"),
        *OUTBOX_INDEXES,
    ],
    "origins": ORIGIN_INDEXES,
    **imports.INDEXES,
}
