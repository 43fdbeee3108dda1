"""The bus: events out, events in, at least once."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from shared.events import Message

Handler = Callable[[Any], Awaitable[None]]
"""Handles an event of the one type that its queue carries."""


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

    Delivery is at least once and in no certain order: a message is delivered until its handler returns. When a handler
    raises Unavailable or StorageFull, a dependency fails: the queue pauses, and the delivery does not count. Any other
    error is the message's own: it is tried again after a growing pause, and becomes a dead letter when it has failed as
    often as the delivery limit says. A message that cannot be parsed becomes a dead letter at once.
    """

    async def publish(self, messages: Sequence[Message]) -> None:
        """Publish messages; when this returns, they are durable in every required queue."""
        ...

    def consume(self, queue: str, handler: Handler, *, prefetch: int) -> None:
        """Deliver a queue's messages to `handler`, at most `prefetch` at a time, until the bus is closed."""
        ...

    async def depths(self) -> dict[str, int]:
        """How many messages wait or are handled, by queue, for the queues that this process consumes."""
        ...

    async def oldest(self) -> dict[str, float]:
        """When the oldest message began to wait that can be seen, by queue (seconds since the epoch), for the queues
        that this process consumes. A broker shows only those that it has handed to this process, and they are its
        oldest; a queue of which nothing can be seen is left out."""
        ...

    async def settle(self, queues: Collection[str]) -> None:
        """Return once what is in these queues now has been handled; they are consumed here.

        Where other processes consume them too, what those are handling is not seen.
        """
        ...

    async def dead_counts(self) -> dict[str, int]:
        """How many dead letters each queue has, those without any included."""
        ...

    async def dead_letters(self, limit: int, queues: Collection[str] | None = None) -> list[DeadLetter]:
        """The oldest dead letters of these queues (None: of all), `limit` of them at the most."""
        ...

    async def dead_letter(self, letter_id: str) -> tuple[DeadLetter, bytes]:
        """A dead letter and its body. Raises NotFound."""
        ...

    async def discard(self, letter_id: str, told: Sequence[Message] = ()) -> None:
        """Remove a dead letter for good, and publish what is told of it: never the one without the other, though on
        some buses it may have been told where a crash kept the letter. Raises NotFound, and tells nothing then."""
        ...

    async def replay(self, ids: Sequence[str] | None, told: Sequence[Message] = ()) -> int:
        """Put dead letters back into their queues (None: all of them), and publish what is told of it, as `discard`
        does; returns how many."""
        ...

    async def broadcast(self, body: bytes) -> None:
        """Send to every process that listens now. Nothing is stored, and it may be lost. Raises Unavailable."""
        ...

    def listen(self, listener: Callable[[bytes], None]) -> None:
        """Call `listener` with every broadcast, this process' own too, until the bus is closed."""
        ...

    async def drain(self) -> None:
        """Stop delivering and wait for the handlers that run; publishing goes on."""
        ...

    async def close(self) -> None:
        """Drain, and close."""
        ...
