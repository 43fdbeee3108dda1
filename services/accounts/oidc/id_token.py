"""ID tokens, verified as OpenID Connect Core 3.1.3.7 says. Pure: time and keys are arguments.

Only algorithms with a public and a private key count, and only keys that the provider publishes: a token whose header
brings a key, or says where one is, is refused whatever else it says.
"""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

from shared.errors import Unauthenticated

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519")
KINDS: Mapping[str, type[RSAKey | ECKey | OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
BRINGS_A_KEY = frozenset({"jwk", "jku", "x5c", "x5u", "crit"})
"""Header fields that would have somebody else's key counted, and `crit`, none of whose extensions is known here."""
MIN_RSA_BITS = 2_048
MAX_TOKEN_LENGTH = 64_000
MAX_SUBJECT = 255
SKEW_S = 60.0
"""So far the clocks of the provider and of this machine may be apart."""
MAX_AGE_S = 600.0
"""An ID token is for signing in now: an older one is refused, however long it says that it is valid."""

Keys = Mapping[str | None, RSAKey | ECKey | OKPKey]
"""A provider's keys by their `kid`; None: the only key, where it has no `kid`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What an ID token has to be about: its issuer, this client of it, and the sign-in that asked for it."""

    issuer: str
    client_id: str
    nonce: str


class UnknownKey(Unauthenticated):
    """The token names a key that the provider did not publish, or not yet when its keys were fetched."""


def keys_in(published: Mapping[str, Any]) -> Keys:
    """The keys of a JWK set that can verify a signature; the others are left out. Raises ValueError."""
    listed = published.get("keys")
    if not isinstance(listed, list):
        raise ValueError("no list of keys")  # noqa: TRY004 - a wrong content, not a wrong call
    found: dict[str | None, RSAKey | ECKey | OKPKey] = {}
    for one in cast("list[Any]", listed):
        fields = cast("dict[str, Any]", one) if isinstance(one, dict) else {}
        key, kid = _key(fields), fields.get("kid")
        if key is not None:
            found[kid if isinstance(kid, str) else None] = key
    return found


def _key(published: Mapping[str, Any]) -> RSAKey | ECKey | OKPKey | None:
    """A public key; None where it verifies no signature, cannot be read, or is too short."""
    if published.get("kty") not in KINDS or published.get("use", "sig") != "sig":
        return None
    public = {name: value for name, value in published.items() if name in {"kty", "n", "e", "crv", "x", "y", "alg"}}
    try:
        is_short = public["kty"] == "RSA" and len(urlsafe_b64decode(public["n"].encode())) * 8 < MIN_RSA_BITS
        return None if is_short else KINDS[public["kty"]].import_key(public)
    except (AttributeError, JoseError, KeyError, TypeError, ValueError):
        return None


def verified(token: str, keys: Keys, expected: Expected, now: float) -> Mapping[str, Any]:
    """The claims of a token that the provider signed for this sign-in. Raises Unauthenticated, and UnknownKey."""
    try:
        header = _header(token)
        key = keys.get(header.get("kid")) or (_only(keys) if "kid" not in header else None)
        if key is None:
            raise UnknownKey("the provider signed by a key that it does not publish: try again")
        registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        claims = jwt.decode(token, key, algorithms=ALGORITHMS, registry=registry).claims  # a key for `alg` alone
        _check(claims, expected, now)
    except (JoseError, KeyError, TypeError, ValueError) as error:
        raise Unauthenticated("what the provider said of you is not valid: sign in again") from error
    return claims


def _header(token: str) -> Mapping[str, Any]:
    """Raises ValueError for a header that is not one, or brings a key."""
    if len(token) > MAX_TOKEN_LENGTH:
        raise ValueError("too long for an ID token")
    header: Any = json.loads(urlsafe_b64decode(token.partition(".")[0].encode()))
    if not isinstance(header, dict) or not BRINGS_A_KEY.isdisjoint(cast("dict[str, Any]", header)):
        raise ValueError("not the header of an ID token")
    return cast("dict[str, Any]", header)


def _only(keys: Keys) -> RSAKey | ECKey | OKPKey | None:
    """The key of a provider that has one; a token need not name it."""
    return next(iter(keys.values())) if len(keys) == 1 else None


def _check(claims: Mapping[str, Any], expected: Expected, now: float) -> None:
    """Raises KeyError, TypeError and ValueError where a claim is missing, or is not for this sign-in."""
    audience = cast("list[Any]", claims["aud"]) if isinstance(claims["aud"], list) else [claims["aud"]]
    is_for_us = expected.client_id in audience and claims.get("azp", expected.client_id) == expected.client_id
    if len(audience) > 1 and "azp" not in claims:
        raise ValueError("of several audiences none is said to be meant")
    is_now = now - MAX_AGE_S - SKEW_S <= claims["iat"] <= now + SKEW_S and now - SKEW_S < claims["exp"]
    is_asked = hmac.compare_digest(str(claims["nonce"]).encode(), expected.nonce.encode())
    if not (claims["iss"] == expected.issuer and is_for_us and is_now and is_asked):
        raise ValueError("not for this sign-in")
    if not isinstance(claims["sub"], str) or not 1 <= len(claims["sub"]) <= MAX_SUBJECT:
        raise ValueError("nobody is named")
