"""How webhooks and deliveries are stored. Each is at its first schema."""

from services.notifier.delivery import Delivery
from services.notifier.domain import Webhook
from shared.codec import Codec

WEBHOOKS = Codec(Webhook)
DELIVERIES = Codec(Delivery)
LAST = "\x7f"
"""Behind every key."""
COUNTED = 1_000
SOURCE = "quorate/notifier"
"""Where its events come from."""


def key_of(delivery: Delivery) -> str:
    """Where a delivery stands among those of its webhook: by the time at which it was made."""
    return f"{int(delivery.created_at * 1_000_000):016x}{delivery.id}"
