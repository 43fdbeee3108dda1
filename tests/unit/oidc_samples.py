"""A provider's key, and ID tokens that it signs or that somebody forges."""

import base64
import hashlib
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from services.accounts.oidc.attempt import Attempt
from services.accounts.oidc.id_token import Expected, keys_in
from services.accounts.oidc.terms import ProviderTerms
from shared.fetching import Answer, Fetcher

NOW = 1_800_000_000.0
ISSUER = "https://id.example"
CLIENT = "quorate"
ATTEMPT = Attempt(state="s" * 43, nonce="n" * 43, verifier="v" * 43)
EXPECTED = Expected(issuer=ISSUER, client_id=CLIENT, nonce=ATTEMPT.nonce)
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
OTHER = RSAKey.generate_key(2048, {"kid": "one"})
PUBLISHED = {"keys": [KEY.as_dict(private=False)]}
KEYS = keys_in(PUBLISHED)
HEADER = {"alg": "RS256", "kid": "one"}
CLAIMS = {
    "iss": ISSUER,
    "aud": CLIENT,
    "sub": "ann@id",
    "nonce": ATTEMPT.nonce,
    "iat": int(NOW),
    "exp": int(NOW) + 300,
    "name": "Ann",
    "groups": ["labelers"],
}
TERMS = ProviderTerms(
    issuer=ISSUER,
    name="Example",
    client_id=CLIENT,
    client_secret="a secret",
    scopes="openid profile",
    claim="groups",
    roles={"labelers": {"first": ("operator",)}},
    return_url="https://quorate.example/sign-in/return",
)
METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/keys",
}


def signed(key=KEY, header=HEADER, algorithms=("RS256",), **changes: Any) -> str:
    content = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
    return jwt.encode(dict(header), content, key, algorithms=list(algorithms))


def part(value: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def answered(status: int, told: Any = None, *, body: bytes | None = None, **headers: str) -> Answer:
    """An answer of a provider: JSON, or these bytes."""
    return Answer(status=status, headers=headers, body=json.dumps(told).encode() if body is None else body)


class FakeProvider(Fetcher):
    """Answers as a provider does, counts what it is asked, and redeems a code for whoever has the verifier."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.metadata: dict[str, Any] = dict(METADATA)
        self.published: dict[str, Any] = PUBLISHED
        self.token = signed()
        self.challenge = ""
        self.answers: dict[str, Answer] = {}
        self.sent: dict[str, list[str]] = {}
        self.authorization = ""

    async def send(self, method, url, *, bounds, headers=None, content=b"", take=None) -> Answer:
        path = urlsplit(url).path
        self.asked.append(path)
        return self.answers.get(path) or self._answer(path, dict(headers or {}), content.decode())

    def _answer(self, path: str, headers: dict[str, str], body: str) -> Answer:
        if path == "/token":
            return self._redeem(body, headers.get("Authorization", ""))
        return answered(200, self.published if path == "/keys" else self.metadata)

    def _redeem(self, body: str, authorization: str) -> Answer:
        self.sent, self.authorization = parse_qs(body), authorization
        verifier = hashlib.sha256(self.sent["code_verifier"][0].encode()).digest()
        if base64.urlsafe_b64encode(verifier).rstrip(b"=").decode() != self.challenge:
            return answered(400, {"error": "invalid_grant"})
        return answered(200, {"access_token": "a", "token_type": "Bearer", "id_token": self.token})
