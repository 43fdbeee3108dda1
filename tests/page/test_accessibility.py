"""Every page and state in a browser, by axe and by size. A file of its own: it takes as long as all other browser tests
together, so another worker takes it."""

import pytest

from tests.page.scripts import DEADLINE_S, passed

ACCESSIBILITY = "a11y.spec.ts"


@pytest.mark.timeout(DEADLINE_S)
@pytest.mark.usefixtures("chromium")
def test_everybody_can_use_every_page():
    assert passed("e2e", "--", ACCESSIBILITY) > 40
