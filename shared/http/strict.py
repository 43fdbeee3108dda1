"""Headers under which every answer leaves, unless its route has set them itself."""

INERT = "default-src 'none'; frame-ancestors 'none'; sandbox"
"""The policy of whatever is no page: opened in a browser it runs nothing, loads nothing, and is nobody's origin."""
STRICT = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", INERT.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
_NAMES = frozenset(name for name, _ in STRICT)


def make_strict(headers: list[tuple[bytes, bytes]]) -> None:
    """Add those that are lacking. Most answers have none of them: a look for that costs least."""
    there = [name for name, _ in headers if name in _NAMES]
    headers += [one for one in STRICT if one[0] not in there] if there else STRICT
