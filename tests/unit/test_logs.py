"""What a line of the logs says."""

import json
import logging
import sys

from shared.telemetry import trace
from shared.telemetry.logs import JsonLines

AT = 1_700_000_000.25


def line_of(message: str, *args: object, **fields: object) -> str:
    record = logging.LogRecord("shared.part", logging.WARNING, __file__, 1, message, args, None)
    record.created = AT
    record.__dict__.update(fields)
    return JsonLines().format(record)


def test_a_record_is_one_json_object_on_one_line():
    trace.enter("00-" + 32 * "a" + "-" + 16 * "b" + "-01", request_id="r-1")
    line = line_of("two\nlines of %s, and \udc80", "<x>")
    assert "\n" not in line
    assert json.loads(line) == {
        "traceparent": "00-" + 32 * "a" + "-" + 16 * "b" + "-01",
        "request_id": "r-1",
        "event": "two\nlines of <x>, and \udc80",
        "level": "warning",
        "logger": "shared.part",
        "timestamp": "2023-11-14T22:13:20.250000Z",
    }


def test_a_failure_has_its_traceback():
    try:
        int("no")
    except ValueError:
        line = line_of("it failed", exc_info=sys.exc_info())
    assert json.loads(line)["exception"].splitlines()[-1].startswith("ValueError: invalid literal")
