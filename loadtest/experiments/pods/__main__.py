"""`python -P -m loadtest.experiments.pods`: system D's table, into a folder."""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from deploy.local.errors import ServerNotUp
from loadtest.bench.errors import BenchFailed
from loadtest.bench.platform_process import BUILD, ROOT
from loadtest.experiments.cgroups import NoCgroups, demand, sweep
from loadtest.experiments.fleet import clear
from loadtest.experiments.loss.link import SERVER_ADDRESS, Link, NoLink, link
from loadtest.experiments.pods.report import Findings, report
from loadtest.experiments.pods.trial import Client, Outcome, Plan, TrialFailed, pods
from loadtest.report import write
from loadtest.samples import draw, write_model

ASSETS = ROOT.parent / "shared/assets"
NANO = ASSETS / "models/yolox/yolox_nano.onnx"
PHOTOGRAPHS = ASSETS / "images/coco_val128"
FOLDER = BUILD / "experiments/pods"
TERMINATED = 143


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # so that what was started is ended
    try:
        demand()
        if options.client_namespace or options.no_far:
            return _measure(options)
        return _with_link(options)
    except (NoCgroups, ServerNotUp, TrialFailed, BenchFailed) as failed:
        print(f"experiment failed: {failed}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="loadtest.experiments.pods", description=__doc__)
    parser.add_argument("--replicas", type=_numbers, default=[1, 2, 4, 8], metavar="1,2,4,8")
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
    parser.add_argument("--client-namespace", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _with_link(options: argparse.Namespace) -> int:
    """Everything again in the server's network namespace, so that the pods are at the far end of a link."""
    try:
        with link(options.far_mbit) as made:
            made.lose(options.far_loss)
            return _inside(made)
    except NoLink as reason:
        print(f"no far client: {reason}", flush=True)
        options.no_far = str(reason)
        return _measure(options)


def _inside(made: Link) -> int:
    # Not `ip netns exec`, which mounts another /sys, without control groups.
    # It ends with this process, however that ends.
    enter = ["setpriv", "--pdeathsig", "TERM", "nsenter", f"--net=/run/netns/{made.server}"]
    command = [sys.executable, "-P", "-m", "loadtest.experiments.pods", *sys.argv[1:]]
    process = subprocess.Popen([*enter, *command, "--client-namespace", made.client], start_new_session=True)
    try:
        return process.wait()
    finally:
        process.terminate()
        process.wait()


def _measure(options: argparse.Namespace) -> int:
    clear(FOLDER)
    sweep()  # once more: what was just ended was still in its groups
    plan = Plan(
        model=_model(),
        pictures=_pictures(),
        folder=FOLDER,
        hold_s=options.hold_s,
        most_users=options.most_users,
        longest_s=options.longest_s,
        longest_spawn_s=options.longest_spawn_s,
        timeout_s=options.timeout_s,
    )
    clients = [Client(name="near")]
    if options.client_namespace:
        far = Link(client=options.client_namespace, server="")
        clients.append(Client(name="far", host=SERVER_ADDRESS, inside=far.inside_client([])))
    findings = Findings(outcomes=[], peaks_mib={}, deaths=0, far=_far(options), no_far=options.no_far)
    for replicas in options.replicas:
        findings = _add(findings, replicas, plan, clients, options.repeat)
        page = write(report(findings, plan, Path(plan.model).stem), options.out)
        print(f"written to {page}, as far as it has come", flush=True)
    return 0


def _add(findings: Findings, replicas: int, plan: Plan, clients: Sequence[Client], repeats: int) -> Findings:
    print(f"{replicas} pods", flush=True)
    with pods(replicas, plan, host=clients[-1].host if len(clients) > 1 else None) as up:
        outcomes: list[Outcome] = [up.trial(client, 1 + run) for run in range(repeats) for client in clients]
        return replace(
            findings,
            outcomes=[*findings.outcomes, *outcomes],
            peaks_mib={**findings.peaks_mib, replicas: max(up.peak_mib())},
            deaths=findings.deaths + up.deaths(),
        )


def _far(options: argparse.Namespace) -> str:
    if not options.client_namespace:
        return ""
    return (
        f"The near client is in the network namespace of the pods, the far one in another, at the end of a link of "
        f"{options.far_mbit:g} Mbit/s in each direction that loses {options.far_loss:.1%} of the packets; it adds no "
        "delay of its own, for which this kernel has no means."
    )


def _model() -> str:
    if named := os.environ.get("MODEL", ""):
        return str(Path(named).resolve()) if Path(named).exists() else named
    return str(NANO if NANO.exists() else write_model(FOLDER / "model"))


def _pictures() -> Path:
    if named := os.environ.get("PICTURES", ""):
        return Path(named).resolve()
    if PHOTOGRAPHS.is_dir():
        return PHOTOGRAPHS
    draw(FOLDER / "pictures", 128, seed=1)
    return FOLDER / "pictures"


if __name__ == "__main__":
    sys.exit(main())
