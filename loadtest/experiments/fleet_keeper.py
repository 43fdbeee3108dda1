"""A thread that looks after fleets, tells the balancer of their members, scales them, and writes down what it sees."""

import csv
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from deploy.local.errors import ServerNotUp
from loadtest.experiments.autoscaler import SYNC_S, Scaled
from loadtest.experiments.balancer import Balancer
from loadtest.experiments.fleet import Fleet

TEND_S = 0.25
RECORD_S = 1.0
READY_S = 120.0
COLUMNS = ("time", "service", "replicas", "ready", "desired", "cpu", "queue")


class Keeper:
    """Runs fleets behind a balancer from the beginning of a `with` block to its end.

    scaled: what is scaled. others: fleets of a fixed size, which whoever made them has scaled. sync_s: how often
    the autoscaler looks. record: a CSV; `time` in seconds of the epoch, `cpu` in cores of the whole fleet, `queue` in
    messages.
    """

    def __init__(
        self,
        balancer: Balancer,
        *,
        record: Path,
        scaled: Sequence[Scaled] = (),
        others: Sequence[Fleet] = (),
        sync_s: float = SYNC_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.balancer = balancer
        self.scaled = scaled
        self.fleets = [*(one.fleet for one in scaled), *others]
        self._sync_s = sync_s
        self._clock = clock
        self._record = _Record(record, scaled, clock)
        self._used: Mapping[str, Sequence[int]] = {}
        self._stopping = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)

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

    def _end(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        for fleet in self.fleets:
            fleet.stop()
        self.balancer.stop()
        self._record.close()

    def _keep(self) -> None:
        try:
            self._run()
        except Exception as failure:  # noqa: BLE001 - it is raised again by `check`, where somebody hears it
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
            self._record.write_if_due(now)

    def _tell_balancer(self) -> None:
        members = {fleet.service: fleet.ports() for fleet in self.fleets}
        if members != self._used:
            self.balancer.use(members)
            self._used = members


class _Record:
    """The CSV."""

    def __init__(self, path: Path, scaled: Sequence[Scaled], clock: Callable[[], float]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w", newline="", encoding="utf-8")
        self._rows = csv.writer(self._file)
        self._rows.writerow(COLUMNS)
        self._scaled = scaled
        self._last = clock()
        self._cpu_s: dict[str, float] = {}

    def write_if_due(self, now: float) -> None:
        if now - self._last < RECORD_S:
            return
        for one in self._scaled:
            fleet = one.fleet
            cpu_s = fleet.cpu_s()
            used = max(0.0, cpu_s - self._cpu_s.get(fleet.service, cpu_s)) / (now - self._last)
            self._cpu_s[fleet.service] = cpu_s
            row = (len(fleet.members()), len(fleet.ports()), one.recommended, round(used, 4), one.depth())
            self._rows.writerow((round(time.time(), 2), fleet.service, *row))
        self._last = now
        self._file.flush()

    def close(self) -> None:
        self._file.close()
