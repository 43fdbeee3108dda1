"""`python -P -m loadtest.experiments.pyramid`: system A's load test on fleets that a local autoscaler scales."""

import argparse
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from deploy.local.errors import ServerNotUp
from loadtest.bench.platform_process import BUILD
from loadtest.experiments.cgroups import NoCgroups, demand
from loadtest.experiments.hpa_manifest import BadManifest
from loadtest.experiments.pyramid import record
from loadtest.experiments.pyramid.audit import audit
from loadtest.experiments.pyramid.cluster import Cluster, NoCluster
from loadtest.experiments.pyramid.published import MINUTES
from loadtest.experiments.pyramid.report import Findings, goals, report
from loadtest.experiments.pyramid.stage import SERVICES, Scaling, Stage, stage
from loadtest.experiments.pyramid.witness import Witness
from loadtest.people.options import Drop, Options
from loadtest.people.run import LoadFailed, run
from loadtest.people.statistics import NoRecords
from loadtest.report import write
from quorate.errors import QuorateError

FOLDER = BUILD / "experiments/pyramid"
RECORDS = BUILD / "experiments/pyramid-load"
"""Every single request: too much for the results."""
TOP = 0.45
"""Where in the run operators vanish and a replica dies: early in the highest steps."""
DIES = "subtask_manager"
DIES_AFTER_S = 2.0
LOOK_S = 1.0
TERMINATED = 143


def main() -> int:
    """0 where it was played, whether or not the goals were met; 1 where it could not be."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # so that what was started is ended
    try:
        findings = _play(options)
    except (NoCgroups, NoCluster, ServerNotUp, BadManifest, LoadFailed, NoRecords, QuorateError) as failed:
        print(f"experiment failed: {failed}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    for goal, measured, is_met in goals(findings):
        print(f"{'met' if is_met else 'MISSED':8}{goal}: {measured}")
    print(f"\n{write(report(findings), options.out)}")
    return 0


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
    parser.add_argument("--kubectl", action="store_true", help="on the cluster of kubectl's context, with --url")
    parser.add_argument("--url", default="http://localhost:8080", help="of the platform in the cluster")
    parser.add_argument("--namespace", default="quorate")
    return parser.parse_args()


def _play(options: argparse.Namespace) -> Findings:
    load = Options(
        clients=options.clients,
        operators=options.operators,
        minutes=options.minutes,
        votes=1 if options.kill else None,  # so that a subtask has one place: it is free only when its lease has ended
        drop_operators=Drop(share=options.kill, at_s=60 * TOP * options.minutes) if options.kill else None,
    )
    seen = options.out / "fleets.csv"
    with _scene(options, seen) as scene, Witness(scene.url, RECORDS) as witness:
        with _killing(scene, load) if options.kill else nullcontext():
            statistics = run(scene.url, load, RECORDS)
        print("the load has ended; now replicas may fall", flush=True)
        _watch_fall(scene, options.after_s)
        found = None
        if options.kill:
            _let_leases_lapse(scene, witness, options.lease_s)
            found = audit(scene.url, statistics, witness.orphans)
        deaths = scene.deaths()
    rows = record.read(seen, statistics.begun_at)
    return Findings(statistics=statistics, options=load, rows=rows, where=_where(options), audit=found, deaths=deaths)


def _scaling(options: argparse.Namespace) -> Scaling:
    return Scaling(
        request_cores=options.cpu,
        least=options.least,
        queue_messages=options.messages if options.metric == "queue" else None,
        hastened=MINUTES / options.minutes,
    )


@contextmanager
def _scene(options: argparse.Namespace, seen: Path) -> Iterator[Stage | Cluster]:
    """The platform, local or in a cluster, and somebody who writes down its replicas."""
    if options.kubectl:
        with Cluster(options.url, options.namespace, seen) as cluster:
            yield cluster
        return
    demand()
    settings = {"QUORATE_LEASE_S": str(options.lease_s)} if options.kill else {}
    with stage(FOLDER, _scaling(options), settings, seen) as local:
        yield local


@contextmanager
def _killing(scene: Stage | Cluster, load: Options) -> Iterator[None]:
    """One replica dies when operators have begun to vanish."""
    at_s = (load.drop_operators.at_s if load.drop_operators else 0.0) + DIES_AFTER_S
    timer = threading.Timer(at_s, scene.kill_one, [DIES])
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _watch_fall(scene: Stage | Cluster, longest_s: float) -> None:
    until = time.monotonic() + longest_s
    while not scene.is_at_rest() and time.monotonic() < until:
        scene.sleep(LOOK_S)


def _let_leases_lapse(scene: Stage | Cluster, witness: Witness, lease_s: float) -> None:
    """Until the witness is done, all other leases are over as well, and no event is under way."""
    scene.sleep(max(lease_s + LOOK_S, witness.done_at() - time.time() + LOOK_S))
    scene.settle()


def _where(options: argparse.Namespace) -> Sequence[str]:
    """The fleets and what scaled them."""
    if options.kubectl:
        return [f"On a cluster, in the namespace {options.namespace}; replicas as its autoscalers told them."]
    scaling = _scaling(options)
    pods = {service: scaling.resources(service) for service in SERVICES}
    hpas = {service: scaling.hpa(service) for service in SERVICES}
    told = "; ".join(
        f"{service}: request {pod.request_cores:g} cores, limit {pod.limit_cores or 'none'} cores and "
        f"{pod.limit_bytes // 2**20} MiB, {hpas[service].least} to {hpas[service].most} replicas"
        for service, pod in pods.items()
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
