"""One replica of each service behind the gateway, and what each process uses."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploy.local.platform import Platform
from loadtest.platform_process import process_cpu_s


class Replicas:
    """A distributed platform that runs; its processor time is that of the services, without gateway and servers."""

    def __init__(self, platform: Platform) -> None:
        self.port = platform.gateway().port
        self._pids = {member.service: member.process.pid() for member in platform.members()}

    def cpu_s(self) -> float:
        return sum(self.cpu_of_each().values())

    def cpu_of_each(self) -> dict[str, float]:
        """Processor seconds so far, by service."""
        return {service: process_cpu_s(pid) for service, pid in self._pids.items() if pid is not None}


@contextmanager
def running(folder: Path, environment: Mapping[str, str]) -> Iterator[Replicas]:
    """The platform on these servers, ended with the block. Raises ServerNotUp."""
    folder.mkdir(parents=True)
    platform = Platform(folder=folder, environment=environment, replicas=1)
    try:
        platform.start()
        yield Replicas(platform)
    finally:
        platform.stop()
