"""Where the pyramid is played: real servers, and fleets of the two managers that the local autoscaler scales."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.local import __main__ as local
from deploy.local import env_file
from deploy.local.errors import ServerNotUp
from loadtest.experiments.autoscaler import SYNC_S, Scaled, by_queue
from loadtest.experiments.balancer import Balancer
from loadtest.experiments.cgroups import Quota, names, sweep
from loadtest.experiments.fleet import Fleet, clear
from loadtest.experiments.fleet_keeper import Keeper
from loadtest.experiments.hpa import Hpa
from loadtest.experiments.hpa_manifest import Resources, hastened, read, resources
from loadtest.experiments.pyramid.queues import Queues

MANIFESTS = Path(__file__).parents[3] / "deploy/k8s/base"
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

    @property
    def sync_s(self) -> float:
        return SYNC_S / self.hastened

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
class Stage:
    """What is up, and how to look at it."""

    keeper: Keeper
    queues: Queues

    @property
    def url(self) -> str:
        return self.keeper.balancer.url

    def kill_one(self, service: str) -> None:
        """End one replica as a crash would."""
        next(fleet for fleet in self.keeper.fleets if fleet.service == service).kill_one()

    def deaths(self) -> int:
        """How many replicas died and were started again."""
        return sum(fleet.deaths for fleet in self.keeper.fleets)

    def settle(self) -> None:
        """Wait until all queues are empty, but not for ever."""
        for _ in range(SETTLE_S):
            if self.queues.is_empty(SERVICES):
                return
            self.sleep(1)

    def sleep(self, seconds: float) -> None:
        """Raises what went wrong with the fleets meanwhile."""
        self.keeper.sleep(seconds)

    def is_at_rest(self) -> bool:
        """Whether every fleet is as small as it may be."""
        return all(len(one.fleet.members()) == one.hpa.least for one in self.keeper.scaled)


@contextmanager
def stage(folder: Path, scaling: Scaling, settings: Mapping[str, str], record: Path) -> Iterator[Stage]:
    """Servers without any data, and the least replicas of each service, ready; ended with the block.

    Raises ServerNotUp and BadManifest.
    """
    _stop_servers(folder / "services")  # of an experiment that was killed
    clear(folder)
    sweep()  # what was just ended was still in its groups
    with _servers(folder / "services") as environment:
        queues = Queues(environment["RABBITMQ_MANAGEMENT_URL"])
        told = {**environment, **settings}
        scaled = [_scaled(service, folder, scaling, told, queues) for service in SERVICES]
        with Keeper(Balancer(folder), record=record, scaled=scaled, sync_s=scaling.sync_s) as keeper:
            yield Stage(keeper, queues)


def _scaled(service: str, folder: Path, scaling: Scaling, told: Mapping[str, str], queues: Queues) -> Scaled:
    pod = scaling.resources(service)
    fleet = Fleet(
        service,
        folder=folder,
        environment=told,
        quota=Quota(cores=pod.limit_cores, memory_bytes=pod.limit_bytes),
        names=names(service),
    )
    return Scaled(
        fleet=fleet,
        hpa=scaling.hpa(service),
        request_cores=pod.request_cores,
        depth=lambda: queues.depth(service),
        hastened=scaling.hastened,
    )


@contextmanager
def _servers(folder: Path) -> Iterator[dict[str, str]]:
    """RabbitMQ, S3 and MongoDB's protocol in a folder."""
    try:
        if not local.start(folder, local.every(folder)):
            raise ServerNotUp("not all servers are up")
        yield env_file.read(folder)
    finally:
        _stop_servers(folder)


def _stop_servers(folder: Path) -> None:
    if folder.exists():
        local.stop(folder, local.every(folder))


def _manifest(service: str, kind: str) -> Path:
    return MANIFESTS / service.replace("_", "-") / f"{kind}.yaml"
