"""Every page in a browser, by axe and by size; `make test-ui` looks at every state, too (QUORATE_AXE). A file of its
own: it takes longer than any other browser test, so it begins first."""

import pytest

from tests.page.scripts import PATIENCE_S, passed

ACCESSIBILITY = "a11y.spec.ts"


@pytest.mark.long
@pytest.mark.timeout(PATIENCE_S)
@pytest.mark.usefixtures("chromium")
def test_everybody_can_use_every_page():
    assert passed("e2e", "--", ACCESSIBILITY) > 30
