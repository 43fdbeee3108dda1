"""The stores on a MongoDB-wire server, for the contract suites: each in a database of its own.

`server` is the partial server, or a replica set on it. Whatever a test does, every read has to ask for what a majority
has, of the primary.
"""

import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from pymongo import monitoring
from pymongo.errors import AutoReconnect

from services.accounts.store.mongo import MongoAccountStore
from services.consensus.store.mongo import MongoConsensusStore
from services.notifier.store.mongo import MongoNotifierStore
from services.subtask_manager import announcements as subtask_announcements
from services.subtask_manager.preferences.mongo import MongoPreferences
from services.subtask_manager.store.mongo import MongoSubtaskStore
from services.task_manager import announcements as task_announcements
from services.task_manager.imports.store.mongo import INDEXES, MongoImports
from services.task_manager.store.mongo import MongoTaskStore
from shared.erasures.mongo import MongoErasures
from shared.mongo import Documents
from shared.mongo.connection import MongoDatabase, connect
from shared.mongo.indexes import build
from shared.quotas.mongo import MongoQuotas
from tests.contract.adapters import (
    Cost,
    ManualClock,
    StoredAccounts,
    StoredConsensus,
    StoredImports,
    StoredPreferences,
    StoredQuotas,
    StoredSubtasks,
    StoredTasks,
    StoredWebhooks,
    unless_refused,
)
from tests.contract.index_scans import Query, serving
from tests.contract.queries import ALL_INDEXES, LOOKS, MORE, name_of, queries_in
from tests.replica.replica_set import replica_set
from tests.servers import need

PLATFORM = tuple(str(Path(__file__).parents[2] / folder) for folder in ("services", "shared"))
Server = Callable[[], AbstractAsyncContextManager[str]]
"""Gives the URL of a server."""


class Commands(monitoring.CommandListener):
    """Notes what is sent, while somebody counts; where anything was ever looked for, and in what order."""

    def __init__(self) -> None:
        self.cost: Cost | None = None
        self.queries: list[Query] = []
        """Those of what was counted last."""
        self.finds: dict[tuple[str, ...], tuple[str, Any]] = {}
        self.sorts: set[tuple[str, frozenset[str], tuple[str, ...]]] = set()
        self.groups: list[Any] = []

    def started(self, event) -> None:
        if event.command_name == "find":
            collection, where = event.command["find"], event.command["filter"]
            self.finds[collection, *where] = (collection, where)
            self.sorts.add((collection, frozenset(where), tuple(event.command.get("sort", ()))))
        if event.command_name == "aggregate":
            self.groups += [stage["$group"]["_id"] for stage in event.command["pipeline"] if "$group" in stage]
        if self.cost is not None:
            self.queries += queries_in(event.command_name, event.command) if event.command_name in LOOKS else ()
            self.cost.commands.append(f"{event.command_name} {event.command.get(event.command_name)}")

    def succeeded(self, event) -> None: ...

    def failed(self, event) -> None: ...

    @contextmanager
    def counting(self) -> Iterator[Cost]:
        self.cost = cost = Cost()
        self.queries = []
        try:
            yield cost
        finally:
            self.cost = None


class _Refusing:
    """A collection whose writes fail on their way while told so."""

    def __init__(self, collection: Any) -> None:
        self._collection = collection
        self.is_refusing = False

    def __getattr__(self, name: str) -> Any:
        if self.is_refusing and name in ("update_one", "bulk_write", "insert_many"):
            raise AutoReconnect("connection reset")
        return getattr(self._collection, name)


class Looks(monitoring.CommandListener):
    """Notes what the platform looks for, and not tests, without an index that has all of it and its order."""

    def __init__(self) -> None:
        self.dear: dict[str, Query] = {}

    def started(self, event) -> None:
        if event.command_name not in LOOKS or not _is_of_the_platform():
            return
        for query in queries_in(event.command_name, event.command):
            if not serving(query, ALL_INDEXES.get(query.collection, {})) and name_of(query) not in MORE:
                self.dear[name_of(query)] = query

    def succeeded(self, event) -> None: ...

    def failed(self, event) -> None: ...


def _is_of_the_platform() -> bool:
    """Whether a command is sent for a module of the platform, however far down in the driver."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename.startswith(PLATFORM):
            return True
        frame = frame.f_back
    return False


class WeakReads(monitoring.CommandListener):
    """Notes reads that could see what a majority does not have yet, or that a secondary may answer."""

    READS = ("find", "count", "distinct", "aggregate")

    def __init__(self) -> None:
        self.seen: list[str] = []

    def started(self, event) -> None:
        if event.command_name not in self.READS:
            return
        level = event.command.get("readConcern", {}).get("level")
        mode = event.command.get("$readPreference", {"mode": "primary"})["mode"]
        # a driver that was told to ask one server only says "primaryPreferred", whatever the preference is
        if level != "majority" or mode not in ("primary", "primaryPreferred"):
            self.seen.append(f"{event.command_name} {event.command[event.command_name]}: {level}, {mode}")

    def succeeded(self, event) -> None: ...

    def failed(self, event) -> None: ...


@asynccontextmanager
async def partial_server() -> AsyncIterator[str]:
    yield need("MongoDB")["QUORATE_MONGO_URL"]


@asynccontextmanager
async def on_replica_set() -> AsyncIterator[str]:
    async with replica_set(need("MongoDB")["QUORATE_MONGO_URL"]) as primary:
        yield primary.url


@asynccontextmanager
async def database(commands: Commands | None = None, server: Server = partial_server) -> AsyncIterator[MongoDatabase]:
    """An empty database, dropped afterwards."""
    async with server() as url, _dropped(url, commands) as opened:
        yield opened


@asynccontextmanager
async def _dropped(url: str, commands: Commands | None) -> AsyncIterator[MongoDatabase]:
    listeners = monitoring._LISTENERS.command_listeners
    mine = [weak := WeakReads(), looks := Looks(), *([] if commands is None else [commands])]
    listeners.extend(mine)
    try:
        client = connect(url)
    finally:
        for one in mine:
            listeners.remove(one)
    name = f"test_{uuid.uuid4().hex}"
    try:
        yield client[name]
        assert weak.seen == [], "reads that a failover may take back"
        assert looks.dear == {}, f"queries that read more than they answer, see queries.py: {looks.dear}"
    finally:
        await client.drop_database(name)
        await client.close()


def _refusing(*documents: Documents):
    collections = [_Refusing(one.collection) for one in documents]
    for one, collection in zip(documents, collections, strict=True):
        one.collection = collection
    return _failing(*collections)


def _failing(*collections: _Refusing):
    @contextmanager
    def failing_commits() -> Iterator[None]:
        for collection in collections:
            collection.is_refusing = True
        try:
            yield
        finally:
            for collection in collections:
                collection.is_refusing = False

    return failing_commits


@asynccontextmanager
async def mongo_subtasks(_folder: Path, server: Server = partial_server) -> AsyncIterator[StoredSubtasks]:
    clock, errors, commands = ManualClock(), list[Exception](), Commands()
    async with database(commands, server) as db:
        store = MongoSubtaskStore(db, clock, unless_refused(subtask_announcements.announce, errors))
        await store.prepare()

        async def forget_hints() -> None:
            await db["walks"].delete_many({})
            await db["rounds"].delete_many({})

        yield StoredSubtasks(
            store=store,
            clock=clock,
            counting=commands.counting,
            failing_commits=_refusing(store._subtasks),
            refuse_to_announce=errors,
            forget_hints=forget_hints,
        )


@asynccontextmanager
async def mongo_quotas(_folder: Path, server: Server = partial_server) -> AsyncIterator[StoredQuotas]:
    async with database(server=server) as at:
        quotas = MongoQuotas(at, time.time)
        await quotas.prepare()
        yield StoredQuotas(store=quotas, outbox=quotas)


@asynccontextmanager
async def mongo_preferences(_folder: Path, server: Server = partial_server) -> AsyncIterator[StoredPreferences]:
    commands = Commands()
    async with database(commands, server) as db:
        collection = _Refusing(db["preferences"])
        store = MongoPreferences(collection)
        yield StoredPreferences(store=store, counting=commands.counting, failing_commits=_failing(collection))


@asynccontextmanager
async def mongo_tasks(_folder: Path, server: Server = partial_server) -> AsyncIterator[StoredTasks]:
    clock, errors, commands = ManualClock(), list[Exception](), Commands()
    async with database(commands, server) as db:
        store = MongoTaskStore(
            db,
            clock,
            announce_task=unless_refused(task_announcements.task_changed, errors),
            announce_image=unless_refused(task_announcements.image_added, errors),
            announce_change=unless_refused(task_announcements.image_changed, errors),
            announce_removed=unless_refused(task_announcements.image_removed, errors),
        )
        await store.prepare()
        yield StoredTasks(
            store=store,
            clock=clock,
            counting=commands.counting,
            failing_commits=_refusing(store._tasks, store._images),
            refuse_to_announce=errors,
        )


@asynccontextmanager
async def mongo_erasures(_folder: Path, server: Server = partial_server) -> AsyncIterator[MongoErasures]:
    async with database(server=server) as db:
        yield MongoErasures(db["erasures"])


@asynccontextmanager
async def mongo_accounts(_folder: Path, server: Server = partial_server) -> AsyncIterator[StoredAccounts]:
    clock, commands = ManualClock(), Commands()
    async with database(commands, server) as db:
        store = MongoAccountStore(db, clock)
        await store.prepare()
        kept = (store.teams, store.people, store.sessions, store.keys, store.invitations)
        yield StoredAccounts(
            store=store,
            clock=clock,
            counting=commands.counting,
            failing_commits=_refusing(*(one.documents for one in kept)),
        )


@asynccontextmanager
async def mongo_webhooks(_folder: Path, server: Server = partial_server) -> AsyncIterator[StoredWebhooks]:
    clock, commands = ManualClock(), Commands()
    async with database(commands, server) as db:
        store = MongoNotifierStore(db, clock)
        await store.prepare()

        async def everything() -> str:
            return str(await db["webhooks"].find({}).to_list())

        yield StoredWebhooks(
            store=store,
            clock=clock,
            everything=everything,
            counting=commands.counting,
            failing_commits=_refusing(store._webhooks, store._deliveries),
        )


@asynccontextmanager
async def mongo_imports(_folder: Path, server: Server = partial_server) -> AsyncIterator[StoredImports]:
    clock, commands = ManualClock(), Commands()
    async with database(commands, server) as db:
        store = MongoImports(db, clock)
        await build(db, INDEXES)
        yield StoredImports(store=store, clock=clock, failing_commits=_refusing(store._imports))


@asynccontextmanager
async def mongo_consensus(_folder: Path, server: Server = partial_server) -> AsyncIterator[StoredConsensus]:
    clock, commands = ManualClock(), Commands()
    async with database(commands, server) as db:
        store = MongoConsensusStore(db, clock)
        await store.prepare()
        yield StoredConsensus(store=store, clock=clock, failing_commits=_refusing(store._runs))
