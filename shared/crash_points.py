"""Named places in the write paths at which tests kill the process. Outside of tests they do nothing."""

import os
import signal
from collections import Counter
from typing import Final

VARIABLE: Final = "QUORATE_CRASH_AT"
POINTS: Final = (
    "filesystem.before_rename",
    "filesystem.after_rename",
    "ingest.before_objects",
    "ingest.after_objects",
    "ingest.after_images",
    "import.before_cursor",
    "import.after_cursor",
    "sqlite.before_commit",
    "sqlite.after_commit",
    "mongo.before_save",
    "mongo.after_save",
    "mongo.after_insert",
    "relay.before_publish",
    "relay.after_publish",
    "relay.after_clear",
    "consumer.before_handler",
    "consumer.after_handler",
)
_passed: Counter[str] = Counter()


def reached(point: str) -> None:
    """Kill the process if the variable is `<point>`, or `<point>:<n>` and this is the n-th time."""
    wanted = os.environ.get(VARIABLE)
    if wanted is None:
        return
    name, _, times = wanted.partition(":")
    if name == point:
        _passed[point] += 1
        if _passed[point] >= int(times or 1):
            os.kill(os.getpid(), signal.SIGKILL)
