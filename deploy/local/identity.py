"""Keys that sign access tokens, for a platform on this machine with accounts."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def settings() -> dict[str, str]:
    """What switches accounts on, with a new key."""
    private = Ed25519PrivateKey.generate()
    signing, verifying = private.private_bytes_raw(), private.public_key().public_bytes_raw()
    return {
        "QUORATE_AUTH": "on",
        "QUORATE_SIGNING_KEYS": f"one:{signing.hex()}",
        "QUORATE_VERIFYING_KEYS": f"one:{verifying.hex()}",
    }
