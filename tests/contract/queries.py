"""The queries of all stores: how a command says them, which indexes there are for them, and which cost more.

A query is named by its collection, what it looks for, and its order: `images: task_id label + upload_key`.
"""

from collections.abc import Iterator
from typing import Any

from services.accounts.store import mongo as accounts
from services.consensus.store import mongo as consensus
from services.notifier.store import mongo as notifier
from services.subtask_manager.store import mongo as subtasks
from services.task_manager.store import mongo as tasks
from shared.mongo.outbox import INDEXES as OUTBOX_INDEXES
from tests.contract.index_scans import Document, Query

ALL_INDEXES: dict[str, dict[str, Document]] = {}
for one in (
    accounts.INDEXES,
    consensus.INDEXES,
    notifier.INDEXES,
    subtasks.INDEXES,
    tasks.INDEXES,
    {"quotas": OUTBOX_INDEXES},
):
    for collection, models in one.items():
        named = {model.document["name"]: model.document for model in models}
        ALL_INDEXES[collection] = ALL_INDEXES.get(collection, {}) | named

LOOKS = ("find", "aggregate", "update", "delete")
MORE = {
    "audit: team id action body.object + id": "an admin's filter by two things: it passes over others of one",
    "audit: team id actor action + id": "the same",
    "awaiting: task_id revision": "images of later terms than are known wait for an event that is on its way",
    "briefs: listed body.terms.operators + listed": "it passes over tasks for others who were invited",
    "briefs: listed body.terms.operators rests_until + listed": "the same",
    "erasures: unfinished + erased_at": "a few at a time: an erasure is unfinished for minutes",
    "images: task_id id state label + id": "a label of ended images: it passes over those of another state",
    "keys: id live_team + id": "once, for a service that hears for the first time: it passes over revoked keys",
    "quotas: _id quotas + _id": "it passes over teams whose quotas were all taken back",
    "subtasks: holders leased_until task_id + leased_until": "an operator's leases in all tasks are 100 at the most",
    "subtasks: task_id state _id + _id": "a task that is finished: a page sorts what is still open of the task",
    "subtasks: voted voted_at": "`voted_at` follows from the rest; nx-27017 needs it, for it has no index on arrays",
}
"""Queries that read more than they answer, and why they may."""


def name_of(query: Query) -> str:
    looked_for = " ".join(query.where)
    return f"{query.collection}: {looked_for}" + "".join(f" + {field}" for field, _ in query.sort)


def queries_in(command_name: str, command: Document) -> Iterator[Query]:
    """What a command looks for; it may have several statements."""
    collection = command[command_name]
    if command_name in ("update", "delete"):
        for one in command[f"{command_name}s"]:
            yield Query(collection=collection, where=one["q"])
    elif command_name == "aggregate":
        stages = {name: told for stage in command["pipeline"] for name, told in stage.items()}
        yield Query(collection=collection, where=stages.get("$match", {}), limit=stages.get("$limit", 0), is_count=True)
    else:
        yield Query(
            collection=collection,
            where=command.get("filter", {}),
            sort=tuple(command.get("sort", {}).items()),
            limit=command.get("limit", 0),
            fields=_answered(command.get("projection", {})),
        )


def _answered(projection: dict[str, Any]) -> tuple[str, ...]:
    wanted = [field for field, is_wanted in projection.items() if is_wanted]
    return tuple(wanted if projection.get("_id") == 0 or not wanted else [*wanted, "_id"])
