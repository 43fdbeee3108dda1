"""Which tests `make test` may run side by side: files, but not those that start whole platforms and watch the time."""

from collections.abc import Generator
from pathlib import Path

import pytest

ONE_AT_A_TIME = frozenset({"chaos", "e2e", "hostile"})
"""Folders whose tests kill, stall and measure processes: all on one worker, never beside each other."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder, name = item.path.relative_to(Path(__file__).parent).parts[:2]
        item.add_marker(pytest.mark.xdist_group("platforms" if folder in ONE_AT_A_TIME else f"{folder}/{name}"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What a test logged travels from its worker as UTF-8, which lone surrogates are not."""
    report = yield
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    return report
