"""A run from Python: Locust as a process of its own, because it changes how sockets and threads work in its process."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import fields, replace
from pathlib import Path

from loadtest.errors import MeasurementFailed
from loadtest.people.options import Options
from loadtest.people.statistics import Statistics, read
from quorate.connection import check_url

LOCUSTFILE = Path(__file__).parents[1] / "locustfile.py"
LOG, RUN = "locust.log", "run.json"
FINISH_S = 40
"""How long people may take at the end for what they have begun: longer than a request may take."""
START_S, END_S = 60.0, 20.0
TABLES = "Type "
"""What Locust's tables begin with; what went wrong stands before them."""
TAIL_LINES = 12


def run(url: str, options: Options, folder: Path) -> Statistics:
    """Run headless against a platform, write records into the folder, and return what they say.

    Failed requests are no error here: they are in the statistics. Raises ValueError for what is no URL, and
    MeasurementFailed where Locust itself fails, or takes a minute longer than it should. It is ended in any case.
    """
    with _locust(url, options, folder, "--headless", "--only-summary", "--exit-code-on-error", "0") as process:
        try:
            code = process.wait(START_S + options.duration_s + FINISH_S + END_S)
        except subprocess.TimeoutExpired:
            raise MeasurementFailed(f"Locust did not end in time:\n{_tail(folder / LOG)}") from None
    if code != 0:
        raise MeasurementFailed(f"Locust exited with {code}:\n{_tail(folder / LOG)}")
    return read(folder)


def run_with_page(url: str, options: Options, folder: Path, port: int) -> Statistics:
    """The same with Locust's page on loopback, where you start the run, until Ctrl-C or until Locust ends."""
    page = ("--web-host", "127.0.0.1", "--web-port", str(port))
    with _locust(url, options, folder, *page) as process, suppress(KeyboardInterrupt):
        process.wait()
    return read(folder)


@contextmanager
def _locust(url: str, options: Options, folder: Path, *arguments: str) -> Generator[subprocess.Popen[bytes]]:
    """Locust, which says into a log what it does; ended in order when the block ends."""
    check_url(url)
    folder.mkdir(parents=True, exist_ok=True)
    said = {each.name: getattr(options, each.name) for each in fields(options)}
    (folder / RUN).write_text(json.dumps(said, indent=1, default=str) + "\n", encoding="utf-8")
    locust = [sys.executable, "-P", "-m", "locust", "-f", str(LOCUSTFILE), "--host", url]
    told = [*replace(options, records=folder).arguments(), "--stop-timeout", str(FINISH_S)]
    with (folder / LOG).open("wb") as log:
        process = subprocess.Popen(
            [*locust, *told, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")},
            start_new_session=True,  # Ctrl-C is for us, who then end it in order
        )
        try:
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it with all that it started, if it has not ended."""
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        os.killpg(process.pid, signal_number)
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            continue


def _tail(log: Path) -> str:
    said = log.read_text(encoding="utf-8", errors="replace").split(f"\n{TABLES}")[0]
    return "\n".join(said.splitlines()[-TAIL_LINES:])
