"""The bus: events out, events in, at least once."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from shared.events import Message

Handler = Callable[[Any], Awaitable[None]]
"""Takes an event of the one type that its queue carries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that was given up, with the reason and when (seconds since the epoch)."""

    id: str
    queue: str
    type: str
    subject: str
    reason: str
    died_at: float


class Bus(Protocol):
    """Carries events between services.

    Delivery is at least once and in no certain order: a message is delivered again until its handler returned. A
    handler that raises Unavailable or StorageFull has met a failing dependency: its queue pauses, and the delivery does
    not count. Any other error is the message's own fault: it is tried again after a growing pause, and buried
    when it has failed as often as the delivery limit says. A message that cannot be parsed is dead-lettered at once.
    """

    async def publish(self, messages: Sequence[Message]) -> None:
        """Hand messages over; when this returns, they are durable in every required queue."""
        ...

    def consume(self, queue: str, handler: Handler, *, prefetch: int) -> None:
        """Deliver a queue's messages to `handler`, at most `prefetch` at a time, until the bus is closed."""
        ...

    async def depths(self) -> dict[str, int]:
        """How many messages wait or are being handled here, by queue, in those that are consumed here."""
        ...

    async def settle(self, queues: Collection[str]) -> None:
        """Return once what is in these queues now has been handled; they are consumed here.

        Where other processes consume them too, what those are handling is not seen.
        """
        ...

    async def dead_count(self) -> int:
        """How many dead letters there are."""
        ...

    async def dead_letters(self, limit: int) -> list[DeadLetter]:
        """The oldest dead letters, `limit` of them at the most."""
        ...

    async def replay(self, ids: Sequence[str] | None) -> int:
        """Put dead letters back into their queues (None: all of them); returns how many."""
        ...

    async def broadcast(self, body: bytes) -> None:
        """Send to every process that listens now. It is kept for nobody, and may be lost. Raises Unavailable."""
        ...

    def listen(self, listener: Callable[[bytes], None]) -> None:
        """Hand what is broadcast, by this process too, to `listener` until the bus is closed."""
        ...

    async def drain(self) -> None:
        """Stop delivering and wait for the handlers that run; publishing goes on."""
        ...

    async def close(self) -> None:
        """Drain, and close."""
        ...
