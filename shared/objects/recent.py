"""A cache of the objects used last. Images never change, so it is never stale."""

from collections import OrderedDict

from shared.objects.keys import is_staged

MAX_SHARE = 16
"""An object of more than 1/MAX_SHARE of the cache is not kept."""


class RecentObjects:
    """Objects of at most `max_bytes` together; the one used longest ago is dropped first."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._objects: OrderedDict[str, bytes] = OrderedDict()

    def get(self, key: str) -> bytes | None:
        """An object, if it is kept."""
        data = self._objects.get(key)
        if data is not None:
            self._objects.move_to_end(key)
        return data

    def keep(self, key: str, data: bytes) -> None:
        """Keep an object, unless it is too large, or staged: a staged object may be overwritten."""
        if len(data) * MAX_SHARE > self._max_bytes or is_staged(key):
            return
        self.forget(key)
        self._objects[key] = data
        self._bytes += len(data)
        while self._bytes > self._max_bytes:
            _, dropped = self._objects.popitem(last=False)
            self._bytes -= len(dropped)

    def forget(self, key: str) -> None:
        """Drop an object that was deleted."""
        self._bytes -= len(self._objects.pop(key, b""))
