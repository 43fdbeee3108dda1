"""A provider, as the accounts service talks to it."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import orjson
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.client import OAuth2Client

from services.accounts.oidc import id_token
from services.accounts.oidc.addresses import is_safe
from services.accounts.oidc.attempt import Answer, Attempt
from services.accounts.oidc.fetching import Fetching, unanswered
from services.accounts.oidc.id_token import Expected, Keys, UnknownKey
from services.accounts.oidc.terms import ProviderTerms
from shared.clock import Clock
from shared.errors import Unauthenticated, Unavailable
from shared.fetching import Answer as Fetched
from shared.fetching import Fetcher
from shared.steady_clock import wall_of

log = logging.getLogger(__name__)

WELL_KNOWN = "/.well-known/openid-configuration"
KNOWN_S = 3_600.0
"""For so long goes what a provider said of itself and of its keys."""
FETCHED_AGAIN_S = 30.0
"""For a key that is not among them the keys are fetched again, at most so often."""
FAILED_S = 5.0
"""So long nothing is fetched after a try that failed: nobody waits in a row for what does not answer."""
BASIC, BY_BODY = "client_secret_basic", "client_secret_post"
FORM = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"}
SUCCESS, FAILED = 200, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What a provider says of itself (OpenID Connect Discovery 1.0).

    is_named_in_answers: whether each of its answers says whose it is (RFC 9207).
    """

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    auth_methods: tuple[str, ...] = (BASIC,)
    is_named_in_answers: bool = False


class _CodeClient(OAuth2Client):
    """Authlib's client of the flow, on our own. It hands the answer on as it is: no access token is wanted."""

    async def _fetch_token(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, url: str, body: str, headers: dict[str, str], auth: ClientAuth, **_: object
    ) -> Fetched:
        url, headers, body = auth.prepare("POST", url, headers, body)
        fetching: Fetching = self.session
        return await fetching.send("POST", url, headers, body.encode())


class Provider:
    """Sends people to a provider, and reads what it says of those who come back."""

    def __init__(self, terms: ProviderTerms, clock: Clock, fetcher: Fetcher) -> None:
        self.terms = terms
        self._clock = clock
        self._wall = wall_of(clock)
        self._http = Fetching(fetcher)
        self._client = _CodeClient(
            self._http,
            client_id=terms.client_id,
            client_secret=terms.client_secret,
            scope=terms.scopes,
            redirect_uri=terms.return_url,
            code_challenge_method="S256",
        )
        self._fetching = asyncio.Lock()
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: tuple[float, Keys] | None = None
        self._failed_at = -FAILED_S

    async def address(self, attempt: Attempt) -> str:
        """Where the browser goes to sign in. Raises Unavailable."""
        metadata = await self._known_metadata()
        url, _ = self._client.create_authorization_url(
            metadata.authorization_endpoint,
            state=attempt.state,
            nonce=attempt.nonce,
            code_verifier=attempt.verifier,
            response_type="code",
        )
        return url

    async def claims(self, answer: Answer, attempt: Attempt) -> Mapping[str, Any]:
        """What the provider says of the person who came back. Raises Unauthenticated and Unavailable."""
        metadata = await self._known_metadata()
        if answer.issuer != self.terms.issuer and (answer.issuer is not None or metadata.is_named_in_answers):
            raise Unauthenticated("another provider sent you back: begin again")
        token = await self._redeemed(metadata, answer.code, attempt.verifier)
        expected = Expected(issuer=self.terms.issuer, client_id=self.terms.client_id, nonce=attempt.nonce)
        asked_at = self._clock()
        try:
            return id_token.verified(token, await self._known_keys(metadata), expected, self._wall())
        except UnknownKey:  # it may be new
            keys = await self._known_keys(metadata, since=asked_at - FETCHED_AGAIN_S)
            return id_token.verified(token, keys, expected, self._wall())

    async def close(self) -> None:
        await self._http.close()

    async def _redeemed(self, metadata: Metadata, code: str, verifier: str) -> str:
        """The ID token that a code is good for. Raises Unauthenticated and Unavailable."""
        is_basic = BASIC in metadata.auth_methods or BY_BODY not in metadata.auth_methods
        method = "none" if self.terms.client_secret is None else BASIC if is_basic else BY_BODY
        answer: Fetched = await self._client.fetch_token(
            metadata.token_endpoint,
            grant_type="authorization_code",
            code=code,
            code_verifier=verifier,
            auth=self._client.client_auth(method),
            headers=dict(FORM),
        )
        told = _told_in(answer)
        if answer.status >= FAILED or (answer.status == SUCCESS and told is None):
            raise unanswered()
        token = (told or {}).get("id_token")
        if answer.status != SUCCESS or not isinstance(token, str):
            raise _refused((told or {}).get("error") or f"status {answer.status}, and no ID token")
        return token

    async def _known_metadata(self) -> Metadata:
        async with self._fetching:
            if self._metadata is None or self._clock() >= self._metadata[0] + KNOWN_S:
                told = await self._document(self.terms.issuer.rstrip("/") + WELL_KNOWN)
                self._metadata = self._clock(), _metadata_in(told, self.terms.issuer)
            return self._metadata[1]

    async def _known_keys(self, metadata: Metadata, *, since: float | None = None) -> Keys:
        """The provider's keys, fetched at this time or later."""
        async with self._fetching:
            oldest = self._clock() - KNOWN_S if since is None else since
            if self._keys is None or self._keys[0] <= oldest:
                told = await self._document(metadata.jwks_uri)
                try:
                    self._keys = self._clock(), id_token.keys_in(told)
                except ValueError as error:
                    raise unanswered() from error
            return self._keys[1]

    async def _document(self, url: str) -> Mapping[str, Any]:
        """A document of the provider's. Raises Unavailable."""
        if self._clock() < self._failed_at + FAILED_S:
            raise unanswered()
        try:
            return await self._fetched(url)
        except Unavailable:
            self._failed_at = self._clock()
            raise

    async def _fetched(self, url: str) -> Mapping[str, Any]:
        """Raises Unavailable."""
        answer = await self._http.send("GET", url, {"Accept": "application/json"})
        told = _told_in(answer) if answer.status == SUCCESS else None
        if told is None:
            log.warning("the provider answers %d to %s, and not with a document", answer.status, url)
            raise unanswered()
        return told


def _told_in(answer: Fetched) -> dict[str, Any] | None:
    """The object that an answer holds as JSON; None where it does not."""
    try:
        told: Any = orjson.loads(answer.body)
    except ValueError:
        return None
    return cast("dict[str, Any]", told) if isinstance(told, dict) else None


def _metadata_in(told: Mapping[str, Any], issuer: str) -> Metadata:
    """Raises Unavailable where it is another issuer's, or an address in it is not safe."""
    addresses = [told.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
    if told.get("issuer") != issuer or not all(isinstance(one, str) and is_safe(one) for one in addresses):
        log.warning("the provider's document is not that of %s, or has addresses without TLS", issuer)
        raise unanswered()
    methods = told.get("token_endpoint_auth_methods_supported")
    return Metadata(
        authorization_endpoint=str(addresses[0]),
        token_endpoint=str(addresses[1]),
        jwks_uri=str(addresses[2]),
        auth_methods=tuple(map(str, methods)) if isinstance(methods, list) else (BASIC,),
        is_named_in_answers=told.get("authorization_response_iss_parameter_supported") is True,
    )


def _refused(why: object) -> Unauthenticated:
    """Why is for whoever runs the platform: it may be a secret that is not right."""
    log.warning("the provider redeemed no code: %.100r", why)
    return Unauthenticated("the provider did not confirm that you signed in: begin again")
