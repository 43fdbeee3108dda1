"""Sends deliveries that are due.

Each webhook has a lane: a few tries at a time, and one only after a try that failed, so a receiver that is down holds
up nobody but itself. A try is saved before it begins and after it has ended; one whose process died is begun anew.
"""

import asyncio
import contextlib
import logging
import math
import random
import secrets
import time
from functools import partial

from services.notifier import delivery as deliveries
from services.notifier import domain, signing
from services.notifier.delivery import GONE, KEPT_S, Delivery, Schedule, Try
from services.notifier.domain import Webhook
from services.notifier.metrics import DeliveryMetrics
from services.notifier.store import NotifierStore
from shared.clock import Clock
from shared.ending import ended
from shared.errors import NotFound, QuorateError
from shared.fetching import Bounds, Fetcher
from shared.looking import Looking
from shared.steady_clock import wall_of
from shared.telemetry.trouble import Trouble

log = logging.getLogger(__name__)

LOOK_S = 0.5
"""Between two looks for what is due."""
SWEEP_S = 60.0
LANES = 500
WIDTH = 4
"""Tries of one webhook at a time."""
TRIES_AT_ONCE = 64
BATCH = 500
LAST_TRY_S = 60.0
"""So long after its time a delivery may still be tried the last time."""
USER_AGENT = "Quorate-Webhooks"


class Sender:
    """Sends from `start` to `close`."""

    def __init__(
        self,
        store: NotifierStore,
        fetcher: Fetcher,
        clock: Clock,
        schedule: Schedule,
        bounds: Bounds,
        metrics: DeliveryMetrics,
    ) -> None:
        self._store = store
        self._fetcher = fetcher
        self._clock = clock
        self._wall = wall_of(clock)
        self._schedule = schedule
        self._bounds = bounds
        self._metrics = metrics
        self._turns = asyncio.Semaphore(TRIES_AT_ONCE)
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._failing: set[str] = set()
        self._after = ""
        self._sweeping = Trouble(log, "old deliveries stay")
        self._swept_at = -math.inf
        waiting = Trouble(log, "webhooks wait")
        self._looking = Looking(self._look, every_s=LOOK_S, trouble=waiting, name="send webhooks")

    def start(self) -> None:
        self._looking.start()

    def wake(self) -> None:
        """There may be something to send."""
        self._looking.wake()

    async def close(self) -> None:
        """Stop; tries under way are begun anew later, with the same ids."""
        await self._looking.close()
        await ended(*self._lanes.values())

    async def sweep(self) -> None:
        """End deliveries whose time is over, and remove old ones."""
        now = self._clock()
        for delivery_id in await self._store.lapsing(expired_before=now - LAST_TRY_S, limit=BATCH):
            with contextlib.suppress(NotFound):
                await self._store.change_delivery(delivery_id, deliveries.lapsed)
        while await self._store.forget_deliveries(made_before=now - KEPT_S, limit=BATCH) == BATCH:
            pass

    async def _look(self) -> None:
        if time.monotonic() >= self._swept_at + SWEEP_S:
            with self._sweeping:
                await self.sweep()
            self._swept_at = time.monotonic()
        await self._begin_lanes()

    async def _begin_lanes(self) -> None:
        """Begin a lane for each webhook that has something due and has none, going round where they are many."""
        while (room := LANES - len(self._lanes)) > 0:
            found = await self._store.busy(now=self._clock(), after=self._after, limit=room)
            for webhook_id in found:
                if webhook_id not in self._lanes:
                    self._lanes[webhook_id] = asyncio.create_task(self._lane(webhook_id))
            self._after = found[-1] if len(found) == room else ""
            if not self._after:
                return

    async def _lane(self, webhook_id: str) -> None:
        try:
            while await self._round(webhook_id):
                pass
        except QuorateError as error:
            log.warning("a webhook waits: %s", error.detail, extra={"webhook": webhook_id})
        except Exception:  # what is due stays so; the next look begins anew
            log.exception("a webhook waits", extra={"webhook": webhook_id})
        finally:
            del self._lanes[webhook_id]

    async def _round(self, webhook_id: str) -> bool:
        """Try some deliveries of a webhook; says whether there may be more."""
        try:
            webhook = await self._store.webhook(webhook_id)
        except NotFound:
            self._failing.discard(webhook_id)
            return await self._store.forget_deliveries_of(webhook_id, BATCH) == BATCH
        if webhook.paused:
            return False
        width = 1 if webhook_id in self._failing else WIDTH
        due = await self._store.due(webhook_id, now=self._clock(), limit=width)
        await asyncio.gather(*(self._deliver(webhook, one) for one in due))
        return bool(due)

    async def _deliver(self, webhook: Webhook, due: Delivery) -> None:
        holder = secrets.token_hex(8)
        claim = partial(deliveries.claimed, holder=holder, schedule=self._schedule)
        async with self._turns:
            with contextlib.suppress(NotFound):
                claimed = await self._store.change_delivery(due.id, claim)
                if claimed.holder == holder:
                    outcome, wait_s = await self._sent(webhook, claimed)
                    await self._record(webhook, claimed, outcome, wait_s)

    async def _sent(self, webhook: Webhook, delivery: Delivery) -> tuple[Try, float]:
        """What came of a try, and for how long the receiver wants to be left alone."""
        now, body = self._clock(), delivery.body.encode()
        signed = signing.headers_of(delivery.id, body, domain.signing(webhook, now), self._wall())
        headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT, **signed}
        try:
            answer = await self._fetcher.send("POST", webhook.url, bounds=self._bounds, headers=headers, content=body)
        except QuorateError as error:
            return Try(at=now, status=None, reason=error.detail), 0.0
        except Exception:  # whatever it was, it was this try's: it is tried again later, and not at once for ever
            log.exception("a webhook could not be sent", extra={"webhook": webhook.id})
            return Try(at=now, status=None, reason="the request could not be sent"), 0.0
        return Try(at=now, status=answer.status, reason=deliveries.reason_of(answer.status)), answer.wait_s

    async def _record(self, webhook: Webhook, delivery: Delivery, outcome: Try, wait_s: float) -> None:
        if deliveries.has_arrived(outcome):
            self._failing.discard(webhook.id)
            self._metrics.tried("delivered")
            await self._store.change_delivery(delivery.id, partial(deliveries.succeeded, outcome=outcome))
            return
        self._failing.add(webhook.id)
        self._metrics.tried("failed")
        if outcome.status == GONE:
            await self._store.change_webhook(webhook.id, domain.gone)
        rule = partial(
            deliveries.failed,
            holder=delivery.holder,
            outcome=outcome,
            schedule=self._schedule,
            chance=random.random(),  # noqa: S311 - only spreads
            wait_s=wait_s,
        )
        await self._store.change_delivery(delivery.id, rule)
