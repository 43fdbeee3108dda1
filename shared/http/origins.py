"""Pages of other sites: their visitors' browsers reach what listens here, and must not change anything for them."""

from collections.abc import Collection, Mapping

from starlette.types import Scope

from shared.errors import Forbidden

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
"""Methods of requests that change something. A GET that does says so itself, by `refuse_foreign`."""
FOREIGN = "the request comes from a page of another site: QUORATE_ALLOWED_ORIGINS lists those that may change things"
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
