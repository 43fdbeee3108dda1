"""A thread that supervises fleets: tells the balancer of their members, scales them, and observes them."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from deploy.local.errors import ServerNotUp
from loadtest.experiments.autoscaler import SYNC_S, Scaled
from loadtest.experiments.balancer import Balancer
from loadtest.experiments.fleet import Fleet

TEND_S = 0.25
OBSERVE_S = 1.0
READY_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One service at a moment, in seconds of the epoch, or since the load began; `cpu` in cores of all its replicas.

    `desired` is what the metrics asked for, before stabilisation and policies; `queue` is in messages.
    """

    at_s: float
    service: str
    replicas: int
    ready: int
    desired: int
    cpu: float
    queue: int

    def since(self, begun_at: float) -> "Observation":
        return replace(self, at_s=self.at_s - begun_at)


class Supervisor:
    """Runs fleets behind a balancer from the beginning of a `with` block to its end.

    scaled: what is scaled, and observed once a second. others: fleets of a fixed size, which were scaled before.
    sync_s: how often the autoscaler looks.
    """

    def __init__(
        self,
        balancer: Balancer,
        *,
        scaled: Sequence[Scaled] = (),
        others: Sequence[Fleet] = (),
        sync_s: float = SYNC_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.balancer = balancer
        self.scaled = scaled
        self.fleets = [*(one.fleet for one in scaled), *others]
        self.observed: list[Observation] = []
        self._sync_s = sync_s
        self._clock = clock
        self._cpu_s: dict[str, float] = {}
        self._observed_at = clock()
        self._used: Mapping[str, Sequence[int]] = {}
        self._stopping = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._supervise, name="supervisor", daemon=True)

    def __enter__(self) -> Self:
        try:
            for one in self.scaled:
                one.start(self._clock())
            self._thread.start()
            self.await_ready()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Raises as `check` does, unless something else went wrong."""
        self._end()
        if kind is None:
            self.check()

    def check(self) -> None:
        """Raises what ended the thread, if anything has."""
        if self._failure is not None:
            raise self._failure

    def sleep(self, seconds: float) -> None:
        """Wait, but no longer than everything is well. Raises as `check` does."""
        until = self._clock() + seconds
        while (left := until - self._clock()) > 0:
            self.check()
            time.sleep(min(TEND_S, left))

    def await_ready(self) -> None:
        """Wait until every member serves. Raises ServerNotUp."""
        until = self._clock() + READY_S
        while any(len(fleet.ports()) < len(fleet.members()) for fleet in self.fleets) or not self._used:
            if self._clock() > until:
                raise ServerNotUp(f"not every replica became ready within {READY_S:g} s")
            self.sleep(TEND_S)

    def deaths(self) -> int:
        """How many replicas died and were started again."""
        return sum(fleet.deaths for fleet in self.fleets)

    def _end(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        for fleet in self.fleets:
            fleet.stop()
        self.balancer.stop()

    def _supervise(self) -> None:
        try:
            self._run()
        except Exception as failure:  # noqa: BLE001 - `check` raises it again in the caller's thread
            self._failure = failure

    def _run(self) -> None:
        next_look = self._clock() + self._sync_s
        while not self._stopping.wait(TEND_S):
            now = self._clock()
            if now >= next_look:
                next_look += self._sync_s
                for one in self.scaled:
                    one.look(now)
            for fleet in self.fleets:
                fleet.tend(now)
            self._tell_balancer()
            if now - self._observed_at >= OBSERVE_S:
                self.observed += [self._observation(one, now) for one in self.scaled]
                self._observed_at = now

    def _tell_balancer(self) -> None:
        members = {fleet.service: fleet.ports() for fleet in self.fleets}
        if members != self._used:
            self.balancer.use(members)
            self._used = members

    def _observation(self, one: Scaled, now: float) -> Observation:
        service, cpu_s = one.fleet.service, one.fleet.cpu_s()
        used_s = max(0.0, cpu_s - self._cpu_s.get(service, cpu_s))
        self._cpu_s[service] = cpu_s
        return Observation(
            at_s=round(time.time(), 2),
            service=service,
            replicas=len(one.fleet.members()),
            ready=len(one.fleet.ports()),
            desired=one.recommended,
            cpu=round(used_s / (now - self._observed_at), 4),
            queue=one.depth(),
        )
