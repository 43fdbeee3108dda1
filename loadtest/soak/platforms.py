"""The platform that soaks, and how to look at all of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from deploy.local.platform import Platform
from deploy.local.process import LongProcess
from loadtest.broker import Management
from loadtest.platform_process import PlatformProcess
from loadtest.servers import servers
from loadtest.soak import looks
from loadtest.soak.series import SERVER_FILES, Sampled

LEASE_S = 30
"""What operators leave behind is free again within the run."""
SERVERS = ("rabbitmq", "s3", "mongodb")


@dataclass(frozen=True, slots=True, kw_only=True)
class Soaked:
    """Where people go, and the looks that make up one sample."""

    url: str
    looks: list[Callable[[], Sampled]]


@contextmanager
def embedded(folder: Path) -> Iterator[Soaked]:
    """One process. Raises PlatformFailed."""
    with PlatformProcess(folder, lease_s=LEASE_S) as platform:
        pid = platform.pid
        yield Soaked(
            url=platform.url,
            looks=[
                lambda: looks.process("platform", pid),
                lambda: looks.metrics("platform", platform.url),
                lambda: looks.folders(platform.data_dir),
            ],
        )


@contextmanager
def distributed(folder: Path) -> Iterator[Soaked]:
    """One replica of each service behind the gateway, on servers of its own. Raises ServerNotUp."""
    home = folder / "servers"
    with servers(home) as told:
        (folder / "platform").mkdir(parents=True, exist_ok=True)
        settings = {"QUORATE_LEASE_S": str(LEASE_S)}
        platform = Platform(folder=folder / "platform", environment=told, replicas=1, settings=settings)
        try:
            yield Soaked(
                url=platform.start(), looks=list(_looks(platform, home, Management(told["RABBITMQ_MANAGEMENT_URL"])))
            )
        finally:
            platform.stop()


def _looks(platform: Platform, home: Path, broker: Management) -> Iterator[Callable[[], Sampled]]:
    for member in platform.members():
        if (pid := member.process.pid()) is not None:
            yield partial(looks.process, member.service, pid)
            yield partial(_waiting, member.service, f"http://127.0.0.1:{member.port}")
    if (pid := platform.gateway().process.pid()) is not None:
        yield partial(looks.process, "gateway", pid)
    yield lambda: looks.queues(broker.depths())
    for path in sorted(home.glob("*/*.pid")):
        process = LongProcess(folder=path.parent, name=path.stem)
        if (pid := process.pid()) is not None:
            yield partial(looks.server, path.stem, pid)
    for name in SERVERS:
        yield partial(_stored, name, home / name)


def _waiting(name: str, url: str) -> Sampled:
    """Without the queues: of those the broker tells, once for all replicas."""
    return {key: value for key, value in looks.metrics(name, url).items() if key[0] is not looks.QUEUES}


def _stored(name: str, folder: Path) -> Sampled:
    return {(SERVER_FILES, name): looks.disk_mib(folder)}


PROFILES = {"embedded": embedded, "distributed": distributed}
