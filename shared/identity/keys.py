"""Keys for programs: `qk_<id>_<secret><checksum>`.

The checksum is the CRC-32 of what stands before it, in base 62 and six digits, as GitHub's tokens have it: a scanner
for secrets can tell a key from chance without asking anybody.
"""

import hashlib
import re
import zlib

from shared.errors import Unauthenticated

KEY_PREFIX = "qk_"
ID_DIGITS = 12
SECRET_DIGITS = 32
"""190 bits."""
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECKSUM_DIGITS = 6
_KEY = re.compile(f"qk_([0-9A-Za-z]{{{ID_DIGITS}}})_[0-9A-Za-z]{{{SECRET_DIGITS + _CHECKSUM_DIGITS}}}")


def key_of(key_id: str, secret: str) -> str:
    """The text of a key, from an id of 12 digits and a secret of 32 of them."""
    begun = f"{KEY_PREFIX}{key_id}_{secret}"
    return begun + _checksum(begun)


def key_id_of(text: str) -> str:
    """The id within a key. Raises Unauthenticated where it cannot be a key."""
    found = _KEY.fullmatch(text)
    if found is None or _checksum(text[:-_CHECKSUM_DIGITS]) != text[-_CHECKSUM_DIGITS:]:
        raise Unauthenticated("this is not a key of ours: it may have been cut short")
    return found[1]


def digest_of(text: str) -> str:
    """What is kept of a key or a session's secret: its SHA-256, in hexadecimal. Each has 190 random bits or more."""
    return hashlib.sha256(text.encode()).hexdigest()


def _checksum(text: str) -> str:
    left, digits = zlib.crc32(text.encode()), ""
    for _ in range(_CHECKSUM_DIGITS):
        left, digit = divmod(left, len(DIGITS))
        digits = DIGITS[digit] + digits
    return digits
