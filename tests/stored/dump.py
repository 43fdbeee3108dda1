"""Both databases: `python -P -m tests.stored.dump MONGODB_URL TASKS_DATABASE SUBTASKS_DATABASE > mongo.json`."""

import json
import sys

from bson import json_util
from pymongo import MongoClient


def main(url: str, *databases: str) -> None:
    client = MongoClient(url)
    dumped = {
        service: {name: list(client[database][name].find({})) for name in client[database].list_collection_names()}
        for service, database in zip(("tasks", "subtasks"), databases, strict=True)
    }
    text = json_util.dumps(dumped, json_options=json_util.RELAXED_JSON_OPTIONS)
    json.dump(json.loads(text), sys.stdout, ensure_ascii=False, indent=1, sort_keys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
