"""What the notifier keeps: webhooks, and deliveries to them."""

from collections.abc import Callable, Sequence
from typing import Protocol

from services.notifier.delivery import Delivery, DeliveryState
from services.notifier.domain import Webhook
from shared.audit import AuditEntry
from shared.outbox import Outbox

ChangeWebhook = Callable[[Webhook, float], Webhook]
ChangeDelivery = Callable[[Delivery, float], Delivery]
"""A rule, called with the present state and the time (epoch seconds); it returns the new state, or raises a refusal. It
may be called more than once. If it raises, or returns the state that it was given, nothing is saved."""


class NotifierStore(Outbox, Protocol):
    """Every change is one atomic write by a rule, together with what the audit notes of it."""

    async def add_webhook(self, webhook: Webhook, *, noted: Sequence[AuditEntry] = ()) -> None:
        """Save a new webhook."""
        ...

    async def webhook(self, webhook_id: str) -> Webhook:
        """Raises NotFound."""
        ...

    async def webhooks(self, team: str) -> list[Webhook]:
        """A team's webhooks, in the order of their ids."""
        ...

    async def change_webhook(
        self, webhook_id: str, change: ChangeWebhook, *, noted: Sequence[AuditEntry] = ()
    ) -> Webhook:
        """Returns the new state. Raises NotFound, and what the rule raises."""
        ...

    async def remove_webhook(self, webhook_id: str, *, noted: Sequence[AuditEntry] = ()) -> None:
        """Remove a webhook; one that is not there is removed already, and nothing is noted. Its deliveries stay until
        they are forgotten."""
        ...

    async def add_delivery(self, delivery: Delivery) -> bool:
        """Save a new delivery. False, with nothing changed, where there is one with its id."""
        ...

    async def delivery(self, delivery_id: str) -> Delivery:
        """Raises NotFound."""
        ...

    async def change_delivery(
        self, delivery_id: str, change: ChangeDelivery, *, noted: Sequence[AuditEntry] = ()
    ) -> Delivery:
        """Returns the new state. Raises NotFound, and what the rule raises."""
        ...

    async def deliveries(
        self, webhook_id: str, *, state: DeliveryState | None, before: str, limit: int
    ) -> list[Delivery]:
        """A webhook's deliveries, the newest first, those behind the key `before`, which `key_of` makes; empty: all."""
        ...

    async def busy(self, *, now: float, after: str, limit: int) -> list[str]:
        """Webhooks of which a delivery is due, in the order of their ids, those behind `after`. Each costs the same,
        however many deliveries of it are due."""
        ...

    async def due(self, webhook_id: str, *, now: float, limit: int) -> list[Delivery]:
        """Deliveries of a webhook that are due, those that have been so for longest at the front."""
        ...

    async def lapsing(self, *, expired_before: float, limit: int) -> list[str]:
        """Deliveries that wait though their time was over before an instant."""
        ...

    async def forget_deliveries_of(self, webhook_id: str, limit: int) -> int:
        """Remove deliveries of a webhook; returns how many."""
        ...

    async def forget_deliveries(self, *, made_before: float, limit: int) -> int:
        """Remove deliveries that have come to an end and were made before an instant; returns how many."""
        ...

    async def waiting(self) -> int:
        """How many deliveries wait to arrive, up to 1,000."""
        ...
