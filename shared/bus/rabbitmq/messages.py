"""Messages as RabbitMQ carries them: their properties and headers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from aio_pika import DeliveryMode
from aio_pika import Message as AmqpMessage
from aio_pika.abc import AbstractIncomingMessage, HeadersType

from shared.bus import DeadLetter
from shared.bus.rabbitmq.topology import EXCHANGE, dead_queue
from shared.events import Message
from shared.routing import Topology
from shared.telemetry import trace

SUBJECT = "subject"
PUBLICATION = "quorate-publication"
"""An id of one publication, not of the event: it tells apart messages that were published twice."""
FAILURES = "quorate-failures"
"""How often a message had failed when it was put back into its queue."""
REASON = "quorate-reason"
DIED_AT = "quorate-died-at"
MAX_REASON = 1000
"""Headers must fit into one frame: a longer reason would break the connection, and the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message and where to publish it. `is_mandatory`: at least one queue must take it."""

    message: AmqpMessage
    exchange: str
    routing_key: str
    is_mandatory: bool


def outgoing(message: Message, at: float) -> Outgoing:
    """An event's message, for all queues of its type."""
    amqp = AmqpMessage(
        message.body,
        headers={SUBJECT: message.subject, PUBLICATION: trace.random_hex(8)},
        content_type="application/json",
        delivery_mode=DeliveryMode.PERSISTENT,
        message_id=message.id,
        type=message.type,
        timestamp=at,
    )
    is_mandatory = bool(Topology.ROUTES[message.type].required)
    return Outgoing(message=amqp, exchange=EXCHANGE, routing_key=message.type, is_mandatory=is_mandatory)


def requeued(message: AbstractIncomingMessage, queue: str, *, failures: int) -> Outgoing:
    """The same message for its own queue only; the broker counts its deliveries from zero again."""
    return _copy(message, queue, {FAILURES: failures} if failures else {})


def dead_lettered(message: AbstractIncomingMessage, queue: str, *, reason: str, at: float) -> Outgoing:
    """The same message for the dead letters of its queue."""
    reason = reason[:MAX_REASON].encode(errors="replace").decode()
    return _copy(message, dead_queue(queue), {REASON: reason, DIED_AT: repr(at)})  # the driver's floats have 32 bits


def _copy(message: AbstractIncomingMessage, queue: str, headers: HeadersType) -> Outgoing:
    kept = {name: message.headers[name] for name in (SUBJECT, PUBLICATION) if name in message.headers}
    amqp = AmqpMessage(
        message.body,
        headers={**kept, **headers},
        content_type=message.content_type,
        delivery_mode=DeliveryMode.PERSISTENT,
        message_id=message.message_id,
        type=message.type,
        timestamp=message.timestamp,
    )
    return Outgoing(message=amqp, exchange="", routing_key=queue, is_mandatory=True)


def failures(message: AbstractIncomingMessage) -> int:
    """How often a message has failed before: the count of the consumer that requeued it, and the lost deliveries."""
    return _count(message, FAILURES) + redeliveries(message)


def redeliveries(message: AbstractIncomingMessage) -> int:
    """How often the broker delivered a message before without getting an answer."""
    return _count(message, "x-delivery-count")


def _count(message: AbstractIncomingMessage, header: str) -> int:
    count = message.headers.get(header)
    return count if isinstance(count, int) else 0


def dead_letter_id(queue: str, message: AbstractIncomingMessage) -> str:
    """The id of a dead letter: its queue and its publication."""
    return f"{queue}:{message.headers.get(PUBLICATION) or message.message_id}"


def dead_letter(queue: str, message: AbstractIncomingMessage) -> DeadLetter:
    """A dead letter of a queue, whether a consumer or the broker gave the message up."""
    reason, died_at = _from_consumer(message.headers) or _from_broker(message.headers)
    return DeadLetter(
        id=dead_letter_id(queue, message),
        queue=queue,
        type=message.type or "",
        subject=str(message.headers.get(SUBJECT, "")),
        reason=reason,
        died_at=died_at,
    )


def _from_consumer(headers: HeadersType) -> tuple[str, float] | None:
    if REASON not in headers:
        return None
    return str(headers[REASON]), float(str(headers[DIED_AT]))


def _from_broker(headers: HeadersType) -> tuple[str, float]:
    deaths = cast("list[Mapping[str, Any]]", headers.get("x-death") or [{}])
    at = deaths[0].get("time")
    reason = f"the broker gave it up ({deaths[0].get('reason', 'it does not say why')}): no delivery was answered"
    return reason, at.timestamp() if isinstance(at, datetime) else 0.0
