"""The objects used last, in memory. Images never change, so what is kept is never stale."""

from collections import OrderedDict

from shared.objects.keys import is_staged

MAX_SHARE = 16
"""No object may take more than one part in so many of the room."""


class RecentObjects:
    """Objects of at most `max_bytes` together, the one used longest ago dropped first."""

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
        """Keep an object for a while, unless it is too large, or a staged one: that may be written again."""
        if len(data) * MAX_SHARE > self._max_bytes or is_staged(key):
            return
        self.forget(key)
        self._objects[key] = data
        self._bytes += len(data)
        while self._bytes > self._max_bytes:
            _, dropped = self._objects.popitem(last=False)
            self._bytes -= len(dropped)

    def forget(self, key: str) -> None:
        """An object is deleted."""
        self._bytes -= len(self._objects.pop(key, b""))
