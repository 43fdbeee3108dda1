"""Objects as files: written, synced, renamed, folder synced. URLs are signed paths that expire."""

import asyncio
import contextlib
import hmac
import os
import re
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from shared.disk import errors_named
from shared.errors import NotFound, QuorateError, Unavailable
from shared.objects.recent import RecentObjects

T = TypeVar("T")

_KEY = re.compile(r"[0-9a-f]{32}/[0-9a-f-]{1,80}\.[a-z]{1,5}")
MAX_WAITING = 1_000
URL_ROUND_S = 600
"""URLs of one object are equal for this long, so that browsers keep what they have."""


class FilesystemObjectStore:
    """Objects below a folder, on one machine. `url_lifetime_s` is how long a URL lives at the least.

    `cache_bytes` of the objects used last are kept in memory: a new image is read by the detector and several people.
    """

    def __init__(
        self, root: Path, secret: bytes, *, url_lifetime_s: int = 3600, cache_bytes: int = 0, threads: int = 4
    ) -> None:
        self._root = root / "objects"
        self._incoming = root / "incoming"
        self._secret = secret
        self._url_lifetime_s = url_lifetime_s
        self._size = threads
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="objects")
        self._folders = threading.Lock()
        """Held while a folder is made and filled, or removed as empty: never both at once."""
        self._waiting = 0
        self._recent = RecentObjects(cache_bytes)

    async def open(self) -> None:
        """Create the folders and drop what a killed process had not finished."""
        for folder in (self._root, self._incoming):
            folder.mkdir(parents=True, exist_ok=True)
        for leftover in self._incoming.iterdir():
            leftover.unlink()

    async def close(self) -> None:
        """Finish what runs."""
        await asyncio.to_thread(self._threads.shutdown)

    async def put(self, key: str, data: bytes) -> None:
        await self.put_all({key: data})

    async def put_all(self, objects: Mapping[str, bytes]) -> None:
        files = [(self._path(key), data) for key, data in objects.items()]
        shares = [files[start :: self._size] for start in range(min(self._size, len(files)))]
        await asyncio.gather(*(self._run(lambda share=share: self._place(share)) for share in shares))
        try:
            await self._run(lambda: _sync_folders({path.parent for path, _ in files}))
        except QuorateError:
            await self.delete(list(objects))
            raise
        for key, data in objects.items():
            self._recent.keep(key, data)

    async def get(self, key: str) -> bytes:
        if (data := self._recent.get(key)) is None:
            data = await self._run(lambda: self._get(key))
            self._recent.keep(key, data)
        return data

    async def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._recent.forget(key)
        paths = [self._path(key) for key in keys]
        await self._run(lambda: self._unlink(paths))

    async def keys(self, prefix: str, *, stored_before: float) -> AsyncIterator[str]:
        folders = await self._run(
            lambda: sorted(f.name for f in self._root.iterdir() if f"{f.name}/".startswith(prefix))
        )
        for folder in folders:
            for key in await self._run(lambda folder=folder: self._scan(folder, stored_before)):
                yield key

    def url(self, key: str, *, now: float) -> str:
        expires = (int(now) // URL_ROUND_S + 1) * URL_ROUND_S + self._url_lifetime_s
        return f"/objects/{key}?expires={expires}&signature={self._signature(key, expires)}"

    def is_signed(self, key: str, expires: int, signature: str, *, now: float) -> bool:
        """Whether a URL was made here and has not expired."""
        return now < expires and hmac.compare_digest(self._signature(key, expires).encode(), signature.encode())

    def _signature(self, key: str, expires: int) -> str:
        return hmac.digest(self._secret, f"{expires}:{key}".encode(), "sha256").hex()

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise NotFound("no such object")
        return self._root / key

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
                    _sync_folder(self._root)
                incoming.rename(path)
        except OSError:
            incoming.unlink(missing_ok=True)
            raise

    def _scan(self, folder: str, stored_before: float) -> list[str]:
        found: list[str] = []
        with contextlib.suppress(FileNotFoundError), os.scandir(self._root / folder) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    if entry.stat().st_mtime < stored_before:
                        found.append(f"{folder}/{entry.name}")
        return found

    def _unlink(self, paths: Sequence[Path]) -> None:
        for path in paths:
            path.unlink(missing_ok=True)
        for folder in {path.parent for path in paths}:
            with self._folders, contextlib.suppress(OSError):  # not empty: other objects live there
                folder.rmdir()

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= MAX_WAITING:
            raise Unavailable("too many object operations are waiting")
        self._waiting += 1
        try:
            with errors_named("the disk of the object store"):
                return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1


def _sync_folders(folders: Iterable[Path]) -> None:
    for folder in folders:
        _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
