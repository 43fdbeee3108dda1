"""`python -P -m loadtest.experiments.pyramid`: system A's load test on fleets that a local autoscaler scales."""

import argparse
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from loadtest import command
from loadtest.cgroups import demand
from loadtest.command import BUILD
from loadtest.experiments.pyramid.audit import audit
from loadtest.experiments.pyramid.lease_monitor import LeaseMonitor
from loadtest.experiments.pyramid.platform import SERVICES, ScaledPlatform, Scaling, scaled_platform
from loadtest.experiments.pyramid.report import MINUTES, Findings, goals, report
from loadtest.people.options import PLAIN, Drop, Options
from loadtest.people.run import run
from loadtest.report import write

FOLDER = BUILD / "experiments/pyramid"
RECORDS = BUILD / "experiments/pyramid-load"
"""Every single request: too much for the results."""
TOP = 0.45
"""Where in the run operators vanish and a replica is killed: early in the highest steps."""
KILLED = "subtask_manager"
KILLED_AFTER_S = 2.0
LOOK_S = 1.0


def main() -> int:
    """0 where it was measured, whether or not the goals were met; 1 where it could not be."""
    options = _options()
    return command.run("experiment failed", lambda: _conclude(_measure(options), options.out))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="loadtest.experiments.pyramid", description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES, help="shorter: everything goes faster")
    parser.add_argument("--clients", type=int, default=15)
    parser.add_argument("--operators", type=int, default=10)
    parser.add_argument("--metric", choices=["cpu", "queue"], default="cpu")
    parser.add_argument("--messages", type=float, default=20.0, help="that may wait for each replica, by queue")
    parser.add_argument("--cpu", type=float, metavar="CORES", help="that each pod requests, else as in its manifest")
    parser.add_argument("--least", type=int, metavar="N", help="least replicas, else as in the manifest")
    parser.add_argument("--kill", type=float, metavar="SHARE", help="of the operators; and one replica")
    parser.add_argument("--lease-s", type=float, default=30.0, help="how long leases last with --kill")
    parser.add_argument("--after-s", type=float, default=300.0, help="at most, to see replicas fall")
    parser.add_argument("--out", type=Path, default=Path("loadtest/results/pyramid"))
    return parser.parse_args()


def _conclude(findings: Findings, out: Path) -> int:
    for goal, measured, is_met in goals(findings):
        print(f"{'met' if is_met else 'MISSED':8}{goal}: {measured}")
    print(f"\n{write(report(findings), out)}")
    return 0


def _measure(options: argparse.Namespace) -> Findings:
    demand()
    load = Options(
        clients=options.clients,
        operators=options.operators,
        minutes=options.minutes,
        **PLAIN,
        votes=1 if options.kill else None,  # so that a subtask has one place: it is free only when its lease has ended
        drop_operators=Drop(share=options.kill, at_s=60 * TOP * options.minutes) if options.kill else None,
    )
    scaling = Scaling(
        request_cores=options.cpu,
        least=options.least,
        queue_messages=options.messages if options.metric == "queue" else None,
        hastened=MINUTES / options.minutes,
    )
    settings = {"QUORATE_LEASE_S": str(options.lease_s)} if options.kill else {}
    with scaled_platform(FOLDER, scaling, settings) as platform, LeaseMonitor(platform.url, RECORDS) as monitor:
        with _killing(platform, load.drop_operators) if load.drop_operators else nullcontext():
            statistics = run(platform.url, load, RECORDS)
        print("the load has ended; now replicas may fall", flush=True)
        until = time.monotonic() + options.after_s
        while not platform.is_at_rest() and time.monotonic() < until:
            platform.supervisor.sleep(LOOK_S)
        found = None
        if options.kill:
            # When the monitor is done, all other leases are over as well, and no event is under way.
            monitored_s = monitor.done_at() - time.time()
            platform.supervisor.sleep(max(options.lease_s, monitored_s) + LOOK_S)
            platform.settle()
            found = audit(platform.url, statistics, monitor.orphans)
        supervisor = platform.supervisor
    return Findings(
        statistics=statistics,
        options=load,
        observed=[one.since(statistics.begun_at) for one in supervisor.observed],
        where=_where(options, scaling),
        audit=found,
        deaths=supervisor.deaths(),
    )


@contextmanager
def _killing(platform: ScaledPlatform, drop: Drop) -> Iterator[None]:
    """One replica is killed when operators have begun to vanish."""
    timer = threading.Timer(drop.at_s + KILLED_AFTER_S, platform.kill_one, [KILLED])
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _where(options: argparse.Namespace, scaling: Scaling) -> Sequence[str]:
    """The fleets and what scaled them."""
    pods = {service: (scaling.resources(service), scaling.hpa(service)) for service in SERVICES}
    told = "; ".join(
        f"{service}: request {pod.request_cores:g} cores, limit {pod.limit_cores or 'none'} cores and "
        f"{pod.limit_bytes // 2**20} MiB, {hpa.least} to {hpa.most} replicas"
        for service, (pod, hpa) in pods.items()
    )
    metric = (
        f"{options.messages:g} messages waiting in its queues for each replica"
        if options.metric == "queue"
        else "the processor time of its pods, as a share of their request"
    )
    fleets = (
        "Each replica is a process in a control group of its own, behind nginx, on real servers, all on this machine. "
        f"{told}. System A's pods requested 0.1 cores."
    )
    scaler = (
        "A local autoscaler reads the manifests in deploy/k8s/base and follows the algorithm of Kubernetes; its metric "
        f"is {metric}. The run takes {options.minutes:g} minutes, the published one took {MINUTES:g}: steps, the "
        f"autoscaler's looks and its windows are {scaling.hastened:g} times shorter, pauses between iterations are not."
    )
    return [fleets, scaler]


if __name__ == "__main__":
    sys.exit(main())
