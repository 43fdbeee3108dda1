"""A thread that looks again and again, and writes down what it sees."""

import csv
import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from loadtest.soak.series import Sampled, Samples

log = logging.getLogger(__name__)

COLUMNS = ("at_s", "group", "name", "value")


class Watcher:
    """Looks every `every_s` seconds for as long as its block lasts; rows go to a CSV as they come.

    A look that fails is missing, and counted in `failed`: a process that has ended, an answer that did not come or
    cannot be read.
    """

    def __init__(self, looks: Sequence[Callable[[], Sampled]], every_s: float, file: Path) -> None:
        self.samples = Samples()
        self.failed = 0
        self._looks, self._every_s, self._path = looks, every_s, file
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        begun = time.perf_counter()
        with self._path.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(COLUMNS)
            while not self._ended.wait(self._every_s):
                at_s, sampled = time.perf_counter() - begun, self._look()
                self.samples.add(at_s, sampled)
                rows.writerows((round(at_s, 2), group.title, name, value) for (group, name), value in sampled.items())
                file.flush()

    def _look(self) -> Sampled:
        found: Sampled = {}
        for look in self._looks:
            try:
                found |= look()
            except Exception as error:  # noqa: BLE001 - whatever one look raises, the next ones are made
                log.warning("a look failed: %r", error)
                self.failed += 1
        return found
