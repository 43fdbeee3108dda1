"""What a line of the logs says."""

import json
import logging
import subprocess
import sys
from pathlib import Path

from shared.telemetry import trace
from shared.telemetry.logs import JsonLines

ROOT = Path(__file__).parents[2]
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


def test_what_was_given_with_a_message_is_told():
    line = json.loads(line_of("it failed", webhook="w-1", places=(1, 2), colour=_Odd(), color_message="\x1b[36mno"))
    assert line["webhook"] == "w-1"
    assert line["places"] == [1, 2]
    assert line["colour"] == "odd"
    assert "color_message" not in line


def test_a_library_s_colours_go_and_its_traceback_has_its_place():
    line = json.loads(line_of("\x1b[31mit failed\x1b[0m\nTraceback (most recent call last):\n  File x\nValueError: no"))
    assert line["event"] == "it failed"
    assert line["exception"] == "Traceback (most recent call last):\n  File x\nValueError: no"


def test_nobody_reads_the_login_of_a_url():
    line = line_of("no answer from amqp://quorate:s3cret@broker:5672/", url="mongodb://u:s3cret@a,b/?x")
    assert "s3cret" not in line
    assert json.loads(line)["event"] == "no answer from amqp://***@broker:5672/"


def test_warnings_of_python_are_lines_too():
    code = "import warnings; from shared.telemetry.logs import configure_logs as do; do('info'); warnings.warn('odd')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=ROOT)
    assert "odd" in json.loads(done.stderr)["event"]


class _Odd:
    def __str__(self) -> str:
        return "odd"
