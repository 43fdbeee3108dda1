"""A cache of the objects used last. Images never change, so it is never stale."""

from cachetools import LRUCache

from shared.objects.keys import is_staged

MAX_SHARE = 16
"""An object of more than 1/MAX_SHARE of the cache is not kept."""


class RecentObjects:
    """Objects of at most `max_bytes` together; the one used longest ago is dropped first."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._objects: LRUCache[str, bytes] = LRUCache(max_bytes, getsizeof=len)

    def get(self, key: str) -> bytes | None:
        """An object, if it is kept."""
        return self._objects.get(key)

    def keep(self, key: str, data: bytes) -> None:
        """Keep an object, unless it is too large, or staged: a staged object may be overwritten."""
        if len(data) * MAX_SHARE <= self._max_bytes and not is_staged(key):
            self._objects[key] = data

    def forget(self, key: str) -> None:
        """Drop an object that was deleted."""
        self._objects.pop(key, None)
