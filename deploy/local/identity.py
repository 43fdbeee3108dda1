"""Keys that sign access tokens, for a platform on this machine with accounts."""

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Both halves, as the settings have them."""

    signing: str
    verifying: str


def pair(name: str) -> KeyPair:
    """A new key."""
    private = Ed25519PrivateKey.generate()
    signing, verifying = private.private_bytes_raw(), private.public_key().public_bytes_raw()
    return KeyPair(f"{name}:{signing.hex()}", f"{name}:{verifying.hex()}")


def settings(pairs: Sequence[KeyPair] = ()) -> dict[str, str]:
    """What switches accounts on, with these keys, of which the first signs; with a new one, where there are none."""
    pairs = pairs or [pair("one")]
    return {
        "QUORATE_AUTH": "on",
        "QUORATE_SIGNING_KEYS": ",".join(one.signing for one in pairs),
        "QUORATE_VERIFYING_KEYS": ",".join(one.verifying for one in pairs),
    }
