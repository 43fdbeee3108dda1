"""Which request or event the present work belongs to: a W3C trace context that travels with every event."""

import random
import re
from contextvars import ContextVar

_traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)
_random = random.Random()  # noqa: S311 - ids, not secrets; seeded by the system
_FORM = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def random_hex(size_bytes: int) -> str:
    """An id that nobody else has; not for secrets. It makes no system call, which would cost on every request."""
    return _random.getrandbits(8 * size_bytes).to_bytes(size_bytes).hex()


def current() -> str | None:
    """The trace context of the present work, if it has one."""
    return _traceparent.get()


def enter(traceparent: str | None) -> str:
    """Go on with the trace that came along, or begin one where none came or it makes no sense."""
    if traceparent is None or not _FORM.fullmatch(traceparent):
        traceparent = f"00-{random_hex(16)}-{random_hex(8)}-01"
    _traceparent.set(traceparent)
    return traceparent
