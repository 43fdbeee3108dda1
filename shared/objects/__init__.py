"""The object store: bytes under keys."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol


class ObjectStore(Protocol):
    """Keeps immutable objects. Keys are made by Quorate, never by a client: `<task id>/<name>.<extension>`."""

    async def put(self, key: str, data: bytes) -> None:
        """Store an object; durable when this returns. Raises StorageFull or Unavailable, and then stores nothing."""
        ...

    async def put_all(self, objects: Mapping[str, bytes]) -> None:
        """Store many objects, cheaper than one by one. Where it raises, some of them may be stored."""
        ...

    async def get(self, key: str) -> bytes:
        """An object's bytes. Raises NotFound where there is none."""
        ...

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; those that are gone already are passed over."""
        ...

    def keys(self, prefix: str, *, stored_before: float) -> AsyncIterator[str]:
        """The keys that begin with `prefix` (a task id and a slash, or nothing) and were stored before an instant."""
        ...

    def url(self, key: str, *, now: float) -> str:
        """A URL from which anyone may read the object until it expires."""
        ...
