"""Structured logs: one JSON object a line, with the ids of the request, task and subtask that are worked on."""

import json
import logging
import sys
from datetime import UTC, datetime

from shared.telemetry import trace


class JsonLines(logging.Formatter):
    """What a record says, when, and of what; `exception` is its traceback, where it has one."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        line = {
            **trace.ids(),
            "event": record.getMessage(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "timestamp": at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def configure_logs(level: str) -> None:
    """Send every log of the process, structured, to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
