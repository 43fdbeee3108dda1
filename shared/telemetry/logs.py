"""Structured logs: one JSON object a line, with the ids of the request, task and subtask that are worked on."""

import json
import logging
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from shared.telemetry import trace

OF_A_RECORD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "color_message"}
"""What records have of themselves (the last one of uvicorn's); whatever else one has was given to it."""
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LOGIN = re.compile(r"//[^/@\s]*@")
"""The user and password of a URL."""
_TRACEBACK = "\nTraceback (most recent call last)"


class JsonLines(logging.Formatter):
    """What a record says, when, and of what, with all that was given to it; `exception` is its traceback, where it has
    one, also one that a library wrote into its message."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        event, began, rest = _COLOUR.sub("", record.getMessage()).partition(_TRACEBACK)
        given = {name: value for name, value in record.__dict__.items() if name not in OF_A_RECORD}
        line: dict[str, Any] = {
            **given,
            **trace.ids(),
            "event": event,
            "level": record.levelname.lower(),
            "logger": record.name,
            "timestamp": at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        elif began:
            line["exception"] = (began + rest).lstrip()
        return _LOGIN.sub("//***@", json.dumps(line, default=str))


def say(texts: Sequence[str]) -> None:
    """Say to whoever started the process how to go on: on standard output, to people in words, and as lines of JSON
    where something else reads them, because that may read the logs from the same place. They are written at once: who
    has read the first has the others."""
    if not sys.stdout.isatty():
        texts = [_line(text) for text in texts]
    print("\n".join(texts), flush=True)  # noqa: T201


def _line(text: str) -> str:
    return JsonLines().format(logging.makeLogRecord({"name": __name__, "levelname": "INFO", "msg": text}))


def configure_logs(level: str) -> None:
    """Send every log of the process, structured, to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(True)
