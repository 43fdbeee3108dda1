"""What is asked of a provider, how often, and what is not believed of its answers."""

import asyncio
import base64
import hashlib
import logging
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from services.accounts.oidc import fetching
from services.accounts.oidc.addresses import is_safe
from services.accounts.oidc.attempt import Answer
from services.accounts.oidc.provider import FAILED_S, FETCHED_AGAIN_S, KNOWN_S, WELL_KNOWN, Provider
from shared.errors import Unauthenticated, Unavailable
from shared.fetching import Answer as Fetched
from shared.fetching import Fetcher
from shared.steady_clock import SteadyClock
from tests.unit.oidc_samples import (
    ATTEMPT,
    HEADER,
    ISSUER,
    METADATA,
    NOW,
    OTHER,
    PUBLISHED,
    TERMS,
    FakeProvider,
    answered,
    signed,
)

ANSWER = Answer(code="the code", state=ATTEMPT.state)


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def fake():
    return FakeProvider()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def provider(fake, clock):
    made = Provider(TERMS, clock, fake)
    yield made
    await made.close()


async def left(provider: Provider, fake: FakeProvider) -> dict[str, str]:
    """What the browser is sent to the provider with."""
    address = urlsplit(await provider.address(ATTEMPT))
    asked = {name: value for name, [value] in parse_qs(address.query).items()}
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{ISSUER}/authorize"
    fake.challenge = asked["code_challenge"]
    return asked


async def test_the_browser_leaves_with_state_nonce_and_challenge(provider, fake):
    challenge = base64.urlsafe_b64encode(hashlib.sha256(ATTEMPT.verifier.encode()).digest()).rstrip(b"=").decode()
    assert await left(provider, fake) == {
        "client_id": "quorate",
        "response_type": "code",
        "scope": "openid profile",
        "redirect_uri": "https://quorate.example/sign-in/return",
        "state": ATTEMPT.state,
        "nonce": ATTEMPT.nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }


async def test_a_code_is_redeemed_with_the_verifier_and_the_secret(provider, fake):
    await left(provider, fake)
    assert (await provider.claims(ANSWER, ATTEMPT))["sub"] == "ann@id"
    assert fake.sent == {
        "grant_type": ["authorization_code"],
        "code": ["the code"],
        "code_verifier": [ATTEMPT.verifier],
        "redirect_uri": ["https://quorate.example/sign-in/return"],
    }
    assert base64.b64decode(fake.authorization.removeprefix("Basic ")) == b"quorate:a secret"
    with pytest.raises(Unauthenticated):
        await provider.claims(ANSWER, replace(ATTEMPT, verifier="w" * 43))


async def test_a_provider_is_believed_by_the_wall_clock_though_ours_is_ahead(fake):
    clock = SteadyClock(lambda: NOW)
    clock.go_on_from(NOW + 3_600)
    provider = Provider(TERMS, clock, fake)
    await left(provider, fake)
    assert (await provider.claims(ANSWER, ATTEMPT))["sub"] == "ann@id"
    await provider.close()


async def test_a_provider_may_want_the_secret_in_the_body_and_a_public_client_has_none(fake, clock):
    fake.metadata["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    provider = Provider(TERMS, clock, fake)
    await left(provider, fake)
    await provider.claims(ANSWER, ATTEMPT)
    assert (fake.sent["client_secret"], fake.authorization) == (["a secret"], "")
    public = Provider(replace(TERMS, client_secret=None), clock, fake)
    await public.claims(ANSWER, ATTEMPT)
    assert (fake.sent["client_id"], fake.sent.get("client_secret"), fake.authorization) == (["quorate"], None, "")
    await provider.close()
    await public.close()


async def test_what_a_provider_says_of_itself_is_kept_for_an_hour(provider, fake, clock):
    await left(provider, fake)
    await asyncio.gather(*(provider.claims(ANSWER, ATTEMPT) for _ in range(5)))
    assert (fake.asked.count(WELL_KNOWN), fake.asked.count("/keys"), fake.asked.count("/token")) == (1, 1, 5)
    clock.now += KNOWN_S
    fake.token = signed(iat=int(clock.now), exp=int(clock.now) + 300)
    await provider.claims(ANSWER, ATTEMPT)
    assert (fake.asked.count(WELL_KNOWN), fake.asked.count("/keys")) == (2, 2)


async def test_a_new_key_is_fetched_and_a_foreign_one_asks_for_keys_now_and_then(provider, fake, clock):
    await left(provider, fake)
    await provider.claims(ANSWER, ATTEMPT)
    fake.token = signed(OTHER, HEADER | {"kid": "two"})
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await provider.claims(ANSWER, ATTEMPT)
    assert fake.asked.count("/keys") == 1
    clock.now += FETCHED_AGAIN_S
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await provider.claims(ANSWER, ATTEMPT)
    assert fake.asked.count("/keys") == 2
    clock.now += FETCHED_AGAIN_S
    fake.published = {"keys": [*PUBLISHED["keys"], OTHER.as_dict(private=False) | {"kid": "two"}]}
    assert (await provider.claims(ANSWER, ATTEMPT))["sub"] == "ann@id"


async def test_another_providers_answer_is_refused(provider, fake):
    await left(provider, fake)
    await provider.claims(replace(ANSWER, issuer=ISSUER), ATTEMPT)
    with pytest.raises(Unauthenticated):
        await provider.claims(replace(ANSWER, issuer="https://id.example.evil"), ATTEMPT)


async def test_a_provider_that_names_itself_in_answers_always_does(provider, fake):
    fake.metadata["authorization_response_iss_parameter_supported"] = True
    await left(provider, fake)
    await provider.claims(replace(ANSWER, issuer=ISSUER), ATTEMPT)
    with pytest.raises(Unauthenticated):
        await provider.claims(ANSWER, ATTEMPT)


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://id.example.evil"},
        {"issuer": f"{ISSUER}/"},
        {"token_endpoint": "http://id.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": None},
    ],
)
async def test_a_document_of_another_issuer_or_with_addresses_that_are_not_safe_is_not_believed(
    provider, fake, changes
):
    fake.metadata |= changes
    with pytest.raises(Unavailable):
        await provider.address(ATTEMPT)


@pytest.mark.parametrize(
    "answer",
    [
        answered(302, location="http://127.0.0.1/"),
        answered(200, body=b"not JSON"),
        answered(200, [1]),
        answered(200, METADATA, **{"content-encoding": "br"}),
        answered(500, METADATA),
    ],
    ids=["redirect", "text", "list", "compressed", "failed"],
)
async def test_an_answer_that_is_no_document_is_not_followed_nor_asked_for_again_at_once(provider, fake, clock, answer):
    fake.answers[WELL_KNOWN] = answer
    for _ in range(3):
        with pytest.raises(Unavailable):
            await provider.address(ATTEMPT)
    assert fake.asked == [WELL_KNOWN]
    del fake.answers[WELL_KNOWN]
    clock.now += FAILED_S
    await provider.address(ATTEMPT)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (answered(401, {"error": "invalid_client"}), Unauthenticated),
        (answered(400, {"error": "invalid_grant", "error_description": "<b>"}), Unauthenticated),
        (answered(200, {"error": "invalid_grant"}), Unauthenticated),
        (answered(200, {"access_token": "a", "token_type": "Bearer"}), Unauthenticated),
        (answered(200, {"access_token": "a", "id_token": 5}), Unauthenticated),
        (answered(302, location="http://127.0.0.1/"), Unauthenticated),
        (answered(200, body=b"not JSON"), Unavailable),
        (answered(200, [1]), Unavailable),
        (answered(503, body=b"busy"), Unavailable),
    ],
)
async def test_a_code_that_is_not_redeemed_signs_nobody_in(provider, fake, caplog, answer, kind):
    await left(provider, fake)
    fake.answers["/token"] = answer
    with caplog.at_level(logging.DEBUG), pytest.raises(kind) as refused:
        await provider.claims(ANSWER, ATTEMPT)
    said = caplog.text + str(refused.value)
    assert "<b>" not in said
    assert not any(secret in said for secret in ("a secret", ATTEMPT.verifier, "the code"))


async def test_a_provider_that_hangs_keeps_nobody_for_long(clock, monkeypatch):
    class Hanging(FakeProvider):
        async def send(self, *_, **__) -> Fetched:
            self.asked.append("")
            await asyncio.Event().wait()
            raise AssertionError

    monkeypatch.setattr(fetching, "WITHIN_S", 0.05)
    hanging = Hanging()
    provider = Provider(TERMS, clock, hanging)
    async with asyncio.timeout(2):
        answers = await asyncio.gather(*(provider.address(ATTEMPT) for _ in range(50)), return_exceptions=True)
    assert {type(one) for one in answers} == {Unavailable}
    assert len(hanging.asked) == 1
    await provider.close()


@pytest.mark.parametrize(
    "address",
    ["https://10.0.0.1/keys", "https://169.254.169.254/keys", "http://127.0.0.1:1/keys", "https://[::1]/keys"],
)
async def test_what_a_providers_document_names_is_not_fetched_from_a_private_network(fake, clock, address, monkeypatch):
    """The operator chose the issuer; where its document leads, they did not."""

    class Guarded(Fetcher):
        async def send(self, method, url, **more) -> Fetched:
            is_private = url == address
            return await (super().send if is_private else fake.send)(method, url, **more)

    async def connect(*_, **__):
        raise AssertionError("it was connected to")

    monkeypatch.setattr("shared.fetching._To.connect_tcp", connect)
    fake.metadata["jwks_uri"] = address
    provider = Provider(TERMS, clock, Guarded())
    await left(provider, fake)
    with pytest.raises(Unavailable):
        await provider.claims(ANSWER, ATTEMPT)
    assert fake.asked == [WELL_KNOWN, "/token"]
    await provider.close()


def test_without_encryption_this_machine_alone_is_asked():
    for safe in (
        "https://id.example",
        "https://10.0.0.1/x",
        "http://localhost:9400",
        "http://127.0.0.2",
        "http://[::1]:1",
    ):
        assert is_safe(safe), safe
    for wrong in (
        "", "id.example", "http://id.example", "http://10.0.0.1", "http://localhost.evil.example", "http://0.0.0.0",
        "http://127.0.0.1.evil.example", "ftp://localhost", "https://", "https://user:password@id.example", "http://[",
    ):  # fmt: skip
        assert not is_safe(wrong), wrong


def test_the_secret_is_in_no_text_of_the_terms():
    assert "a secret" not in repr(TERMS)
