"""One SQLite file with one writer thread and group commit, and a few reader threads.

Writes that wait at the same time share one transaction and so one fsync; a write that is refused undoes only itself. A
write is durable (WAL, `synchronous=FULL`) before its caller continues.
"""

import asyncio
import contextlib
import contextvars
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from shared import crash_points
from shared.disk import errors_named
from shared.errors import QuorateError, StorageFull, Unavailable
from shared.probing import Probe
from shared.sqlite.migrations import Step, migrate
from shared.sqlite.soundness import refuse_unusable
from shared.telemetry.trouble import Trouble

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

MAX_GROUP = 256
"""The most writes that share one commit."""
MAX_WAITING = 10_000
"""The most writes, and the most reads, that may wait; further callers get Unavailable."""
CHECKPOINT_PAGES = 4_000
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_PRIMARY = 0xFF
"""The bits of an error's code that say its kind."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Job:
    work: Work[Any]
    context: contextvars.Context
    loop: asyncio.AbstractEventLoop
    done: "asyncio.Future[Any]"
    result: Any = None
    error: BaseException | None = None


class Database:
    """A SQLite file. `write` and `read` take a function of a connection, run it in a thread and return its result.

    commits: how often something was committed; it counts before whoever wrote it has the answer.
    """

    def __init__(self, path: Path, steps: Sequence[Step], *, readers: int = 2) -> None:
        self.path = path
        self._steps = steps
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write_until_closed, name=f"write-{path.stem}", daemon=True)
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix=f"read-{path.stem}")
        self._reader = threading.local()
        self._reading = 0
        self.commits = 0
        self._is_closed = False
        self._is_damaged = False
        self._inode: int | None = None
        self.is_ready = Probe(path.name, self._try_to_write)
        """Whether it can be written now."""
        self._connections: list[sqlite3.Connection] = []
        self._writes = Trouble(log, f"{path.name} cannot be written")
        self._reads = Trouble(log, f"{path.name} cannot be read")

    def refuse_unusable(self) -> None:
        """To be called before it is opened. Raises UnusableFile and NewerFile; changes nothing."""
        refuse_unusable(self.path, self._steps)

    def open(self) -> None:
        """Bring the file to the present schema and start the writer. Raises NewerFile."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = self._connect()
        migrate(self._connection, self._steps, self.path.name)
        self._inode = self.path.stat().st_ino
        self._writer.start()

    async def close(self) -> None:
        """Finish the writes that wait, then close the file."""
        self._is_closed = True
        self._jobs.put(None)
        await asyncio.to_thread(self._writer.join)
        self._readers.shutdown()
        for connection in self._connections:
            connection.close()

    @property
    def waiting(self) -> int:
        """How many writes wait."""
        return self._jobs.qsize()

    async def write(self, work: Work[T]) -> T:
        """Run `work` in a transaction, durable when this returns. An error of `work` undoes it and is raised here."""
        if self._is_closed:
            raise Unavailable("the database is closed")
        if self._jobs.qsize() >= MAX_WAITING:
            raise Unavailable("too many writes are waiting")
        loop = asyncio.get_running_loop()
        job = _Job(work, contextvars.copy_context(), loop, loop.create_future())
        self._jobs.put(job)
        return await job.done

    async def read(self, work: Work[T]) -> T:
        """Run `work` on a read-only connection that sees everything committed so far."""
        if self._reading >= MAX_WAITING:
            raise Unavailable("too many reads are waiting")
        self._reading += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, self._run_read, work)
        finally:
            self._reading -= 1

    async def _try_to_write(self) -> None:
        """Write the number of its schema once more: a page, and as durable as any write. Raises StorageFull and
        Unavailable."""
        if self._is_damaged:
            raise Unavailable("the database is damaged: stop, keep the files, and restore the backup")
        with errors_named("the disk of the database"):
            if self.path.stat().st_ino != self._inode:
                raise Unavailable("another file is in its place: what is written now is lost with a stop")
        await self.write(lambda db: db.execute(f"PRAGMA user_version = {len(self._steps)}").rowcount)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, cached_statements=256, timeout=30
        )
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        connection.execute("PRAGMA cache_size=-2000")
        connection.execute("PRAGMA temp_store=MEMORY")
        self._connections.append(connection)
        return connection

    def _run_read(self, work: Work[T]) -> T:
        try:
            answer = work(self._reading_connection())
        except sqlite3.Error as error:
            raise self._told(self._reads, error) from error
        self._reads.over()
        return answer

    def _reading_connection(self) -> sqlite3.Connection:
        """That of this thread."""
        connection: sqlite3.Connection | None = getattr(self._reader, "connection", None)
        if connection is None:
            connection = self._connect()
            connection.execute("PRAGMA query_only=1")
            self._reader.connection = connection
        return connection

    def _write_until_closed(self) -> None:
        while (first := self._jobs.get()) is not None:
            group, is_last = self._gather(first)
            self._store(group)
            _answer(group)
            if is_last:
                return

    def _store(self, group: list[_Job]) -> None:
        try:
            self._commit(group)
        except sqlite3.Error as error:
            self._fail(group, error)

    def _gather(self, first: _Job) -> tuple[list[_Job], bool]:
        group = [first]
        with contextlib.suppress(queue.Empty):
            while len(group) < MAX_GROUP:
                job = self._jobs.get_nowait()
                if job is None:
                    return group, True
                group.append(job)
        return group, False

    def _commit(self, group: list[_Job]) -> None:
        """Run a group in one transaction.

        A job that raises before it has written leaves nothing to undo. If it raises after it has written, the group is
        rolled back, and each job runs again in a transaction of its own.
        """
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        for job in group:
            written_before = connection.total_changes
            try:
                job.error, job.result = None, job.context.run(job.work, connection)
            except BaseException as error:
                if not connection.in_transaction:
                    raise  # SQLite has rolled back by itself, as it does when the disk is full
                job.error = self._told(self._writes, error) if isinstance(error, sqlite3.Error) else error
                if connection.total_changes != written_before:
                    connection.execute("ROLLBACK")
                    for again in group if len(group) > 1 else ():
                        self._store([again])
                    return
        crash_points.reached("sqlite.before_commit")
        connection.execute("COMMIT")
        self.commits += 1
        self._writes.over()
        crash_points.reached("sqlite.after_commit")

    def _fail(self, group: list[_Job], error: sqlite3.Error) -> None:
        """Nothing of this group is stored: every job of it gets the error."""
        self._told(self._writes, error)
        if self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
        for job in group:
            job.error = job.error or translated(error)

    def _told(self, trouble: Trouble, error: sqlite3.Error) -> QuorateError | sqlite3.Error:
        """The error for whoever waits; the log has the reason where it is the file's, once."""
        self._is_damaged = self._is_damaged or _kind(error) in DAMAGED
        refusal = translated(error)
        if refusal is not error:
            trouble.met(refusal)
        return refusal


def translated(error: sqlite3.Error) -> QuorateError | sqlite3.Error:
    """StorageFull or Unavailable for what the file or its disk refuses; wrong SQL stays as it is."""
    code = _kind(error)
    if code == sqlite3.SQLITE_FULL:
        refusal: QuorateError = StorageFull("there is no room left on the disk of the database")
    elif code in DAMAGED:
        refusal = Unavailable("the database is damaged")
    elif isinstance(error, sqlite3.OperationalError) and code != sqlite3.SQLITE_ERROR:
        refusal = Unavailable("the database does not answer now")
    else:
        return error
    refusal.__cause__ = error
    return refusal


def _kind(error: sqlite3.Error) -> int:
    """Errors that this module raises by itself have no code."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY


def _answer(group: list[_Job]) -> None:
    """Give each job its result, with one wake-up for each event loop that waits."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in group:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, jobs in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile, so no caller waits
            loop.call_soon_threadsafe(_resolve, jobs)


def _resolve(jobs: Iterable[_Job]) -> None:
    for job in jobs:
        if job.done.cancelled():
            continue
        if job.error is not None:
            job.done.set_exception(job.error)
        else:
            job.done.set_result(job.result)
