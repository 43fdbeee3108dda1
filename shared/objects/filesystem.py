"""Objects as files: written, synced and renamed, then the folder is synced. URLs are signed paths that expire."""

import asyncio
import contextlib
import errno
import functools
import hmac
import os
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from shared import crash_points
from shared.disk import errors_named, read_at_once
from shared.errors import NotFound, QuorateError
from shared.objects import FORM_S, URL_ROUND_S, PostForm
from shared.objects.keys import STAGING, WORK, checked, is_key, is_staged, is_work, shown
from shared.objects.recent import RecentObjects
from shared.objects.threads import Threads
from shared.probing import Probe

T = TypeVar("T")

TRIED = "tried"
TRIED_BYTES = 65_536
"""A file that is written to see whether one can be; as large as a small picture."""

SIGNATURES_CACHED = 16_384
"""The same signature is needed for every operator who gets the URL, and again when the URL is used."""


class FilesystemObjectStore:
    """Objects below a folder, on one machine. `url_lifetime_s` is the least time that a URL lives.

    `cache_bytes` of the objects used last are kept in memory: the detector and several operators read a new image.
    """

    def __init__(
        self, root: Path, secret: bytes, *, url_lifetime_s: int = 3600, cache_bytes: int = 0, threads: int = 4
    ) -> None:
        self._root = root / "objects"
        self._staging = root / "staging"
        self._work = root / "work"
        self._incoming = root / "incoming"
        self._secret = secret
        self._url_lifetime_s = url_lifetime_s
        self._threads = Threads(threads)
        self._folders = threading.Lock()
        """Held while a folder is created and filled, or removed because it is empty."""
        self._recent = RecentObjects(cache_bytes)
        self.is_ready = Probe("the folder of objects", self._try_to_write)
        """Whether objects can be stored now."""
        self._signature = functools.lru_cache(SIGNATURES_CACHED)(self._sign)

    async def open(self) -> None:
        """Create the folders, and remove files that a killed process had not finished."""
        for folder in (self._root, self._staging, self._work, self._incoming):
            folder.mkdir(parents=True, exist_ok=True)
        for leftover in self._incoming.iterdir():
            leftover.unlink()

    async def close(self) -> None:
        """Finish what runs."""
        await self._threads.close()

    async def _try_to_write(self) -> None:
        """Write a file as every object begins, and remove it. Raises StorageFull and Unavailable."""
        await self._run(self._write_something)

    def _write_something(self) -> None:
        for folder in (self._root, self._staging, self._work):
            if not os.access(folder, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, "there is no such folder, or it may not be written", str(folder))
        tried = self._incoming / TRIED
        with tried.open("wb", buffering=0) as file:
            file.write(bytes(TRIED_BYTES))
            os.fsync(file.fileno())
        tried.unlink()

    async def put(self, key: str, data: bytes) -> None:
        await self.put_all({key: data})

    async def put_all(self, objects: Mapping[str, bytes]) -> None:
        files = [(self._path(key), data) for key, data in objects.items()]
        shares = self._threads.shares(files)
        await asyncio.gather(*(self._run(lambda share=share: self._place(share)) for share in shares))
        try:
            await self._run(lambda: _sync_folders({path.parent for path, _ in files}))
        except QuorateError:
            await self.delete(list(objects))
            raise
        for key, data in objects.items():
            self._recent.keep(key, data)

    async def get(self, key: str, *, is_kept: bool = True) -> bytes:
        if (data := self._recent.get(key)) is None:
            data = read_at_once(self._path(key)) or await self._run(lambda: self._get(key))
            if is_kept:
                self._recent.keep(key, data)
        return data

    async def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._recent.forget(key)
        paths = [self._path(key) for key in keys]
        await self._run(lambda: self._unlink(paths))

    async def keys(self, prefix: str, *, stored_before: float) -> AsyncIterator[str]:
        for folder in await self._run(lambda: self._folders_of(prefix)):
            for key in await self._run(lambda folder=folder: self._scan(folder, stored_before)):
                yield key

    def url(self, key: str, *, now: float) -> str:
        expires = (int(now) // URL_ROUND_S + 1) * URL_ROUND_S + self._url_lifetime_s
        return f"/objects/{shown(key)}?expires={expires}&signature={self._signature(key, expires)}"

    def post_form(self, key: str, *, max_bytes: int, now: float) -> PostForm:
        expires = int(now) + FORM_S
        signature = self._signature(f"{max_bytes}:{checked(key)}", expires)
        return PostForm(f"/objects/{key}?expires={expires}&max_bytes={max_bytes}&signature={signature}")

    def is_signed(self, key: str, expires: int, signature: str, *, now: float, max_bytes: int | None = None) -> bool:
        """Whether this store signed a URL, or with `max_bytes` a form, that has not expired."""
        if not (now < expires and is_key(key)) or is_work(key):  # so that the cache of signatures stays small
            return False
        what = key if max_bytes is None else f"{max_bytes}:{key}"
        return hmac.compare_digest(self._signature(what, expires).encode(), signature.encode())

    def _sign(self, what: str, expires: int) -> str:
        return hmac.digest(self._secret, f"{expires}:{what}".encode(), "sha256").hex()

    def _path(self, key: str) -> Path:
        has_folder = is_staged(key) or is_work(key)
        return (self._root.parent if has_folder else self._root) / checked(key)

    def _get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError:
            raise NotFound("no such object") from None

    def _place(self, files: Sequence[tuple[Path, bytes]]) -> None:
        for path, data in files:
            self._put(path, data)

    def _put(self, path: Path, data: bytes) -> None:
        incoming = self._incoming / secrets.token_hex(16)
        try:
            with incoming.open("xb", buffering=0) as file:
                written = 0
                while written < len(data):
                    written += file.write(data[written:] if written else data)
                os.fsync(file.fileno())
            with self._folders:
                if not path.parent.is_dir():
                    path.parent.mkdir()
                    _sync_folder(path.parent.parent)
                crash_points.reached("filesystem.before_rename")
                incoming.rename(path)
                crash_points.reached("filesystem.after_rename")
        except OSError:
            incoming.unlink(missing_ok=True)
            raise

    def _folders_of(self, prefix: str) -> list[tuple[str, Path]]:
        """The folders of objects, each with the prefix of its keys."""
        folders = [(f"{folder.name}/", folder) for folder in self._root.iterdir()]
        for begin, parent in ((STAGING, self._staging), (WORK, self._work)):
            folders += [(f"{begin}{folder.name}/", folder) for folder in parent.iterdir()]
        return sorted(folder for folder in folders if folder[0].startswith(prefix))

    def _scan(self, folder: tuple[str, Path], stored_before: float) -> list[str]:
        found: list[str] = []
        begin, path = folder
        with contextlib.suppress(FileNotFoundError), os.scandir(path) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    if entry.stat().st_mtime < stored_before and is_key(begin + entry.name):
                        found.append(begin + entry.name)
        return found

    def _unlink(self, paths: Sequence[Path]) -> None:
        for path in paths:
            path.unlink(missing_ok=True)
        for folder in {path.parent for path in paths}:
            with self._folders, contextlib.suppress(OSError):  # not empty: other objects live there
                folder.rmdir()

    async def _run(self, work: Callable[[], T]) -> T:
        with errors_named("the disk of the object store"):
            return await self._threads.run(work)


def _sync_folders(folders: Iterable[Path]) -> None:
    for folder in folders:
        _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
