"""A provider's key, and ID tokens that it signs or that somebody forges."""

import base64
import hashlib
import json
from typing import Any
from urllib.parse import parse_qs

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey

from services.accounts.oidc.attempt import Attempt
from services.accounts.oidc.id_token import Expected, keys_in
from services.accounts.oidc.terms import ProviderTerms

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


class FakeProvider(httpx.AsyncBaseTransport):
    """Answers as a provider does, counts what it is asked, and redeems a code for whoever has the verifier."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.metadata: dict[str, Any] = dict(METADATA)
        self.published: dict[str, Any] = PUBLISHED
        self.token = signed()
        self.challenge = ""
        self.answers: dict[str, httpx.Response] = {}
        self.sent: dict[str, list[str]] = {}
        self.authorization = ""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.asked.append(path)
        answer = self.answers.get(path) or self._answer(path, request)
        is_on_its_way = not answer.is_closed
        return (
            answer
            if is_on_its_way
            else httpx.Response(answer.status_code, headers=answer.headers, stream=httpx.ByteStream(answer.content))
        )

    def _answer(self, path: str, request: httpx.Request) -> httpx.Response:
        if path == "/token":
            return self._redeem(request.content.decode(), request.headers.get("authorization", ""))
        return httpx.Response(200, json=self.published if path == "/keys" else self.metadata)

    def _redeem(self, body: str, authorization: str) -> httpx.Response:
        self.sent, self.authorization = parse_qs(body), authorization
        verifier = hashlib.sha256(self.sent["code_verifier"][0].encode()).digest()
        if base64.urlsafe_b64encode(verifier).rstrip(b"=").decode() != self.challenge:
            return httpx.Response(400, json={"error": "invalid_grant"})
        return httpx.Response(200, json={"access_token": "a", "token_type": "Bearer", "id_token": self.token})
