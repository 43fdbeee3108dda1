"""The platform under the pyramid: real servers, and fleets of the two managers that the local autoscaler scales."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from loadtest.broker import Management
from loadtest.cgroups import Quota, names, sweep
from loadtest.command import ROOT
from loadtest.experiments.autoscaler import SYNC_S, Scaled, by_queue
from loadtest.experiments.balancer import Balancer
from loadtest.experiments.fleet import Fleet, clear
from loadtest.experiments.hpa import Hpa
from loadtest.experiments.hpa_manifest import Resources, hastened, read, resources
from loadtest.experiments.pyramid.queues import Queues
from loadtest.experiments.supervisor import Supervisor
from loadtest.servers import servers, stop_servers

MANIFESTS = ROOT / "deploy/k8s/base"
SETTLE_S = 120
SERVICES = ("task_manager", "subtask_manager")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """How fleets are scaled. What is None is as the manifests have it.

    request_cores: of each pod. least: replicas. queue_messages: waiting messages for each replica, instead of the
    processor. hastened: how many times faster than usual everything goes.
    """

    request_cores: float | None
    least: int | None
    queue_messages: float | None
    hastened: float

    def hpa(self, service: str) -> Hpa:
        hpa = read(_manifest(service, "hpa"))
        if self.least is not None:
            hpa = replace(hpa, least=self.least)
        if self.queue_messages is not None:
            hpa = by_queue(hpa, self.queue_messages)
        return hastened(hpa, self.hastened)

    def resources(self, service: str) -> Resources:
        found = resources(_manifest(service, "deployment"))
        return found if self.request_cores is None else replace(found, request_cores=self.request_cores)


@dataclass(frozen=True, slots=True)
class ScaledPlatform:
    """What is up, and how to look at it."""

    supervisor: Supervisor
    queues: Queues

    @property
    def url(self) -> str:
        return self.supervisor.balancer.url

    def kill_one(self, service: str) -> None:
        """End one replica as a crash would."""
        next(fleet for fleet in self.supervisor.fleets if fleet.service == service).kill_one()

    def settle(self) -> None:
        """Wait until all queues are empty, for two minutes at the most."""
        for _ in range(SETTLE_S):
            if self.queues.is_empty(SERVICES):
                return
            self.supervisor.sleep(1)

    def is_at_rest(self) -> bool:
        """Whether every fleet is as small as it may be."""
        return all(len(one.fleet.members()) == one.hpa.least for one in self.supervisor.scaled)


@contextmanager
def scaled_platform(folder: Path, scaling: Scaling, settings: Mapping[str, str]) -> Iterator[ScaledPlatform]:
    """Servers without any data, and the least replicas of each service, ready; ended with the block.

    Raises ServerNotUp and MeasurementFailed.
    """
    stop_servers(folder / "services")  # of an experiment that was killed
    clear(folder)
    sweep()  # what was just ended was still in its groups
    with servers(folder / "services") as environment:
        queues = Queues(Management(environment["RABBITMQ_MANAGEMENT_URL"]))
        told = {**environment, **settings}
        scaled = [_scaled(service, folder, scaling, told, queues) for service in SERVICES]
        with Supervisor(Balancer(folder), scaled=scaled, sync_s=SYNC_S / scaling.hastened) as supervisor:
            yield ScaledPlatform(supervisor, queues)


def _scaled(service: str, folder: Path, scaling: Scaling, told: Mapping[str, str], queues: Queues) -> Scaled:
    pod = scaling.resources(service)
    quota = Quota(cores=pod.limit_cores, memory_bytes=pod.limit_bytes)
    return Scaled(
        fleet=Fleet(service, folder=folder, environment=told, quota=quota, names=names(service)),
        hpa=scaling.hpa(service),
        request_cores=pod.request_cores,
        depth=lambda: queues.depth(service),
        hastened=scaling.hastened,
    )


def _manifest(service: str, kind: str) -> Path:
    return MANIFESTS / service.replace("_", "-") / f"{kind}.yaml"
