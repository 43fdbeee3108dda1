"""The drills of a module are all started with its first test, as many at once as there is room for."""

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loadtest.command import ROOT
from tests.chaos import drills
from tests.chaos.drills import Drilled
from tests.chaos.servers import Servers, missing_gateway

SERVERS = ROOT / "build/chaos/servers"


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """What the harness's cut connections leave is collected where it is expected, not within a later test."""
    yield
    gc.collect()


@pytest.fixture(scope="module")
def drilled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Drilled]]:
    """What came of the drill of a name, of those in the module's CASES that the selected tests need."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function)]
    mine = [item for item in items if item.module is request.module and hasattr(item, "callspec")]
    wanted = {item.callspec.params["name"] for item in mine if "name" in item.callspec.params}
    cases = {name: case for name, case in request.module.CASES.items() if name in wanted}
    servers = request.getfixturevalue("own_servers") if any(case.service for case in cases.values()) else None
    with drills.under_way(cases, tmp_path_factory.mktemp("drills"), servers) as running:
        yield lambda name: running[name].result()


@pytest.fixture(scope="session")
def own_servers() -> Iterator[Path]:
    """The folder of servers that tests may kill; they are ended with the last test."""
    servers = Servers(SERVERS)
    lacking = [*servers.missing(), *missing_gateway()]
    if lacking:
        reason = f"{', '.join(lacking)} not found: `make services` installs the servers, nginx is Debian's nginx-light"
        if os.environ.get("QUORATE_REQUIRE_SERVICES") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    yield servers.folder
    servers.stop()
