"""`python -P -m loadtest.experiments.pods`: system D's table, into a folder."""

import argparse
import sys
from pathlib import Path

from loadtest import command
from loadtest.cgroups import demand, sweep
from loadtest.command import ASSETS, BUILD
from loadtest.experiments.fleet import clear
from loadtest.experiments.loss.link import SERVER_ADDRESS, Link, NoLink, declare, link
from loadtest.experiments.pods.report import Findings, report
from loadtest.experiments.pods.trial import Client, pods
from loadtest.report import write
from loadtest.samples import draw

NANO = ASSETS / "models/yolox/yolox_nano.onnx"
FOLDER = BUILD / "experiments/pods"


def main() -> int:
    options = _options()
    return command.run("experiment failed", lambda: _run(options))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="loadtest.experiments.pods", description=__doc__)
    parser.add_argument("--replicas", type=command.numbers, default=[1, 2, 4, 8], metavar="1,2,4,8")
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("loadtest/results/pods"))
    parser.add_argument("--hold-s", type=float, default=8.0, help="how long all users of a try stay")
    parser.add_argument("--most-users", type=int, default=1024)
    parser.add_argument("--longest-s", type=float, default=240.0, help="of one search")
    parser.add_argument("--longest-spawn-s", type=float, default=60.0, help="of the joining before a measurement")
    parser.add_argument("--timeout-s", type=float, default=10.0, help="of a request")
    parser.add_argument("--far-mbit", type=float, default=100.0, help="rate of the far client's link")
    parser.add_argument("--far-loss", type=float, default=0.001, help="share of packets that it loses")
    parser.add_argument("--no-far", metavar="WHY", default="", help="leave the far client out, for this reason")
    declare(parser)
    return parser.parse_args()


def _run(options: argparse.Namespace) -> int:
    """Everything again in the server's network namespace, so that the pods are at the far end of a link."""
    demand()
    if options.client_namespace or options.no_far:
        return _measure(options)
    try:
        with link(options.far_mbit) as made:
            made.lose(options.far_loss)
            return made.run_again("loadtest.experiments.pods", namespace=made.server)
    except NoLink as reason:
        print(f"no far client: {reason}", flush=True)
        options.no_far = str(reason)
        return _measure(options)


def _measure(options: argparse.Namespace) -> int:
    clear(FOLDER)
    sweep()  # once more: what was just ended was still in its groups
    model = command.detector_model(NANO, FOLDER / "model")
    pictures = command.detector_pictures(_drawn)
    clients = [Client(name="near")]
    if options.client_namespace:
        far = Link(client=options.client_namespace, server=options.server_namespace)
        clients.append(Client(name="far", host=SERVER_ADDRESS, inside=far.inside_client([])))
    host = clients[1].host if len(clients) > 1 else None
    findings = Findings(options=options, model=Path(model).stem)
    for replicas in options.replicas:
        print(f"{replicas} pods", flush=True)
        with pods(replicas, model, pictures, options, folder=FOLDER, host=host) as up:
            trials = [(client, 1 + run) for run in range(options.repeat) for client in clients]
            findings.outcomes += [up.trial(client, repeat) for client, repeat in trials]
            findings.peaks_mib[replicas] = up.peak_mib()
            findings.deaths += up.supervisor.deaths()
        print(f"written to {write(report(findings), options.out)}, as far as it has come", flush=True)
    return 0


def _drawn() -> Path:
    draw(FOLDER / "pictures", 128, seed=1)
    return FOLDER / "pictures"


if __name__ == "__main__":
    sys.exit(main())
