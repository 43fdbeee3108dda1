"""Access tokens and keys, and what is forged of them."""

import base64
import json

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from shared.errors import Unauthenticated
from shared.identity.keys import key_id_of, key_of
from shared.identity.tokens import ALGORITHM, LIFETIME_S, Claims, Signer, Verifier, new_key, public

NOW = 1_800_000_000.0
KEY = new_key("one")
CLAIMS = Claims(
    person="p1", name="Ann", team="first", roles=("operator",), session="s1", epoch=0, expires_at=NOW + LIFETIME_S
)
CONTENT = {
    "iss": "quorate",
    "aud": "quorate",
    "sub": "p1",
    "name": "Ann",
    "team": "first",
    "roles": ["operator"],
    "sid": "s1",
    "epoch": 0,
    "iat": int(NOW),
    "exp": NOW + LIFETIME_S,
}
HEADER = {"alg": ALGORITHM, "typ": "at+jwt", "kid": "one"}


def forged(key=KEY, header=HEADER, **changes) -> str:
    content = {name: value for name, value in (CONTENT | changes).items() if value is not None}
    return jwt.encode(dict(header), content, OKPKey.import_key(dict(key)), algorithms=[ALGORITHM])


def test_what_is_signed_is_what_is_read():
    assert Verifier([public(KEY)]).verified(Signer(KEY).token(CLAIMS, NOW), NOW) == CLAIMS


def test_a_forgery_differs_from_a_good_token_in_one_thing_only():
    assert Verifier([public(KEY)]).verified(forged(), NOW) == CLAIMS


def _part(value: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _confused() -> str:
    """Signed by the text of the public key, as a shared secret."""
    secret = OctKey.import_key(json.dumps(public(KEY)))
    return jwt.encode({"alg": "HS256", "typ": "at+jwt", "kid": "one"}, CONTENT, secret, algorithms=["HS256"])


OTHER = new_key("one")
FORGERIES = {
    "nobody's": "",
    "not a token": "a.b.c",
    "no algorithm": f"{_part(HEADER | {'alg': 'none'})}.{_part(CONTENT)}.",
    "no signature": forged().rpartition(".")[0] + ".",
    "key confusion": _confused(),
    "another key of the same name": forged(OTHER),
    "a key in the header": forged(OTHER, HEADER | {"jwk": public(OTHER)}),
    "an unknown kid": forged(KEY, HEADER | {"kid": "two"}),
    "another audience": forged(aud="else"),
    "several audiences": forged(aud=["quorate", "else"]),
    "another issuer": forged(iss="else"),
    "another type": forged(header=HEADER | {"typ": "JWT"}),
    "expired": forged(exp=NOW),
    "from the future": forged(iat=int(NOW) + 60),
    "for ever": forged(exp=NOW + 10 * LIFETIME_S),
    "no end": forged(exp=None),
    "no session": forged(sid=None),
    "no epoch": forged(epoch=None),
    "an epoch in words": forged(epoch="0"),
    "an invented role": forged(roles=["root"]),
    "roles in one text": forged(roles="admin"),
    "a person that is no text": forged(sub=5),
    "another content": ".".join(
        [forged().split(".")[0], _part(CONTENT | {"roles": ["admin"]}), forged().split(".")[2]]
    ),
    "too long": forged(name="n" * 4_000),
}


@pytest.mark.parametrize("token", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_token_is_nobodys(token):
    with pytest.raises(Unauthenticated):
        Verifier([public(KEY)]).verified(token, NOW)


def test_two_keys_are_valid_while_one_takes_over():
    following = new_key("two")
    verifier = Verifier([public(KEY), public(following)])
    assert {verifier.verified(Signer(key).token(CLAIMS, NOW), NOW).person for key in (KEY, following)} == {"p1"}
    with pytest.raises(Unauthenticated):
        Verifier([public(following)]).verified(Signer(KEY).token(CLAIMS, NOW), NOW)


def test_a_token_is_valid_until_its_end_and_not_at_it():
    token = Signer(KEY).token(CLAIMS, NOW)
    verifier = Verifier([public(KEY)])
    assert verifier.verified(token, NOW + LIFETIME_S - 0.001) == CLAIMS
    with pytest.raises(Unauthenticated):
        verifier.verified(token, NOW + LIFETIME_S)


def test_a_key_tells_its_id_and_a_part_of_it_does_not():
    key = key_of("A" * 12, "z" * 32)
    assert key_id_of(key) == "A" * 12
    for wrong in (key[:-1], key + "0", key.replace("z", "y", 1), key[3:], "", "qk_"):
        with pytest.raises(Unauthenticated):
            key_id_of(wrong)
