"""`python -P -m loadtest.people --url URL --shape pyramid|steps|spike|soak ... --out DIR [--web]`."""

import argparse
import math
import os
import sys
from pathlib import Path

from loadtest import command
from loadtest.people import summary
from loadtest.people.about import About, look, without_secrets
from loadtest.people.comparison import compare
from loadtest.people.options import Options, declare
from loadtest.people.run import run, run_with_page
from loadtest.people.statistics import Statistics
from loadtest.report import write
from quorate.connection import check_url

OUT = Path("build/loadtest")
WEB_PORT = 8089
FAILED = 3


def main() -> int:
    """Run, write records, CSVs and the report; 1 where it did not go well, 3 where the run itself failed."""
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
    return command.run("load test", lambda: _measure(options, given), failed=FAILED)


def _measure(options: Options, given: argparse.Namespace) -> int:
    before = look(given.url)
    found = _run(given, options)
    about = About(url=without_secrets(given.url), before=before, after=look(given.url))
    return _conclude(found, about, options, given)


def _conclude(found: Statistics, about: About, options: Options, given: argparse.Namespace) -> int:
    comparison = compare(given.url, found.acts) if options.compare and options.clients else None
    report = summary.report(found, options, about=about, comparison=comparison, sampled=given.sampled)
    page = write(report, given.out / "report")
    assert report.verdict is not None  # noqa: S101 - a run's report has one
    print("\n".join(report.verdict.lines()), end="\n\n")
    print(f"{'':46}{'count':>8}{'failed':>8}{'median':>9}{'p95':>9}{'p99':>9}{'max good':>9}  ms")
    for measure in ("iteration", "call"):
        for name in found.names(measure):
            of = found.entry(measure, name)
            print(f"{name:46}{of.count:8}{of.failures:8}{''.join(map(_ms, (of.p50, of.p95, of.p99, of.max)))}")
    print(f"\n{page}")
    return 0 if report.verdict.is_well else 1


def _ms(time_ms: float) -> str:
    return f"{'never':>9}" if math.isinf(time_ms) else f"{time_ms:9.1f}"


def _run(given: argparse.Namespace, options: Options) -> Statistics:
    if not given.web:
        return run(given.url, options, given.out)
    print(f"Start the run on http://127.0.0.1:{given.web_port}; Ctrl-C ends it and writes the report.", flush=True)
    return run_with_page(given.url, options, given.out, given.web_port)


if __name__ == "__main__":
    sys.exit(main())
