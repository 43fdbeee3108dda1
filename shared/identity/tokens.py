"""Access tokens: JSON web tokens (RFC 9068) signed with Ed25519 (RFC 8037), which every service verifies alone.

Only one algorithm and the keys that were configured count: what a token's header says of keys is not followed.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast, get_args

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from shared.errors import Unauthenticated
from shared.identity import Role

ALGORITHM = "Ed25519"
AUDIENCE = ISSUER = "quorate"
TYPE = "at+jwt"
LIFETIME_S = 600.0
MAX_TOKEN_LENGTH = 4_000
KEY_BYTES = 32
SKEW_S = 5.0
"""So far the clocks of two machines may be apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a token says: who it is, for which team, with which roles, by which session, and until when. epoch: the
    person's, as the session began: in a later one it has ended."""

    person: str
    name: str
    team: str
    roles: tuple[Role, ...]
    session: str
    epoch: int
    expires_at: float


class Signer:
    """Signs tokens with one private key; `key` as a JSON web key with a `kid`."""

    def __init__(self, key: Mapping[str, str]) -> None:
        self._key = OKPKey.import_key(dict(key))
        self._header = {"alg": ALGORITHM, "typ": TYPE, "kid": key["kid"]}

    def token(self, claims: Claims, now: float) -> str:
        content = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": claims.person,
            "name": claims.name,
            "team": claims.team,
            "roles": list(claims.roles),
            "sid": claims.session,
            "epoch": claims.epoch,
            "iat": int(now),
            "exp": claims.expires_at,
        }
        return jwt.encode(self._header, content, self._key, algorithms=[ALGORITHM])


class Verifier:
    """Verifies tokens by public keys, as JSON web keys with a `kid` each: two while one takes over from the other."""

    def __init__(self, keys: Sequence[Mapping[str, str]]) -> None:
        self._keys = {key["kid"]: OKPKey.import_key(dict(key)) for key in keys}

    def verified(self, token: str, now: float) -> Claims:
        """What a token says that one of the keys signed for us, and that is valid now. Raises Unauthenticated."""
        try:
            read = jwt.decode(token, self._keys[_key_id(token)], algorithms=[ALGORITHM])
            return _claims(read.header, read.claims, now)
        except (JoseError, KeyError, TypeError, ValueError) as error:
            raise Unauthenticated("the token is not valid, or not any more: sign in again") from error


def _key_id(token: str) -> str:
    """The `kid` of a token's header. Raises KeyError and ValueError."""
    if len(token) > MAX_TOKEN_LENGTH:
        raise ValueError("too long for a token of ours")
    return str(json.loads(urlsafe_b64decode(token.partition(".")[0].encode()))["kid"])


def _claims(header: Mapping[str, Any], claims: Mapping[str, Any], now: float) -> Claims:
    """Raises KeyError, TypeError and ValueError where a claim is missing, of the wrong kind, or not for now and us."""
    roles = tuple(claims["roles"])
    is_ours = header.get("typ") == TYPE and claims["iss"] == ISSUER and claims["aud"] == AUDIENCE
    is_now = claims["iat"] - SKEW_S <= now < claims["exp"] <= claims["iat"] + LIFETIME_S + SKEW_S
    texts = tuple(claims[name] for name in ("sub", "name", "team", "sid"))
    epoch = claims["epoch"]
    is_whole = all(isinstance(one, str) for one in texts) and type(epoch) is int
    if not (is_ours and is_now and is_whole and set(roles) <= set(get_args(Role))):
        raise ValueError("not a token for us, now")
    person, name, team, session = texts
    return Claims(
        person=person, name=name, team=team, roles=roles, session=session, epoch=epoch, expires_at=float(claims["exp"])
    )


def new_key(kid: str) -> dict[str, str]:
    """A new private key, as a JSON web key."""
    made = cast("dict[str, str]", OKPKey.generate_key("Ed25519", private=True).as_dict(private=True))
    return made | {"kid": kid}


def key_pairs_in(text: str) -> list[dict[str, str]]:
    """Private keys as a setting has them, `<kid>:<32 bytes in hex>` with commas between, as JSON web keys. Raises
    ValueError."""

    def pair(kid: str, seed: bytes) -> dict[str, str]:
        private = Ed25519PrivateKey.from_private_bytes(seed)
        return _key(kid, private.public_key().public_bytes_raw()) | {"d": _text(seed)}

    return [pair(kid, seed) for kid, seed in _named(text)]


def public_keys_in(text: str) -> list[dict[str, str]]:
    """Public keys, in the same form. Raises ValueError."""
    return [_key(kid, raw) for kid, raw in _named(text)]


def _named(text: str) -> list[tuple[str, bytes]]:
    named = [one.strip().partition(":") for one in text.split(",") if one.strip()]
    if not named or not all(kid and len(digits) == 2 * KEY_BYTES for kid, _, digits in named):
        raise ValueError("keys are written <name>:<64 hexadecimal digits>, with commas between")
    return [(kid, bytes.fromhex(digits)) for kid, _, digits in named]


def _key(kid: str, raw: bytes) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": _text(raw)}


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode()


def public(key: Mapping[str, str]) -> dict[str, str]:
    """The public half of a private key."""
    return {name: value for name, value in key.items() if name != "d"}
