"""The names of all samples that the services show, taken from the metrics themselves."""

from functools import cache
from pathlib import Path
from typing import Any, cast

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from embedded.metrics import FolderMetrics
from services.consensus.metrics import RunMetrics
from services.detector.metrics import PoolMetrics
from services.detector.pool import InferencePool, Load
from services.notifier.metrics import DeliveryMetrics
from services.subtask_manager.metrics import WorkMetrics
from services.task_manager.metrics import BatchMetrics
from services.worker.metrics import StepMetrics
from shared.sqlite import Database
from shared.steady_clock import SteadyClock
from shared.telemetry import clock_gauge
from shared.telemetry.metrics import Metrics

ENDINGS = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "summary": ("_count", "_sum")}


class _Pool:
    load, waiting, busy, threads = Load(), 0, 0, 1

    def tell(self, _told: object) -> None: ...


@cache
def sample_names() -> frozenset[str]:
    metrics = Metrics()
    registry: CollectorRegistry = metrics.registry
    BatchMetrics(registry)
    StepMetrics(registry)
    WorkMetrics(registry)
    DeliveryMetrics(registry, cast("Any", None))
    RunMetrics(registry, cast("Any", None), cast("Any", None))
    PoolMetrics(cast("InferencePool", _Pool()), registry)
    database = Database(Path("tasks.sqlite"), [])
    FolderMetrics(Path(), [database], registry)
    clock_gauge.show(SteadyClock(), registry)
    return frozenset(name for metric in registry.collect() for name in _samples(metric))


def _samples(metric: Metric) -> list[str]:
    return [metric.name + ending for ending in ENDINGS.get(metric.type, ("",))]
