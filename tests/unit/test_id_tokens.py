"""ID tokens of a provider, and what is forged of them."""

import base64
import hmac
import json
import warnings

import pytest
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey

from services.accounts.oidc.id_token import MAX_AGE_S, SKEW_S, UnknownKey, keys_in, verified
from shared.errors import Unauthenticated
from tests.unit.oidc_samples import (
    CLAIMS,
    EXPECTED,
    HEADER,
    ISSUER,
    KEY,
    KEYS,
    NOW,
    OTHER,
    PUBLISHED,
    part,
    signed,
)


def test_a_good_token_says_who_it_is():
    assert verified(signed(), KEYS, EXPECTED, NOW) == CLAIMS


def _confused(secret: bytes) -> str:
    """Signed by the public key as a shared secret; the library would not do that."""
    begun = f"{part(HEADER | {'alg': 'HS256'})}.{part(CLAIMS)}"
    signature = hmac.digest(secret, begun.encode(), "sha256")
    return f"{begun}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


FREE = RSAKey.import_key({name: value for name, value in KEY.as_dict(private=True).items() if name != "alg"})
"""The provider's key, where nothing is said of algorithms."""
FORGERIES = {
    "nobody's": "",
    "not a token": "a.b.c",
    "no algorithm": f"{part(HEADER | {'alg': 'none'})}.{part(CLAIMS)}.",
    "no algorithm, in other letters": f"{part(HEADER | {'alg': 'nOnE'})}.{part(CLAIMS)}.",
    "no signature": signed().rpartition(".")[0] + ".",
    "key confusion, by the JSON": _confused(json.dumps(PUBLISHED["keys"][0]).encode()),
    "key confusion, by the PEM": _confused(KEY.as_pem(private=False)),
    "another key of the same name": signed(OTHER),
    "a key in the header": signed(OTHER, HEADER | {"jwk": OTHER.as_dict(private=False)}),
    "the address of a key in the header": signed(OTHER, HEADER | {"jku": "https://id.example.evil/keys"}),
    "the provider's key, beside another in the header": signed(KEY, HEADER | {"jwk": OTHER.as_dict(private=False)}),
    "certificates in the header": signed(OTHER, HEADER | {"x5c": ["AA"]}),
    "the address of certificates": signed(OTHER, HEADER | {"x5u": "https://id.example.evil/certificate"}),
    "an algorithm that is not the key's": signed(FREE, HEADER | {"alg": "RS512"}, ["RS512"]),
    "a kid that is no text": signed(OTHER, HEADER | {"kid": "two"}).replace(
        part(HEADER | {"kid": "two"}), part(HEADER | {"kid": ["one"]})
    ),
    "another audience": signed(aud="else"),
    "no audience": signed(aud=None),
    "several audiences, none of them meant": signed(aud=["quorate", "else"]),
    "several audiences, another one meant": signed(aud=["quorate", "else"], azp="else"),
    "another one meant": signed(azp="else"),
    "another issuer": signed(iss="https://id.example.evil"),
    "an issuer with a slash more": signed(iss=f"{ISSUER}/"),
    "another nonce": signed(nonce="m" * 43),
    "no nonce": signed(nonce=None),
    "expired": signed(exp=int(NOW - SKEW_S)),
    "no end": signed(exp=None),
    "no beginning": signed(iat=None),
    "from the future": signed(iat=int(NOW + SKEW_S) + 1),
    "old": signed(iat=int(NOW - MAX_AGE_S - SKEW_S) - 1),
    "times that are texts": signed(iat=str(NOW), exp="9"),
    "nobody": signed(sub=None),
    "a person that is no text": signed(sub=5),
    "a person of no letters": signed(sub=""),
    "too long": signed(name="n" * 64_000),
    "another content": ".".join([signed().split(".")[0], part(CLAIMS | {"sub": "bob"}), signed().split(".")[2]]),
}


@pytest.mark.parametrize("token", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_token_is_nobodys(token):
    with pytest.raises(Unauthenticated):
        verified(token, KEYS, EXPECTED, NOW)


def test_a_foreign_key_is_told_apart_from_a_wrong_token_for_it_may_be_a_new_one():
    with pytest.raises(UnknownKey):
        verified(signed(OTHER, HEADER | {"kid": "two"}), KEYS, EXPECTED, NOW)


def test_clocks_may_be_apart_a_little():
    verified(signed(iat=int(NOW + SKEW_S)), KEYS, EXPECTED, NOW)
    verified(signed(exp=int(NOW - SKEW_S) + 1), KEYS, EXPECTED, NOW)


def test_one_of_several_audiences_is_meant():
    verified(signed(aud=["quorate", "else"], azp="quorate"), KEYS, EXPECTED, NOW)


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (ECKey.generate_key("P-256", {"kid": "e"}), "ES256"),
        (ECKey.generate_key("P-521", {"kid": "e"}), "ES512"),
        (OKPKey.generate_key("Ed25519", {"kid": "e"}), "Ed25519"),
        (RSAKey.generate_key(2048, {"kid": "e"}), "PS384"),
    ],
)
def test_algorithms_with_two_keys_are_known(key, algorithm):
    token = signed(key, {"alg": algorithm, "kid": "e"}, [algorithm])
    keys = keys_in({"keys": [*PUBLISHED["keys"], key.as_dict(private=False)]})
    assert verified(token, keys, EXPECTED, NOW)["sub"] == "ann@id"


def test_a_token_need_not_name_the_only_key():
    assert verified(signed(KEY, {"alg": "RS256"}), KEYS, EXPECTED, NOW)["sub"] == "ann@id"
    two = keys_in({"keys": [*PUBLISHED["keys"], OTHER.as_dict(private=False) | {"kid": "two"}]})
    with pytest.raises(UnknownKey):
        verified(signed(KEY, {"alg": "RS256"}), two, EXPECTED, NOW)


def test_keys_that_verify_nothing_are_left_out():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)
        short = RSAKey.generate_key(1024, {"kid": "short"}).as_dict(private=False)
    published = [
        {"kty": "oct", "k": "AAAA", "kid": "shared"},
        KEY.as_dict(private=False) | {"use": "enc", "kid": "for secrets"},
        {"kty": "RSA", "kid": "no number", "n": 5, "e": "AQAB"},
        {"kty": "EC", "kid": "no curve"},
        short,
        "not a key",
    ]
    assert keys_in({"keys": published}) == {}
    for wrong in ({}, {"keys": None}, {"keys": "x"}):
        with pytest.raises(ValueError):
            keys_in(wrong)
