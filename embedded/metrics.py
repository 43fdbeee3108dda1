"""Metrics of the data folder: its files, the writes that wait for them, and the room on its disk."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from shared.sqlite import MAX_WAITING, Database

WAL = "-wal"


class FolderMetrics(Collector):
    """It asks the file system when it is asked itself; what that does not tell has no sample."""

    def __init__(self, folder: Path, databases: Sequence[Database], registry: CollectorRegistry) -> None:
        self._folder = folder
        self._databases = databases
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily("quorate_writes_waiting", "Writes that wait for a database.", labels=["file"])
        for database in self._databases:
            waiting.add_metric([database.path.name], database.waiting)
        yield waiting
        yield GaugeMetricFamily("quorate_writes_limit", "Writes that may wait for each database.", MAX_WAITING)
        sizes = GaugeMetricFamily("quorate_file_bytes", "Sizes of the databases, and of their logs.", labels=["file"])
        for path in (path for one in self._databases for path in (one.path, Path(f"{one.path}{WAL}"))):
            with suppress(OSError):
                sizes.add_metric([path.name], path.stat().st_size)
        yield sizes
        free = GaugeMetricFamily("quorate_disk_free_bytes", "Room on the disk of the data folder.")
        size = GaugeMetricFamily("quorate_disk_size_bytes", "Size of that disk.")
        with suppress(OSError):
            usage = shutil.disk_usage(self._folder)
            free.add_metric([], usage.free)
            size.add_metric([], usage.total)
        yield free
        yield size
