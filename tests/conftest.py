"""Which tests `make test` may run side by side: files, but not those that start whole platforms and watch the time."""

from collections.abc import Generator

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

ONE_AT_A_TIME = frozenset({"chaos", "e2e", "hostile"})
"""Folders whose tests kill, stall and measure processes: all on one worker, never beside each other."""


class ByFile(LoadScopeScheduling):
    """A file's tests go to one worker, and so do those of all folders that are `ONE_AT_A_TIME`."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "platforms" if file.split("/")[1] in ONE_AT_A_TIME else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    return ByFile(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test logged travels from its worker as UTF-8, which lone surrogates are not."""
    report = yield
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    return report
