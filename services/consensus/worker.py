"""Makes the runs that are due, and sends to the adjudicators what was asked for.

A run is claimed before it is made, and the claim is renewed while it is: of all processes one makes it. A claim whose
process died lapses, and the run begins anew under another attempt; what the first one kept is never read.
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable
from functools import partial

from services.consensus import run as runs
from services.consensus.announcements import doubted
from services.consensus.estimating import DIFFERING
from services.consensus.maker import Maker, NotMade
from services.consensus.metrics import RunMetrics
from services.consensus.run import CLAIM_S, Outcome, Run, Sending
from services.consensus.store import ConsensusStore, PageKey
from services.consensus.store.codec import unpacked
from shared.clock import Clock
from shared.ending import ended
from shared.errors import Conflict, NotFound, QuorateError
from shared.looking import Looking
from shared.outbox import Relay
from shared.telemetry.trouble import Trouble

log = logging.getLogger(__name__)

LOOK_S = 1.0
"""Between two looks for what is due."""
RENEWED_S = CLAIM_S / 6
TOLD_S = 1.0
"""What a run does is saved at most once in so long."""


class Worker:
    """Works from `start` to `close`, at no more than `at_once` runs at a time."""

    def __init__(
        self,
        store: ConsensusStore,
        maker: Maker,
        relay: Relay,
        clock: Clock,
        metrics: RunMetrics,
        *,
        at_once: int,
    ) -> None:
        self._store = store
        self._metrics = metrics
        self._maker = maker
        self._relay = relay
        self._clock = clock
        self._at_once = at_once
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._failed_at: dict[str, float] = {}
        """Of runs that are due still: when they failed last."""
        trouble = Trouble(log, "consensus runs wait")
        self._looking = Looking(self._begin, every_s=LOOK_S, trouble=trouble, name="consensus runs")

    def start(self) -> None:
        self._looking.start()

    def wake(self) -> None:
        """There may be something to do."""
        self._looking.wake()

    async def close(self) -> None:
        """Stop; runs under way end with their processes, and begin anew elsewhere or later."""
        await self._looking.close()
        await ended(*self._under_way.values())

    async def _begin(self) -> None:
        room = self._at_once - len(self._under_way)
        if room <= 0:
            return
        limit = room + len(self._under_way) + len(self._failed_at)
        for due in self._in_turn(await self._store.due(now=self._clock(), limit=limit)):
            if due.id not in self._under_way and len(self._under_way) < self._at_once:
                self._under_way[due.id] = asyncio.create_task(self._work(due))

    def _in_turn(self, due: list[Run]) -> list[Run]:
        """Those that failed stand behind what was due before they did."""
        ids = {run.id for run in due}
        self._failed_at = {run_id: at for run_id, at in self._failed_at.items() if run_id in ids}
        return sorted(due, key=lambda run: self._failed_at.get(run.id, run.due_at or 0.0))

    async def _work(self, due: Run) -> None:
        """Work on a run. One that fails waits for the next look: its reason is seldom gone at once."""
        is_done = False
        try:
            await self._do(due)
            is_done = True
        except Conflict:
            pass  # another process was faster, or the bus is away
        except QuorateError as error:
            log.warning("a consensus run waits: %s", error.detail, extra={"run": due.id})
        except Exception:  # its claim lapses, and it begins anew
            log.exception("a consensus run waits", extra={"run": due.id})
        finally:
            del self._under_way[due.id]
            if is_done:
                self.wake()
            else:
                self._failed_at[due.id] = self._clock()

    async def _do(self, due: Run) -> None:
        try:
            await (self._send(due) if due.state == "finished" else self._make(due))
        except NotFound:
            await self._store.remove_pages(due.id, but=None)  # its task was erased meanwhile

    async def _make(self, due: Run) -> None:
        attempt = secrets.token_hex(8)
        claimed = await self._change(due.id, partial(runs.claimed, holder=attempt))
        if claimed.holder != attempt:
            if claimed.state == "failed":
                self._failed(claimed)
            return
        await self._store.remove_pages(due.id, but=attempt)
        try:
            outcome = await self._made(claimed, attempt)
        except NotMade as error:
            self._failed(await self._change(due.id, partial(runs.failed, holder=attempt, why=error.detail)))
            await self._store.remove_pages(due.id, but=None)
            return
        except asyncio.CancelledError:
            await asyncio.shield(self._change(due.id, partial(runs.released, holder=attempt)))
            raise
        self._metrics.ended(await self._change(due.id, partial(runs.finished, holder=attempt, outcome=outcome)))
        await self._store.remove_pages(due.id, but=attempt)

    def _failed(self, run: Run) -> None:
        log.warning("a consensus run failed: %s", run.why, extra={"run": run.id})
        self._metrics.ended(run)

    async def _made(self, run: Run, attempt: str) -> Outcome:
        """The outcome, while the claim is renewed; a claim that is lost ends the attempt."""
        held = _Held(partial(self._renew, run.id, attempt))
        making = asyncio.create_task(self._maker.make(run, attempt, held.tell))
        renewing = asyncio.create_task(held.renew())
        try:
            await asyncio.wait({making, renewing}, return_when=asyncio.FIRST_COMPLETED)
            return await making if making.done() else await _ended(renewing)
        finally:
            await ended(making, renewing)

    async def _renew(self, run_id: str, attempt: str, stage: str | None) -> None:
        await self._change(run_id, partial(runs.renewed, holder=attempt, stage=stage))

    async def _send(self, run: Run) -> None:
        """Tell the subtask manager of images on which a method differs from the record, page by page: the next one only
        once the last is published, so that no more than one waits while the bus is away."""
        while (sending := runs.next_sending(run)) is not None:
            if not await self._store.is_told(run.id):
                await self._relay.hand_over()
            if not await self._store.is_told(run.id):
                raise Conflict("what was told of the run is not published yet")
            run = await self._send_page(run, sending)
        self._relay.wake()

    async def _send_page(self, run: Run, sending: Sending) -> Run:
        key = PageKey(run_id=run.id, attempt=run.attempt or "", kind=DIFFERING, number=sending.page)
        body = await self._store.page(key)
        items = [] if body is None else [one for one in unpacked(body) if sending.method in one["differs"]]

        def rule(before: Run, now: float):
            after = runs.sent(before, now, before=sending, count=len(items), is_last=body is None)
            return after, [doubted(after, sending, items, now)] if items else []

        return await self._store.change_run(run.id, rule)

    async def _change(self, run_id: str, rule: Callable[..., Run]) -> Run:
        return await self._store.change_run(run_id, lambda run, now: (rule(run, now), ()))


class _Held:
    """A claim that is renewed, with what the attempt does at the moment."""

    def __init__(self, renew: Callable[[str | None], Awaitable[None]]) -> None:
        self._renew = renew
        self._stage: str | None = None
        self._told = asyncio.Event()

    async def tell(self, stage: str) -> None:
        self._stage = stage
        self._told.set()

    async def renew(self) -> None:
        """Until it is cancelled. Raises what a renewal raises, once the claim is lost."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), RENEWED_S)
            self._told.clear()
            await self._renew(self._stage)
            await asyncio.sleep(TOLD_S)


async def _ended(renewing: "asyncio.Task[None]") -> Outcome:
    await renewing
    raise Conflict("the claim of the run ended")
