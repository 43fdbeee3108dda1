"""Which tests `make test` may run side by side: files, but not those that start whole platforms and watch the time; and
which it leaves to CI."""

import gc
import os
from collections.abc import Generator

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

ONE_AT_A_TIME = (frozenset({"chaos"}), frozenset({"e2e", "hostile"}))
"""Folders whose tests kill, stall and measure processes: each group on one worker, never beside its own."""
ALONE = "tests/page/"
"""Each of these tests starts a platform and a browser of its own: any worker may take any of them."""
LONGEST_FIRST = (
    "tests/page/test_accessibility.py",
    "chaos",
    "e2e, hostile",
    "tests/service/test_schemathesis.py",
    ALONE,
)
"""What takes minutes on one worker begins first, and shorter files fill the other workers' time to the end."""


def scope(nodeid: str) -> str:
    """What one worker does as a whole: a file, a test that stands alone, or the folders that follow each other."""
    file = nodeid.partition("::")[0]
    for folders in ONE_AT_A_TIME:
        if file.split("/")[1] in folders:
            return ", ".join(sorted(folders))
    return nodeid if file.startswith(ALONE) else file


def place(item: pytest.Item) -> int:
    of = scope(item.nodeid)
    return next((at for at, first in enumerate(LONGEST_FIRST) if of.startswith(first)), len(LONGEST_FIRST))


class ByFile(LoadScopeScheduling):
    """Hands out scopes whole, in the order in which the tests stand."""

    def _split_scope(self, nodeid: str) -> str:
        return scope(nodeid)


IS_LONG_RUN = os.environ.get("QUORATE_LONG") == "1"
SKIPPED = pytest.mark.skip(reason="long: QUORATE_LONG=1 runs it, as CI does")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if not IS_LONG_RUN and item.get_closest_marker("long"):
            item.add_marker(SKIPPED)
    if hasattr(config, "workerinput"):  # of pytest-xdist; one process alone keeps the usual order
        items.sort(key=place)


def pytest_collection_finish() -> None:
    """Spare the garbage collector what was imported, and let it come less often, as the platform does once it has
    started: it took a seventh of the processor's time of tests that start platforms."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    return ByFile(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test logged travels from its worker as UTF-8, which lone surrogates are not."""
    report = yield
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    return report
