"""Metrics of the detector: the figures of its pool, and how long each picture took."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from services.detector.pool import InferencePool
from shared.telemetry.metrics import LATENCY_S


class PoolMetrics:
    """A Prometheus collector: it reads the pool's own figures when it is asked."""

    def __init__(self, pool: InferencePool, registry: CollectorRegistry) -> None:
        self._pool = pool
        self._inference = Histogram(
            "quorate_detector_inference_seconds",
            "How long engines worked on pictures, decoding included.",
            buckets=LATENCY_S,
            registry=registry,
        )
        self._wait = Histogram(
            "quorate_detector_wait_seconds",
            "How long pictures waited for an engine.",
            buckets=LATENCY_S,
            registry=registry,
        )
        pool.tell(self._looked)
        registry.register(self)

    def _looked(self, waited_s: float, busy_s: float) -> None:
        self._wait.observe(waited_s)
        self._inference.observe(busy_s)

    def collect(self) -> Iterator[Metric]:
        load = self._pool.load
        pictures = CounterMetricFamily(
            "quorate_detector_pictures", "Pictures by what became of them.", labels=["outcome"]
        )
        for outcome in ("answered", "refused", "failed"):
            pictures.add_metric([outcome], getattr(load, outcome))
        yield pictures
        yield GaugeMetricFamily("quorate_detector_waiting", "Pictures that wait for an engine.", self._pool.waiting)
        yield GaugeMetricFamily("quorate_detector_busy", "Engines at work.", self._pool.busy)
        yield GaugeMetricFamily("quorate_detector_engines", "Engines there are.", self._pool.threads)
