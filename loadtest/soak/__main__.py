"""`python -P -m loadtest.soak --profile embedded|distributed --seconds N`: a steady pace, and what grows meanwhile."""

import argparse
import sys
from pathlib import Path

from loadtest import command
from loadtest.command import BUILD
from loadtest.errors import MeasurementFailed
from loadtest.people import summary
from loadtest.people.comparison import compare
from loadtest.people.options import Options
from loadtest.people.run import run
from loadtest.platform_process import working_folder
from loadtest.report import Verdict, write
from loadtest.soak.platforms import PROFILES
from loadtest.soak.report import Soak, report
from loadtest.soak.watcher import Watcher

OUT = BUILD / "soak"
LOOKS = 300
LEAST_EVERY_S = 2.0
"""About so many looks in a run, and no more often than this."""


def main() -> int:
    """0 where nothing grows without a bound and the load went well, else 1; 3 where it could not be measured."""
    parser = argparse.ArgumentParser(prog="loadtest.soak", description=__doc__)
    parser.add_argument("--profile", choices=PROFILES, default="embedded")
    parser.add_argument("--seconds", type=float, default=1800.0, help="how long people work")
    parser.add_argument("--clients", type=int, default=2, help="that make a task of 5 pictures every 5 s each")
    parser.add_argument("--operators", type=int, default=6, help="that vote on 5 pictures every 4 s each")
    parser.add_argument("--out", type=Path, help="where it is written, else build/soak/PROFILE")
    given = parser.parse_args()
    return command.run("soak", lambda: _run(given, given.out or OUT / given.profile), failed=3)


def _run(given: argparse.Namespace, out: Path) -> int:
    out.mkdir(parents=True, exist_ok=True)
    every_s = max(LEAST_EVERY_S, given.seconds / LOOKS)
    load = _load(given)
    with working_folder("soak") as folder, PROFILES[given.profile](folder) as soaked:
        with Watcher(soaked.looks, every_s, out / "samples.csv") as watcher:
            statistics = run(soaked.url, load, out / "load")
        comparison = compare(soaked.url, statistics.acts)
    told = summary.report(statistics, load, comparison=comparison)
    write(told, out / "load/report")
    found = report(
        Soak(
            profile=given.profile,
            seconds=given.seconds,
            samples=watcher.samples,
            failed_looks=watcher.failed,
            load=_verdict(told.verdict),
        )
    )
    page = write(found, out)
    print("\n".join(_verdict(found.verdict).lines()), page, sep="\n\n")
    return 0 if _verdict(found.verdict).is_well else 1


def _load(given: argparse.Namespace) -> Options:
    """As many votes as images need, and every task erased once its results were fetched: so no data has to grow."""
    return Options(
        shape="soak",
        minutes=given.seconds / 60,
        clients=given.clients,
        operators=given.operators,
        client_pause=5.0,
        operator_pause=4.0,
        votes=2,
        erase_share=1.0,
        adjudicate_share=1.0,
    )


def _verdict(of: Verdict | None) -> Verdict:
    if of is None:
        raise MeasurementFailed("a report without a verdict")
    return of


if __name__ == "__main__":
    sys.exit(main())
