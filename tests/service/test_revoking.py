"""What was revoked is refused by every service, also after kill -9; how soon is said, and asserted nowhere here.

That a second is enough is held where time is an argument: `tests/unit/test_authenticator.py`.
"""

import sys
import time
from collections.abc import Callable, Iterator

import pytest

from shared.identity.authenticator import KNOWN_S
from tests.service.accounts_world import PASSWORD, Browser, Program, World, begun
from tests.service.processes import Server

ROUTES = ("/api/tasks", "/api/me", "/api/users", "/api/webhooks", "/api/models")
"""Of the task manager, the subtask manager, the accounts service, the notifier, and the detector."""
PATIENCE_S = 10.0


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Server(tmp_path_factory.mktemp("revoking"), auth="on", log_level="error") as server:
        yield begun(server)


def answers(caller: Program | Browser) -> list[int]:
    return [caller.ask("GET", path).status_code for path in ROUTES]


def seconds_until_refused(caller: Program | Browser) -> float:
    """How long it took until every service refused; the looks themselves count, too."""
    begun_at = time.monotonic()
    while True:
        since = time.monotonic()
        if set(answers(caller)) == {401}:
            return since - begun_at
        assert since < begun_at + PATIENCE_S, answers(caller)


def a_key(world: World) -> tuple[Program, Callable[[], object]]:
    key_id, program = world.key(world.ann)
    return program, lambda: world.ann.ask("DELETE", f"/api/me/keys/{key_id}")


def a_session(world: World) -> tuple[Browser, Callable[[], object]]:
    page = world.sign_in("Ann")
    thief = Browser(page.url, dict(page.cookies))
    return thief, lambda: page.ask("DELETE", "/api/sessions")


def a_password(world: World) -> tuple[Browser, Callable[[], object]]:
    page, thief = world.sign_in("Ann"), world.sign_in("Ann")
    body = {"current": PASSWORD, "new": PASSWORD}
    return thief, lambda: page.ask("POST", "/api/me/password", body)


@pytest.mark.parametrize("revoked", [a_key, a_session])
def test_what_is_revoked_is_refused_by_every_service_and_stays_so_after_kill_9(world: World, revoked):
    assert 2 * KNOWN_S <= 1.0
    caller, revoke = revoked(world)
    assert answers(caller) == [200] * len(ROUTES)
    revoke()
    seconds = seconds_until_refused(caller)
    sys.stdout.write(f"\n{revoked.__name__} was refused everywhere after {seconds:.2f} s\n")
    world.server.kill()
    world.server.start()
    assert answers(caller) == [401] * len(ROUTES), "nothing has to arrive: it is in the store"


@pytest.mark.parametrize("revoked", [a_key, a_session])
def test_what_is_revoked_just_before_kill_9_is_refused_from_the_start_on(world: World, revoked):
    caller, revoke = revoked(world)
    assert answers(caller) == [200] * len(ROUTES)
    revoke()
    world.server.kill()
    world.server.start()
    assert answers(caller) == [401] * len(ROUTES)


def test_a_new_password_ends_the_other_sessions_in_every_service(world: World):
    caller, change = a_password(world)
    assert answers(caller) == [200] * len(ROUTES)
    change()
    seconds = seconds_until_refused(caller)
    sys.stdout.write(f"\nanother session was refused everywhere after {seconds:.2f} s\n")
