"""Monitors the leases of operators that vanished: is everything they held offered again in time?"""

import csv
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Self
from uuid import uuid4

from loadtest.people.recording import ACTS
from loadtest.people.statistics import Act
from quorate.client import Client
from quorate.errors import QuorateError

LATE_S = 5.0
"""After its lease's end, within which a subtask has to be served again."""
LOOK_S = 0.5
MANY = 100


@dataclass(slots=True, kw_only=True)
class Orphan:
    """A subtask whose operator vanished; times in seconds of the epoch. offered_at: when the monitor got its lease."""

    task_id: str
    subtask_id: str
    who: str
    expires_at: float
    offered_at: float | None = None

    @property
    def is_late_at(self) -> float:
        return self.expires_at + LATE_S

    def late_s(self, leases: Sequence[Act], begun_at: float) -> float | None:
        """How long after its lease's end the monitor or another operator got a lease on it; None for too late.

        A subtask takes one vote in this experiment, so it has one place: an earlier lease tells nothing.
        """
        served = [begun_at + act.at_s for act in leases if act.who != self.who]
        offered = [] if self.offered_at is None else [self.offered_at]
        served_at = min((at for at in [*served, *offered] if at > self.expires_at), default=None)
        return None if served_at is None or served_at > self.is_late_at else served_at - self.expires_at


class LeaseMonitor:
    """A thread that follows what a load test writes down, and asks for each lapsed lease under a name of its own."""

    def __init__(self, url: str, records: Path) -> None:
        self.orphans: list[Orphan] = []
        self._url = url
        self._acts = records / ACTS
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="lease monitor", daemon=True)

    def __enter__(self) -> Self:
        self._acts.unlink(missing_ok=True)  # what an earlier run wrote down is over
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def done_at(self) -> float:
        """When all that vanished so far has to have been served again, in seconds of the epoch."""
        return max((orphan.is_late_at for orphan in self.orphans), default=0.0)

    def _watch(self) -> None:
        while not self._acts.exists():
            if self._stopping.wait(LOOK_S):
                return
        with self._acts.open(encoding="utf-8", newline="") as file:
            while not self._stopping.wait(LOOK_S):
                self.orphans += _vanished(file)
                self._ask_for_lapsed()

    def _ask_for_lapsed(self) -> None:
        now = time.time()
        due: dict[str, list[Orphan]] = defaultdict(list)
        for orphan in self.orphans:
            if orphan.offered_at is None and orphan.expires_at < now < orphan.is_late_at:
                due[orphan.task_id].append(orphan)
        for task_id, orphans in due.items():
            try:
                self._ask(task_id, orphans)
            except QuorateError as error:
                print(f"  the lease monitor got no answer: {error}", flush=True)

    def _ask(self, task_id: str, orphans: Sequence[Orphan]) -> None:
        """Lease as a new operator, who has not voted or skipped there, and give everything back."""
        with Client(self._url, f"monitor-{uuid4().hex[:12]}") as client:
            offered = {lease["subtask_id"] for lease in client.lease(MANY, task_id)["leases"]}
            for orphan in orphans:
                if orphan.subtask_id in offered:
                    orphan.offered_at = time.time()
            for subtask_id in offered:
                client.give_back(subtask_id)


def _vanished(file: IO[str]) -> Iterator[Orphan]:
    """Those in the lines that have been written, as a whole, since the last look."""
    while True:
        at = file.tell()
        line = file.readline()
        if not line.endswith("\n"):
            file.seek(at)
            return
        fields = next(csv.reader([line]))
        if fields[1] == "vanished":
            _, _, who, task_id, subtask_id, until = fields
            expires_at = datetime.fromisoformat(until).timestamp()
            yield Orphan(task_id=task_id, subtask_id=subtask_id, who=who, expires_at=expires_at)
