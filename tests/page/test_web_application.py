"""The web application's own checks, each of its scripts as one test here, and its browser tests as a few."""

import pytest

from tests.page.scripts import PATIENCE_S, UI, passed, run
from tests.page.test_accessibility import ACCESSIBILITY

SPECS = sorted(path.name for path in (UI / "e2e").glob("*.spec.ts") if path.name != ACCESSIBILITY)
SHARES = 3
"""In so many runs of a browser: each starts a platform, which costs as much as half of a spec."""


@pytest.mark.timeout(PATIENCE_S)
@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("script", ["lint", "types"])
def test_the_code_is_in_order(script: str):
    run("npm", "run", "--silent", script)


@pytest.mark.timeout(PATIENCE_S)
@pytest.mark.usefixtures("built")
def test_the_parts_do_what_they_say():
    assert passed("test") > 100


@pytest.mark.timeout(PATIENCE_S)
@pytest.mark.usefixtures("chromium")
@pytest.mark.parametrize("specs", [SPECS[share::SHARES] for share in range(SHARES)], ids=" ".join)
def test_the_page_works_in_a_browser(specs: list[str]):
    assert passed("e2e", "--", *specs) >= len(specs)
