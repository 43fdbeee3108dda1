"""Which addresses of a provider are asked: encrypted ones, and this machine.

Without TLS only this machine is asked, which is known by the name `localhost` or by a literal loopback address: no name
is looked up to tell. The guarded client (`shared/fetching`) reaches the open network alone, and what
QUORATE_OIDC_NETWORKS names: the operator chose the issuer, but the provider's document names where keys and tokens are
fetched, and whoever answers in its place must not lead the platform into its own network (decision 0031).
"""

import ipaddress
import re
from urllib.parse import urlsplit

_PLAIN = re.compile(r"[!-~]+")
_TWO_WAYS = re.compile(r'[\\"<>^`{|}]')
"""What one reader of addresses takes for another thing than the next."""


def is_safe(url: object) -> bool:
    """Whether nobody between here and there can read or change what is said."""
    if not isinstance(url, str) or not _PLAIN.fullmatch(url) or _TWO_WAYS.search(url):
        return False
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    is_encrypted = parts.scheme == "https" and bool(host)
    return "@" not in parts.netloc and (is_encrypted or (parts.scheme == "http" and _is_this_machine(host)))


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
