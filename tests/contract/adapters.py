"""What the suites need of any adapter, and the embedded ones, each opened by one function."""

import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from embedded import routes as object_routes
from services.accounts.store import AccountStore
from services.accounts.store.sqlite import SqliteAccountStore
from services.accounts.store.sqlite import schema as account_schema
from services.consensus.store import ConsensusStore
from services.consensus.store.sqlite import SqliteConsensusStore
from services.consensus.store.sqlite import schema as consensus_schema
from services.notifier.store import NotifierStore
from services.notifier.store.sqlite import SqliteNotifierStore
from services.notifier.store.sqlite import schema as notifier_schema
from services.subtask_manager import announcements as subtask_announcements
from services.subtask_manager.preferences import PreferencesStore
from services.subtask_manager.preferences.sqlite import SqlitePreferences
from services.subtask_manager.store import SubtaskStore
from services.subtask_manager.store import sqlite as subtask_sqlite
from services.subtask_manager.store.sqlite import schema as subtask_schema
from services.task_manager import announcements as task_announcements
from services.task_manager.imports.store import ImportStore
from services.task_manager.imports.store.sqlite import SqliteImports
from services.task_manager.store import TaskStore
from services.task_manager.store import sqlite as task_sqlite
from services.task_manager.store.sqlite import schema as task_schema
from shared.erasures import Erasures
from shared.erasures import sqlite as erasures_sqlite
from shared.erasures.sqlite import SqliteErasures
from shared.http import problems
from shared.http.bodies import Bodies
from shared.objects import ObjectStore, PostForm
from shared.objects.filesystem import FilesystemObjectStore
from shared.outbox import Outbox
from shared.outbox.sqlite import SqliteOutbox
from shared.quotas import QuotaStore
from shared.quotas.sqlite import SqliteQuotas
from shared.sqlite import Database
from shared.sqlite.migrations import statements

T0 = 1_000_000.0


@dataclass
class ManualClock:
    """Time that passes only when told."""

    now: float = T0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class StoredQuotas:
    """Quotas, and the outbox in which the events of their changes are."""

    store: QuotaStore
    outbox: Outbox


@dataclass
class Cost:
    """What some work cost the store: its commands, and steps of the engine where it tells them."""

    commands: list[str] = field(default_factory=list)
    steps: int = 0


class Refusing:
    """A connection whose commits fail while told so."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.is_refusing = False

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if self.is_refusing and sql == "COMMIT":
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error
        return self._connection.execute(sql, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


class WatchedDatabase(Database):
    """A database whose work can be counted, and whose commits can be made to fail."""

    STEP = 10
    cost: Cost | None = None

    def open(self) -> None:
        super().open()
        self._connection = self.refusing = Refusing(self._connection)

    def _connect(self) -> sqlite3.Connection:
        connection = super()._connect()
        connection.set_trace_callback(self._command)
        connection.set_progress_handler(self._step, self.STEP)
        return connection

    @contextmanager
    def counting(self) -> Iterator[Cost]:
        """Count what the writer and the readers are asked for."""
        self.cost = cost = Cost()
        try:
            yield cost
        finally:
            self.cost = None

    def _command(self, sql: str) -> None:
        if self.cost is not None and not sql.startswith("PRAGMA"):  # which a new connection begins with
            self.cost.commands.append(sql)

    def _step(self) -> int:
        if self.cost is not None:
            self.cost.steps += self.STEP
        return 0

    @contextmanager
    def failing_commits(self) -> Iterator[None]:
        self.refusing.is_refusing = True
        try:
            yield
        finally:
            self.refusing.is_refusing = False


@dataclass(kw_only=True)
class Stored:
    """A store under test and what the suite may do to it."""

    clock: ManualClock
    counting: Callable[[], contextlib.AbstractContextManager[Cost]]
    failing_commits: Callable[[], contextlib.AbstractContextManager[None]]
    refuse_to_announce: list[Exception]
    """While it holds an error, announcing raises it: after the rule, before the save."""


@dataclass(kw_only=True)
class StoredSubtasks(Stored):
    store: SubtaskStore
    forget_hints: Callable[[], Any]


@dataclass(kw_only=True)
class StoredTasks(Stored):
    store: TaskStore


@dataclass(kw_only=True)
class StoredPreferences:
    store: PreferencesStore
    counting: Callable[[], contextlib.AbstractContextManager[Cost]]
    failing_commits: Callable[[], contextlib.AbstractContextManager[None]]


@dataclass(kw_only=True)
class StoredAccounts:
    store: AccountStore
    clock: ManualClock
    counting: Callable[[], contextlib.AbstractContextManager[Cost]]
    failing_commits: Callable[[], contextlib.AbstractContextManager[None]]


@dataclass(kw_only=True)
class StoredConsensus:
    store: ConsensusStore
    clock: ManualClock
    failing_commits: Callable[[], contextlib.AbstractContextManager[None]]


@dataclass(kw_only=True)
class StoredImports:
    store: ImportStore
    clock: ManualClock
    failing_commits: Callable[[], contextlib.AbstractContextManager[None]]


@dataclass(kw_only=True)
class StoredWebhooks:
    """everything: all that is stored of webhooks, as text."""

    store: NotifierStore
    clock: ManualClock
    everything: Callable[[], Awaitable[str]]
    counting: Callable[[], contextlib.AbstractContextManager[Cost]]
    failing_commits: Callable[[], contextlib.AbstractContextManager[None]]


def unless_refused(announce: Callable[..., Any], errors: list[Exception]) -> Callable[..., Any]:
    def announced(*args: Any) -> Any:
        if errors:
            raise errors[0]
        return announce(*args)

    return announced


@asynccontextmanager
async def sqlite_subtasks(folder: Path) -> AsyncIterator[StoredSubtasks]:
    clock, errors = ManualClock(), list[Exception]()
    database = WatchedDatabase(folder / "subtasks.sqlite", subtask_schema.STEPS)
    database.open()
    store = subtask_sqlite.SqliteSubtaskStore(database, clock, unless_refused(subtask_announcements.announce, errors))

    async def forget_hints() -> None:
        def forget(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM walks")
            db.execute("DELETE FROM rounds")

        await database.write(forget)

    yield StoredSubtasks(
        store=store,
        clock=clock,
        counting=database.counting,
        failing_commits=database.failing_commits,
        refuse_to_announce=errors,
        forget_hints=forget_hints,
    )
    await database.close()


@asynccontextmanager
async def sqlite_preferences(folder: Path) -> AsyncIterator[StoredPreferences]:
    database = WatchedDatabase(folder / "subtasks.sqlite", subtask_schema.STEPS)
    database.open()
    yield StoredPreferences(
        store=SqlitePreferences(database), counting=database.counting, failing_commits=database.failing_commits
    )
    await database.close()


@asynccontextmanager
async def sqlite_quotas(folder: Path) -> AsyncIterator[StoredQuotas]:
    database = WatchedDatabase(folder / "subtasks.sqlite", subtask_schema.STEPS)
    database.open()
    yield StoredQuotas(store=SqliteQuotas(database), outbox=SqliteOutbox(database))
    await database.close()


@asynccontextmanager
async def sqlite_tasks(folder: Path) -> AsyncIterator[StoredTasks]:
    clock, errors = ManualClock(), list[Exception]()
    database = WatchedDatabase(folder / "tasks.sqlite", task_schema.STEPS)
    database.open()
    store = task_sqlite.SqliteTaskStore(
        database,
        clock,
        announce_task=unless_refused(task_announcements.task_changed, errors),
        announce_image=unless_refused(task_announcements.image_added, errors),
        announce_change=unless_refused(task_announcements.image_changed, errors),
        announce_removed=unless_refused(task_announcements.image_removed, errors),
    )
    yield StoredTasks(
        store=store,
        clock=clock,
        counting=database.counting,
        failing_commits=database.failing_commits,
        refuse_to_announce=errors,
    )
    await database.close()


@asynccontextmanager
async def sqlite_accounts(folder: Path) -> AsyncIterator[StoredAccounts]:
    clock = ManualClock()
    database = WatchedDatabase(folder / "accounts.sqlite", account_schema.STEPS)
    database.open()
    yield StoredAccounts(
        store=SqliteAccountStore(database, clock),
        clock=clock,
        counting=database.counting,
        failing_commits=database.failing_commits,
    )
    await database.close()


@asynccontextmanager
async def sqlite_webhooks(folder: Path) -> AsyncIterator[StoredWebhooks]:
    clock = ManualClock()
    database = WatchedDatabase(folder / "webhooks.sqlite", notifier_schema.STEPS)
    database.open()

    async def everything() -> str:
        return str(await database.read(lambda db: db.execute("SELECT id, body FROM webhooks").fetchall()))

    yield StoredWebhooks(
        store=SqliteNotifierStore(database, clock),
        clock=clock,
        everything=everything,
        counting=database.counting,
        failing_commits=database.failing_commits,
    )
    await database.close()


@asynccontextmanager
async def sqlite_consensus(folder: Path) -> AsyncIterator[StoredConsensus]:
    clock = ManualClock()
    database = WatchedDatabase(folder / "consensus.sqlite", consensus_schema.STEPS)
    database.open()
    store = SqliteConsensusStore(database, clock)
    yield StoredConsensus(store=store, clock=clock, failing_commits=database.failing_commits)
    await database.close()


@asynccontextmanager
async def sqlite_imports(folder: Path) -> AsyncIterator[StoredImports]:
    clock = ManualClock()
    database = WatchedDatabase(folder / "tasks.sqlite", task_schema.STEPS)
    database.open()
    store = SqliteImports(database, clock)
    yield StoredImports(store=store, clock=clock, failing_commits=database.failing_commits)
    await database.close()


@asynccontextmanager
async def sqlite_erasures(folder: Path) -> AsyncIterator[Erasures]:
    database = WatchedDatabase(folder / "erasures.sqlite", [statements(erasures_sqlite.SCHEMA)])
    database.open()
    yield SqliteErasures(database)
    await database.close()


@dataclass(kw_only=True)
class Objects:
    """An object store under test. `fetch` reads a URL now, as a browser would, None where it is refused; `post` sends a
    form with a file, and says whether that was taken."""

    objects: ObjectStore
    fetch: Callable[[str], Awaitable[bytes | None]]
    post: Callable[[PostForm, bytes], Awaitable[bool]]
    url_lifetime_s: int


def browsing(http: httpx.AsyncClient) -> dict[str, Any]:
    """`fetch` and `post` of a store whose URLs this client reaches."""

    async def fetch(url: str) -> bytes | None:
        answer = await http.get(url)
        assert answer.status_code == 200 or 400 <= answer.status_code < 500, answer.text
        return answer.content if answer.status_code == 200 else None

    async def post(form: PostForm, data: bytes) -> bool:
        answer = await http.post(form.url, data=form.fields, files={"file": ("a.png", data)})
        assert answer.status_code == 204 or 400 <= answer.status_code < 500, answer.text
        return answer.status_code == 204

    return {"fetch": fetch, "post": post}


@asynccontextmanager
async def filesystem_objects(folder: Path) -> AsyncIterator[Objects]:
    """The store with the routes of the embedded platform that serve its URLs."""
    objects = FilesystemObjectStore(folder, b"a secret", url_lifetime_s=3600)
    app = FastAPI()
    app.include_router(object_routes.router(objects, time.time, folder))
    problems.install(app)
    bodies = Bodies(1 << 30)

    async def counted(scope: Scope, receive: Receive, send: Send) -> None:
        scope["bodies"], scope["caller_name"] = bodies, "local"  # as the edge does
        await app(scope, receive, send)

    await objects.open()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=counted), base_url="http://localhost") as http:
        yield Objects(objects=objects, url_lifetime_s=3600, **browsing(http))
    await objects.close()


async def told(at) -> list[tuple[str, str]]:
    """The events that a store keeps to be published: what each is about, and its type."""
    return [(message.subject, message.type) for message in await at.store.pending(10_000)]
