"""Every route decides for every role, and the table of `docs/access.md` says how."""

import pytest

from tests.service import access_table

HINT = "run `make docs-access`, and look at what it changes in docs/access.md"


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return access_table.asyncio.run(access_table.collected(tmp_path_factory.mktemp("access")))


def test_the_table_is_what_the_platform_does(found):
    assert access_table.PAGE.read_text() == access_table.table(found), HINT


def test_nobody_may_do_anything_but_ask_who_is_signed_in(found):
    may = {asked.path for asked, cells, _ in found if cells[-1] == "may"}
    assert may <= access_table.OPEN


def test_what_runs_the_platform_is_for_admins_of_its_first_team(found):
    ours = ("/api/admin/keys", "/api/admin/audit", "/api/admin/operators")  # a team's own
    admin_routes = [one for one in found if one[0].path.startswith("/api/admin/")]
    operating = [cells for asked, cells, _ in admin_routes if not asked.path.startswith(ours)]
    assert operating
    assert all(cells == ["no", "no", "no", "may", "no", "who?"] for cells in operating)
