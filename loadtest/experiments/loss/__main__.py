"""`python -P -m loadtest.experiments.loss`: goodput, throughput, accuracy and job time over packet loss."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from loadtest import command
from loadtest.experiments.loss.experiment import MODES, Experiment, experiment
from loadtest.experiments.loss.link import Link, declare, link
from loadtest.experiments.loss.report import PUBLISHED, Figures, figures, report
from loadtest.pictures import own, sampled
from loadtest.platform_process import working_folder
from loadtest.report import write
from quorate.errors import QuorateError

CLIENTS = 64
"""About as many jobs as the published goodput and job time without loss had under way: 21.13/s times 3.13 s."""


def main() -> int:
    """Measure; returns the exit status."""
    parser = _parser()
    options = parser.parse_args()
    if unknown := set(options.modes.split(",")) - {mode.key for mode in MODES}:
        parser.error(f"no such mode: {', '.join(sorted(unknown))}")
    if bool(options.model) != bool(options.pictures):
        parser.error("--model and --pictures go together")
    return command.run("loss", lambda: _run(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="loadtest.experiments.loss", description=__doc__)
    parser.add_argument("--images", type=int, default=100, help="jobs for each rate")
    parser.add_argument("--rates", type=_rates, default=list(PUBLISHED), help="loss rates, 0 to 1, between commas")
    parser.add_argument(
        "--modes",
        default=",".join(mode.key for mode in MODES),
        help="task: upload and ask for the label; job: submit a job and ask for its classes; once: as task, without "
        "retries; direct: detection requests; oneway, jobway: as task or job, but only what the client sends is lost",
    )
    parser.add_argument("--clients", type=int, default=CLIENTS, help="jobs under way at a time")
    parser.add_argument("--timeout", type=float, default=3.0, help="how long a client waits for an answer, in seconds")
    parser.add_argument("--limit", type=float, default=120.0, help="the longest that one rate may take, in seconds")
    parser.add_argument("--mbit", type=float, help="limit the link, in Mbit/s each way")
    parser.add_argument("--model", help="a model by path or name, instead of the tiny one; with --pictures")
    parser.add_argument("--pictures", type=Path, help="a folder of pictures, instead of samples; with --model")
    parser.add_argument("--side", type=int, default=0, help="of those, only pictures with a side of so many pixels")
    parser.add_argument("--out", type=Path, default=Path("loadtest/results/loss"), help="where the report goes")
    declare(parser)
    return parser


def _rates(text: str) -> list[float]:
    rates = [float(rate) for rate in text.split(",")]
    if not all(0 <= rate < 1 for rate in rates):
        raise argparse.ArgumentTypeError("rates go from 0 to less than 1")
    return rates


def _run(options: argparse.Namespace) -> int:
    """Everything again in the client's network namespace."""
    if options.client_namespace:
        return _measure(options, Link(client=options.client_namespace, server=options.server_namespace))
    with link(options.mbit) as made:
        return made.run_again("loadtest.experiments.loss", namespace=made.client)


def _measure(options: argparse.Namespace, made: Link) -> int:
    given = {"clients": options.clients, "timeout_s": options.timeout, "limit_s": options.limit}
    rows: list[Figures] = []
    failures: list[str] = []
    runs = [(mode, rate) for mode in MODES if mode.key in options.modes.split(",") for rate in options.rates]
    with working_folder("loss") as folder:
        count, drawn = options.images, folder / "pictures"
        pictures = (
            own(options.pictures, count, options.model, side=options.side) if options.model else sampled(drawn, count)
        )
        with experiment(made, pictures, folder, options.clients) as running:
            told = _told(options, running)
            for mode, rate in runs:
                try:
                    outcome = running.run(mode, rate, **given)
                except QuorateError as failed:
                    failures.append(f"{mode.name}, loss {rate}: {failed}")
                    print(failures[-1], flush=True)
                else:
                    rows.append(figures(mode.name, rate, outcome, running.truth))
                    print(rows[-1], flush=True)
    print(f"written to {write(report(rows, [*told, *failures]), options.out)}")
    return 1 if failures else 0


def _told(options: argparse.Namespace, made: Experiment) -> Sequence[str]:
    sizes = sorted((made.pictures.folder / name).stat().st_size for name in made.labels)
    truth = "the known labels" if made.pictures.truth is not None else "what the model answers without loss"
    setting = (
        f"{len(made.labels)} images a rate, {options.clients} clients at a time, client time-out {options.timeout:g} "
        f"s, at most {options.limit:g} s a rate. Each packet of either "
        "direction is lost with the given probability, unless a table says otherwise, and nothing delays those that "
        "arrive" + (f"; the link carries {options.mbit:g} Mbit/s each way." if options.mbit else ".")
    )
    accuracy = (
        f"Pictures of {sizes[0]:,} to {sizes[-1]:,} bytes, {len(set(made.labels.values()))} labels. Accuracy is the "
        f"share of finished jobs whose label is right by {truth}: other than the published one, it says nothing about "
        "the model, only that loss does not change answers."
    )
    terms = (
        "A job of a task: upload the picture, then ask until the detector has labeled it; of the paths of jobs: submit "
        "it, then ask for its classes. Without retries, a request "
        "that gets no answer ends the job. Goodput counts finished jobs, throughput submissions that got any answer; "
        "both are per second from the first job's start to the last one's end. Lost images were acknowledged, and had "
        "no result in the end."
    )
    return [setting, accuracy, terms]


if __name__ == "__main__":
    sys.exit(main())
