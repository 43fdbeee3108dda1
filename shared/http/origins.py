"""Pages of other sites: their visitors' browsers reach what listens here, must not change anything for them, and let
them read nothing, but for pages of the origins that are listed."""

from collections.abc import Collection, Mapping

from starlette.types import Scope

from shared.errors import Forbidden

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
"""Methods of requests that change something. A GET that does says so itself, by `refuse_foreign`."""
FOREIGN = "the request comes from a page of another site: QUORATE_ALLOWED_ORIGINS lists those that may change things"
SHARED_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
SHARED_REQUEST_HEADERS = (
    b"authorization, content-type, idempotency-key, if-match, last-event-id, traceparent, x-quorate-user, x-request-id"
)
SHARED_ANSWER_HEADERS = b"etag, location, retry-after, server-timing, x-request-id"
PREFLIGHT = b"access-control-request-method"
PREFLIGHT_KEPT_S = b"600"
_OWN_SITES = (b"same-origin", b"none")


def is_foreign(headers: Mapping[bytes, bytes], allowed_origins: Collection[str]) -> bool:
    """Whether a browser says that the request comes from a page of another origin; programs say nothing.

    allowed_origins: in lower case, those whose pages count as our own.
    """
    site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    if origin is not None:
        if origin.decode("latin-1").lower() in allowed_origins:
            return False
        if origin.partition(b"://")[2].lower() != headers.get(b"host", b"").lower():
            return True
    return site is not None and site not in _OWN_SITES


def refuse_foreign(scope: Scope) -> None:
    """For a GET that changes something. Raises Forbidden where the edge found the request to be foreign."""
    if scope["is_foreign"]:
        raise Forbidden(FOREIGN)


def sharing(headers: Mapping[bytes, bytes], allowed_origins: Collection[str]) -> list[tuple[bytes, bytes]]:
    """What lets the page that asks read the answer: nothing, unless its origin is listed.

    Cookies are not shared: such a page sends a key, and is never the person who is signed in beside it.
    """
    origin = headers.get(b"origin", b"")
    if origin.decode("latin-1").lower() not in allowed_origins:
        return []
    shared = [(b"access-control-allow-origin", origin), (b"vary", b"Origin")]
    if PREFLIGHT not in headers:
        return [*shared, (b"access-control-expose-headers", SHARED_ANSWER_HEADERS)]
    return [
        *shared,
        (b"access-control-allow-methods", SHARED_METHODS),
        (b"access-control-allow-headers", SHARED_REQUEST_HEADERS),
        (b"access-control-max-age", PREFLIGHT_KEPT_S),
    ]
