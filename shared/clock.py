"""Time, always passed as an argument: seconds since the epoch, UTC."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], float]


def iso(at: float) -> str:
    """An instant as the API writes it: ISO 8601, UTC, milliseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
