"""Signatures of deliveries as Standard Webhooks 1.0 has them. Pure: a secret's bytes are an argument.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence

PREFIX = "whsec_"
SECRET_BYTES = 32
ID_PREFIX = "msg_"


def secret_of(chance: bytes) -> str:
    """The text of a secret."""
    return PREFIX + base64.b64encode(chance).decode()


def headers_of(delivery_id: str, body: bytes, secrets: Sequence[str], now: float) -> dict[str, str]:
    """What is sent beside a body: an id that stays the same, the time of this try, and a signature by each secret."""
    message_id, timestamp = ID_PREFIX + delivery_id, str(int(now))
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(secret, signed) for secret in secrets),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
