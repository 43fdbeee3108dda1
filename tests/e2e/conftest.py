"""Platforms as processes; what they logged is shown where a test fails, and none outlives its test."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loadtest.platform_process import PlatformProcess

FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture
def new_platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., PlatformProcess]]:
    """Makes platforms, not started yet, from settings."""
    made: list[PlatformProcess] = []

    def make(**settings: object) -> PlatformProcess:
        made.append(PlatformProcess(tmp_path / f"platform{len(made)}", **settings))
        return made[-1]

    yield make
    for platform in made:
        platform.end()
        if request.node.stash.get(FAILED, False):
            tell(platform.log_tail())


def tell(*lines: str) -> None:
    """Say what a test did: pytest shows it with `-s`, and where the test fails."""
    sys.stdout.write("\n" + "\n".join(lines) + "\n")


@pytest.fixture(name="tell")
def tell_fixture() -> Callable[..., None]:
    return tell
