"""Time, always passed as an argument: seconds since the epoch, UTC."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

Clock = Callable[[], float]


def iso(at: float) -> str:
    """An instant as the API writes it: ISO 8601, UTC, milliseconds."""
    ms = int(at * 1000)
    return f"{_to_the_second(ms // 1000)}.{ms % 1000:03d}Z"


@lru_cache(maxsize=4096)
def _to_the_second(at: int) -> str:
    """Cached, because an export formats the same seconds again and again."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")
