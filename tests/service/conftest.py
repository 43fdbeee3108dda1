import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from loadtest.samples import write_model
from shared.bus.sqlite import SqliteBus
from shared.http.serving import ServerSettings
from shared.objects.filesystem import FilesystemObjectStore
from shared.part import PictureAdapters
from tests.service.processes import Server
from tests.service.running import Api, running


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with running(tmp_path / "data") as started:
        yield started


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector that finds solid coloured squares."""
    return write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
async def seeing(tmp_path: Path, model: Path) -> AsyncIterator[Api]:
    """A platform with a detector."""
    async with running(tmp_path / "data", model=model) as started:
        yield started


@pytest.fixture
async def adapters(tmp_path: Path) -> AsyncIterator[PictureAdapters[None]]:
    """A bus and objects in a folder, open."""
    objects = FilesystemObjectStore(tmp_path, b"secret")
    bus = SqliteBus(tmp_path / "bus.sqlite", time.time, delivery_limit=3)
    await objects.open()
    await bus.open()
    telemetry = ServerSettings().telemetry("test")
    yield PictureAdapters(store=None, objects=objects, bus=bus, clock=time.time, telemetry=telemetry)
    await bus.close()
    await objects.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The platform as a process of its own, with small limits."""
    folder = tmp_path_factory.mktemp("served")
    with Server(folder, max_archive_bytes=1_000_000, max_image_bytes=100_000, log_level="error") as started:
        yield started
