"""Passwords are hashed by Argon2id, in two threads: each takes 64 MiB and some tens of milliseconds."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from shared.errors import Unavailable

T = TypeVar("T")
THREADS = 2
MAX_WAITING = 32
BUSY_S = 2


class Passwords:
    """Hashes and checks passwords."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="password")
        self._waiting = 0
        self._nobodys = self._hasher.hash("nobody's")

    async def hashed(self, password: str) -> str:
        """What is kept of a password. Raises Unavailable where too many wait."""
        return await self._run(lambda: self._hasher.hash(password))

    async def is_right(self, password: str, password_hash: str | None) -> bool:
        """Whether this is the password; where there is none, no, after the same time. Raises Unavailable."""
        is_so = await self._run(lambda: self._verified(password, password_hash or self._nobodys))
        return is_so and password_hash is not None

    async def close(self) -> None:
        """Finish what runs."""
        await asyncio.to_thread(self._executor.shutdown)

    def _verified(self, password: str, password_hash: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= THREADS + MAX_WAITING:
            raise Unavailable("too many people sign in at once", retry_after_s=BUSY_S)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        finally:
            self._waiting -= 1
