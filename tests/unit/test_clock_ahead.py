"""What other machines check by their clocks is right, though this process is an hour ahead of its machine's clock."""

import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.accounts.signing_in import access_token
from services.notifier import signing
from services.notifier.sender import Sender
from shared.fetching import Answer
from shared.identity import Caller
from shared.identity.authenticator import Accounts
from shared.identity.tokens import LIFETIME_S, Claims, Signer, Verifier, new_key, public
from shared.steady_clock import SteadyClock, wall_of

KEY = new_key("one")
AHEAD_S = 3_600


@pytest.fixture
def clock():
    clock = SteadyClock()
    clock.go_on_from(time.time() + AHEAD_S)
    return clock


class Records:
    revision = None

    async def is_revoked(self, _claims: Claims) -> bool:
        return False


def token(clock: SteadyClock, *, session_s: float) -> str:
    """An access token of a session that ends so much later."""
    resources = SimpleNamespace(clock=clock, signer=Signer(KEY), lifetimes=SimpleNamespace(absolute_s=session_s))
    person = SimpleNamespace(id="p", name="Ann", memberships=())
    session = SimpleNamespace(created_at=clock(), team="first", id="s", epoch=0)
    return access_token(cast("Any", resources), cast("Any", SimpleNamespace(person=person, session=session)))


@pytest.mark.parametrize(("session_s", "lives_s"), [(86_400, LIFETIME_S), (60, 60)])
def test_a_token_that_it_signs_is_valid_on_other_machines(clock, session_s, lives_s):
    claims = Verifier([public(KEY)]).verified(token(clock, session_s=session_s), time.time())
    assert claims.expires_at == pytest.approx(time.time() + lives_s, abs=5)


async def test_it_takes_a_token_of_another_machine_until_that_ends(clock):
    sent = token(cast("Any", time.time), session_s=86_400)
    accounts = Accounts(Verifier([public(KEY)]), cast("Any", Records()), clock)
    header = {b"authorization": f"Bearer {sent}".encode()}
    assert isinstance(await accounts.who("GET", header), Caller)
    [known] = accounts._callers.values()
    assert known.ends_at == pytest.approx(clock() + LIFETIME_S, abs=5)


async def test_webhooks_tell_the_time_of_the_wall_clock(clock):
    told: dict[str, str] = {}

    class Fetcher:
        async def send(self, _method: str, _url: str, *, headers: dict[str, str], **_: object) -> Answer:
            told.update(headers)
            return Answer(status=204, headers={}, body=b"")

    sender = Sender(*cast("Any", (None, Fetcher(), clock, None, None, None)))
    secret = signing.secret_of(b"x" * 32)
    webhook = SimpleNamespace(url="https://a", secrets=[SimpleNamespace(text=secret, until=None)])
    await sender._sent(cast("Any", webhook), cast("Any", SimpleNamespace(id="d", body="{}")))
    assert float(told["webhook-timestamp"]) == pytest.approx(time.time(), abs=5)


def test_the_clock_of_a_test_is_its_own_wall_clock(clock):
    assert wall_of(time.monotonic) is time.monotonic
    assert wall_of(clock) is time.time
