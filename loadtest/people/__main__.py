"""`python -P -m loadtest.people --url URL --shape pyramid|steps|spike|soak ... --out DIR [--web]`."""

import argparse
import os
import sys
from pathlib import Path

from loadtest import command
from loadtest.people import summary
from loadtest.people.options import Options, declare
from loadtest.people.run import run, run_with_page
from loadtest.people.statistics import Statistics
from loadtest.report import write
from quorate.connection import check_url

OUT = Path("build/loadtest")
WEB_PORT = 8089
FAILED = 3


def main() -> int:
    """Run, write records, CSVs and the report; 1 where a request failed for good, 3 where the run itself did."""
    parser = argparse.ArgumentParser(prog="loadtest.people", description="Let people use a platform, and report on it.")
    parser.add_argument("--url", required=True, help="base URL of the platform")
    parser.add_argument("--out", type=Path, default=OUT, metavar="FOLDER", help="where it is written")
    parser.add_argument("--web", action="store_true", help="with Locust's page, where you start and stop the run")
    parser.add_argument("--web-port", type=int, default=WEB_PORT, metavar="N")
    parser.add_argument(
        "--sampled", type=Path, action="append", default=[], metavar="CSV", help="more to plot: columns time,<name>..."
    )
    declare(parser.add_argument, without={"records"})  # they go where --out says
    given = parser.parse_args()
    try:
        check_url(given.url)
        options = Options.of(given, os.environ)
    except ValueError as error:
        parser.error(str(error))
    return command.run("load test", lambda: _conclude(_run(given, options), options, given), failed=FAILED)


def _conclude(found: Statistics, options: Options, given: argparse.Namespace) -> int:
    page = write(summary.report(found, options, sampled=given.sampled), given.out / "report")
    print(f"{'':34}{'count':>8}{'failed':>8}{'median':>9}{'p95':>9}{'p99':>9}{'max':>9}  ms")
    for measure in ("iteration", "call"):
        for name in found.names(measure):
            of = found.entry(measure, name)
            print(f"{name:34}{of.count:8}{of.failures:8}{of.p50:9.1f}{of.p95:9.1f}{of.p99:9.1f}{of.max:9.1f}")
    print(f"\n{page}")
    return 1 if found.failures else 0


def _run(given: argparse.Namespace, options: Options) -> Statistics:
    if not given.web:
        return run(given.url, options, given.out)
    print(f"Start the run on http://127.0.0.1:{given.web_port}; Ctrl-C ends it and writes the report.", flush=True)
    return run_with_page(given.url, options, given.out, given.web_port)


if __name__ == "__main__":
    sys.exit(main())
