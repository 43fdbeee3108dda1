"""Which request or event the present work belongs to: a W3C trace context that travels with every event."""

import re
import secrets
from contextvars import ContextVar

_traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)
_FORM = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def current() -> str | None:
    """The trace context of the present work, if it has one."""
    return _traceparent.get()


def enter(traceparent: str | None) -> str:
    """Go on with the trace that came along, or begin one where none came or it makes no sense."""
    if traceparent is None or not _FORM.fullmatch(traceparent):
        traceparent = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
    _traceparent.set(traceparent)
    return traceparent
