"""The web application's own checks, each of its scripts and each file of its browser tests as one test here."""

import pytest

from tests.page.scripts import DEADLINE_S, UI, passed, run
from tests.page.test_accessibility import ACCESSIBILITY

SPECS = sorted(path.name for path in (UI / "e2e").glob("*.spec.ts") if path.name != ACCESSIBILITY)


@pytest.mark.timeout(DEADLINE_S)
@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("script", ["lint", "types"])
def test_the_code_is_in_order(script: str):
    run("npm", "run", "--silent", script)


@pytest.mark.timeout(DEADLINE_S)
@pytest.mark.usefixtures("built")
def test_the_parts_do_what_they_say():
    assert passed("test") > 100


@pytest.mark.timeout(DEADLINE_S)
@pytest.mark.usefixtures("chromium")
@pytest.mark.parametrize("spec", SPECS)
def test_the_page_works_in_a_browser(spec: str):
    assert passed("e2e", "--", spec) > 0
