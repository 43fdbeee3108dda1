"""From which address a request comes, where proxies stand before the service, and what counts as one address."""

import ipaddress
from collections.abc import Iterable
from contextvars import ContextVar
from functools import lru_cache

from starlette.types import Scope

from shared.shares import Holder

FORWARDED = b"x-forwarded-for"
IPV6_PREFIX = 64
"""So many bits of an IPv6 address name one place; the rest is its choice."""
ADDRESSES_CACHED = 4_096
_address: ContextVar[str] = ContextVar("address", default="")


def forwarded_address(headers: Iterable[tuple[bytes, bytes]], proxies: int) -> str | None:
    """The address that so many proxies of the operator's saw, each of which appends the one that it was called from.

    What stands before those is the caller's invention. None where nothing like it was forwarded.
    """
    sent = b",".join(value for name, value in headers if name == FORWARDED).decode("latin-1")
    addresses = [one.strip() for one in sent.split(",")]
    if len(addresses) < proxies:
        return None
    try:
        return str(ipaddress.ip_address(addresses[-proxies]))
    except ValueError:
        return None


@lru_cache(ADDRESSES_CACHED)
def place_of(address: str) -> str:
    """What counts as one address: an IPv4 address, or the network of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:  # noqa: PLR2004
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False))


def enter(scope: Scope) -> None:
    """What is done from here on is done for this request."""
    client = scope.get("client")
    _address.set(client[0] if client else "")


def address_of_request() -> str:
    """From where the current request came; empty where that is not known."""
    return _address.get()


def holder_of(scope: Scope) -> Holder:
    """Who counts as the holder of what a request takes: its caller at its address."""
    client = scope.get("client")
    return Holder(place_of(client[0]) if client else "", scope["caller_name"])
