"""The request or event that the current task works on: ids for the logs, and a W3C trace context for every event."""

import random
import re
from contextvars import ContextVar

_ids: ContextVar[dict[str, str] | None] = ContextVar("ids", default=None)
_random = random.Random()  # noqa: S311 - ids, not secrets; seeded by the system
_FORM = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def random_hex(size_bytes: int) -> str:
    """A unique id, not for secrets. It makes no system call, which every request would pay for."""
    return _random.getrandbits(8 * size_bytes).to_bytes(size_bytes).hex()


def enter(traceparent: str | None, **ids: str) -> None:
    """Continue the trace of a request or event, or begin one; `ids` (of request, task, subtask) go into every log."""
    if traceparent is None or not _FORM.fullmatch(traceparent):
        drawn = random_hex(24)
        traceparent = f"00-{drawn[:32]}-{drawn[32:]}-01"
    _ids.set({"traceparent": traceparent, **ids})


def follow(traceparent: str) -> None:
    """Continue as a span within the trace; the ids stay."""
    _ids.set({**ids(), "traceparent": traceparent})


def current() -> str | None:
    """The current trace context, if there is one."""
    return ids().get("traceparent")


def ids() -> dict[str, str]:
    """The ids of the current request or event."""
    return _ids.get() or {}
