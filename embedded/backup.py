"""A copy of a data folder as it is at one instant, taken while the platform runs, and put back.

Every file of SQLite is locked for writing for a moment: nothing is saved then and no event is handed over, so the
relays pause. Within that moment the last objects are linked and a reader of each file begins, which sees that instant
for as long as it copies, while the platform goes on. An object is written before the image that names it and removed
after it, so every image of the copy has its object.
"""

import json
import os
import secrets
import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from embedded import data_dir
from shared.clock import iso
from shared.errors import QuorateError
from shared.version import VERSION

MANIFEST = "backup.json"
"""Written once all else is on the disk: a copy without it is not whole."""
TASKS = "tasks.sqlite"
FILES = ("secret", "signing-keys.json", "clock")
OBJECTS = ("objects", "staging", "work")
WAIT_S = 30.0
PASSES, SHORT_S = 10, 0.05
"""Writers are held once a look for new objects is as short as this, or after so many."""
SETTLED_NS = 1_000_000_000
"""A folder that was changed so shortly before it was read may change again without another time of change."""


NEVER_REACHED = 2**44
"""So often no task changes between a backup and what is restored of it; a file of SQLite counts to 2**63."""


class BackupRefused(QuorateError):
    """It cannot be taken or put back like this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a copy holds. held_s: how long writers had to wait for it, at the most."""

    databases: int
    objects: int
    held_s: float


def back_up(source: Path, target: Path) -> Taken:
    """Copy the data folder `source` into the new or empty folder `target`. Raises BackupRefused."""
    files = _databases(source)
    if not (source / TASKS).is_file():
        raise BackupRefused(f"{source} is no data folder of Quorate: it has no {TASKS}")
    _begin(target)
    objects = _Objects(source, target)
    objects.take_nearly_all()
    began_at = time.time()
    with ExitStack() as stack:
        held = time.monotonic()
        with _nobody_writing(files):
            objects.take()
            readers = [stack.enter_context(_reading(path)) for path in files]
            held_s = time.monotonic() - held
        schemas = {
            path.name: _copy(reader, target / _until_whole(path.name))
            for path, reader in zip(files, readers, strict=True)
        }
    _copy_files(source, target)
    told = {"version": VERSION, "at": iso(began_at), "schemas": schemas, "objects": objects.count}
    _sync(target)
    _become_whole(target)
    data_dir.write_secret(target / MANIFEST, json.dumps(told, indent=1).encode())
    _sync_names(target)
    return Taken(databases=len(files), objects=objects.count, held_s=held_s)


def restore(source: Path, target: Path) -> Taken:
    """Make the new or empty folder `target` a data folder of a copy. Raises BackupRefused."""
    if not (source / MANIFEST).is_file():
        raise BackupRefused(f"{source} is no whole backup: it has no {MANIFEST}")
    _begin(target)
    files = _databases(source)
    for path in sorted(files, key=lambda path: path.name != TASKS):
        with _reading(path) as reader:
            _copy(reader, target / _until_whole(path.name))
    _tell_apart(target / data_dir.INCOMPLETE)
    objects = _Objects(source, target)
    objects.take()
    _copy_files(source, target)
    _sync(target)
    _become_whole(target)
    _sync_names(target)
    return Taken(databases=len(files), objects=objects.count, held_s=0.0)


def _tell_apart(tasks: Path) -> None:
    """Make the numbers of changes others than any that the tasks had after the backup: exports that broke off then are
    not gone on with, for what has happened since is lost."""
    with _opened(tasks) as copy:
        if any(column == "changes" for _, column, *_ in copy.execute("PRAGMA table_info(tasks)")):
            copy.execute("UPDATE tasks SET changes = changes + ?", (secrets.randbelow(NEVER_REACHED) + NEVER_REACHED,))


def _until_whole(name: str) -> str:
    """`tasks.sqlite` comes first, under another name, and has its own at the end: with that name nothing starts in the
    folder."""
    return data_dir.INCOMPLETE if name == TASKS else name


def _become_whole(target: Path) -> None:
    (target / data_dir.INCOMPLETE).rename(target / TASKS)


def _databases(folder: Path) -> Sequence[Path]:
    return sorted(folder.glob("*.sqlite"))


def _begin(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BackupRefused(f"{target} is not empty: name a new folder")
    data_dir.make(target)


@contextmanager
def _nobody_writing(files: Sequence[Path]) -> Iterator[None]:
    """Lock all files for writing, each while its present writer is between two transactions."""
    with ExitStack() as stack:
        for path in files:
            lock = stack.enter_context(_opened(path))
            lock.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A reader that sees the file as it is now until it ends."""
    with _opened(path) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
        yield reader


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=WAIT_S)
    except sqlite3.Error as error:
        raise BackupRefused(f"{path} cannot be opened: {error}") from error
    try:
        yield connection
    except sqlite3.Error as error:
        raise BackupRefused(f"{path} cannot be read: {error}") from error
    finally:
        connection.close()


def _copy(reader: sqlite3.Connection, target: Path) -> int:
    """Copy what a reader sees; returns the number of its schema.

    The copy has no WAL, so that it can be read where nothing can be written; a start gives it one again.
    """
    with _opened(target) as copy:
        reader.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
        schema: int = copy.execute("PRAGMA user_version").fetchone()[0]
    return schema


def _copy_files(source: Path, target: Path) -> None:
    for name in FILES:
        if (source / name).exists():
            data_dir.write_secret(target / name, (source / name).read_bytes())


@dataclass
class _Objects:
    """Links objects, which never change, and copies them where the target is on another file system. It may be asked
    again, and then takes what is new."""

    source: Path
    target: Path
    count: int = 0
    _read: dict[str, int] = field(default_factory=dict[str, int])
    """When each folder had changed last as it was read."""

    def take_nearly_all(self) -> None:
        """Take what there is, and what came meanwhile, until little is left for the last time."""
        for _ in range(PASSES):
            began = time.monotonic()
            self.take()
            if time.monotonic() - began < SHORT_S:
                return

    def take(self) -> None:
        for name in OBJECTS:
            with suppress(FileNotFoundError), os.scandir(self.source / name) as folders:
                for folder in folders:
                    self._take_folder(Path(folder.path), self.target / name / folder.name)

    def _take_folder(self, source: Path, target: Path) -> None:
        with suppress(FileNotFoundError):  # its task was erased meanwhile
            changed = source.stat().st_mtime_ns
            if self._read.get(str(source)) == changed:
                return
            if time.time_ns() - changed > SETTLED_NS:
                self._read[str(source)] = changed
            target.mkdir(parents=True, exist_ok=True)
            with os.scandir(source) as entries:
                for entry in entries:
                    self._take(Path(entry.path), target / entry.name)

    def _take(self, source: Path, target: Path) -> None:
        if target.exists():
            return
        with suppress(FileNotFoundError):  # it was removed meanwhile
            try:
                os.link(source, target)
            except OSError as error:
                if isinstance(error, FileNotFoundError):
                    raise
                shutil.copy2(source, target)
            self.count += 1


def _sync(folder: Path) -> None:
    """Have all of a copy on the disk."""
    for path in [*folder.rglob("*"), folder]:
        _sync_one(path)


def _sync_names(folder: Path) -> None:
    """Have the names in a folder on the disk, and its own."""
    _sync_one(folder)
    _sync_one(folder.parent)


def _sync_one(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
