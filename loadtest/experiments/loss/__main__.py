"""`python -P -m loadtest.experiments.loss`: goodput, throughput, accuracy and job time over packet loss."""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from deploy.local.errors import ServerNotUp
from loadtest.bench.errors import BenchFailed
from loadtest.bench.platform_process import data_folder
from loadtest.experiments.loss.experiment import MODES, Experiment, NothingSeen, Plan, experiment
from loadtest.experiments.loss.figures import Figures, report, shown
from loadtest.experiments.loss.link import NoLink, link
from loadtest.experiments.loss.pictures import Pictures, own, sampled
from loadtest.experiments.loss.published import published
from loadtest.experiments.loss.runs import RunFailed
from loadtest.report import write

INTERRUPTED = 130
CLIENTS = 64
"""About as many jobs as the published goodput and job time without loss had under way: 21.13/s times 3.13 s."""


def main() -> int:
    """Measure; returns the exit status."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends like Ctrl-C: the link is removed too
    parser = _parser()
    options = parser.parse_args()
    if unknown := set(options.modes.split(",")) - {mode.key for mode in MODES}:
        parser.error(f"no such mode: {', '.join(sorted(unknown))}")
    if bool(options.model) != bool(options.pictures):
        parser.error("--model and --pictures go together")
    try:
        return _measure(options)
    except KeyboardInterrupt:
        print("loss: interrupted", file=sys.stderr)
        return INTERRUPTED
    except (NoLink, ServerNotUp, BenchFailed, NothingSeen, RunFailed, OSError, ValueError) as error:
        print(f"loss: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="loadtest.experiments.loss", description=__doc__)
    parser.add_argument("--images", type=int, default=100, help="jobs for each rate")
    parser.add_argument("--rates", type=_rates, default=list(published()), help="loss rates, 0 to 1, between commas")
    parser.add_argument(
        "--modes",
        default=",".join(mode.key for mode in MODES),
        help="task: upload and ask for the label; once: without retries; direct: detection requests; oneway: as task, "
        "while only what the client sends is lost",
    )
    parser.add_argument("--clients", type=int, default=CLIENTS, help="jobs under way at a time")
    parser.add_argument("--timeout", type=float, default=3.0, help="how long a client waits for an answer, in seconds")
    parser.add_argument("--limit", type=float, default=120.0, help="the longest that one rate may take, in seconds")
    parser.add_argument("--mbit", type=float, help="limit the link, in Mbit/s each way")
    parser.add_argument("--model", help="a model by path or name, instead of the tiny one; with --pictures")
    parser.add_argument("--pictures", type=Path, help="a folder of pictures, instead of samples; with --model")
    parser.add_argument("--out", type=Path, default=Path("loadtest/results/loss"), help="where the report goes")
    return parser


def _rates(text: str) -> list[float]:
    rates = [float(rate) for rate in text.split(",")]
    if not all(0 <= rate < 1 for rate in rates):
        raise argparse.ArgumentTypeError("rates go from 0 to less than 1")
    return rates


def _measure(options: argparse.Namespace) -> int:
    plan = Plan(
        modes=[mode for mode in MODES if mode.key in options.modes.split(",")],
        rates=options.rates,
        clients=options.clients,
        timeout_s=options.timeout,
        limit_s=options.limit,
    )
    rows: list[Figures] = []
    failures: list[str] = []
    with ExitStack() as stack:
        folder = stack.enter_context(data_folder("loss"))
        made = stack.enter_context(link(options.mbit))
        pictures = _pictures(options, folder / "pictures")
        at_work = stack.enter_context(experiment(made, pictures, folder / "data", options.clients))
        told = _told(plan, at_work, options.mbit)
        for row in at_work.rows(plan):
            if isinstance(row, str):
                failures.append(row)
            else:
                rows.append(row)
            print(row if isinstance(row, str) else shown(row), flush=True)
    print(f"written to {_written(rows, [*told, *failures], options.out)}")
    return 1 if failures else 0


def _written(rows: Sequence[Figures], paragraphs: Sequence[str], out: Path) -> Path:
    page = write(report(rows, paragraphs), out)
    (out / "rows.json").write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")
    return page


def _pictures(options: argparse.Namespace, folder: Path) -> Pictures:
    if options.pictures:
        return own(options.pictures, options.images, options.model)
    return sampled(folder, options.images)


def _told(plan: Plan, made: Experiment, mbit: float | None) -> list[str]:
    sizes = sorted((made.pictures.folder / name).stat().st_size for name in made.labels)
    truth = "the known labels" if made.pictures.truth is not None else "what the model answers without loss"
    setting = (
        f"{len(made.labels)} images a rate, {plan.clients} clients at a time, client time-out {plan.timeout_s:g} s, at "
        f"most {plan.limit_s:g} s a rate. Each packet of either "
        "direction is lost with the given probability, unless a table says otherwise, and nothing delays those that "
        "arrive" + (f"; the link carries {mbit:g} Mbit/s each way." if mbit else ".")
    )
    accuracy = (
        f"Pictures of {sizes[0]:,} to {sizes[-1]:,} bytes, {len(set(made.labels.values()))} labels. Accuracy is the "
        f"share of finished jobs whose label is right by {truth}: other than the published one, it says nothing about "
        "the model, only that loss does not change answers."
    )
    terms = (
        "A job of a task: upload the picture, then ask until the detector has labeled it. Without retries, a request "
        "that gets no answer ends the job. Goodput counts finished jobs, throughput submissions that got any answer; "
        "both are per second from the first job's start to the last one's end. Lost images were acknowledged, and had "
        "no result in the end."
    )
    return [setting, accuracy, terms]


if __name__ == "__main__":
    sys.exit(main())
