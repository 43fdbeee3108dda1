"""Metrics of the detector, from the figures of its pool."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily

from services.detector.pool import InferencePool


class PoolMetrics:
    """A Prometheus collector: it reads the pool's own figures when it is asked."""

    def __init__(self, pool: InferencePool, registry: CollectorRegistry) -> None:
        self._pool = pool
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        load = self._pool.load
        looked = load.answered + load.failed
        yield SummaryMetricFamily(
            "quorate_detector_inference_seconds",
            "How long engines worked on pictures, decoding included.",
            count_value=looked,
            sum_value=load.busy_s,
        )
        yield SummaryMetricFamily(
            "quorate_detector_wait_seconds",
            "How long pictures waited for an engine.",
            count_value=looked,
            sum_value=load.waited_s,
        )
        pictures = CounterMetricFamily(
            "quorate_detector_pictures", "Pictures by what became of them.", labels=["outcome"]
        )
        for outcome in ("answered", "refused", "failed"):
            pictures.add_metric([outcome], getattr(load, outcome))
        yield pictures
        yield GaugeMetricFamily("quorate_detector_waiting", "Pictures that wait for an engine.", self._pool.waiting)
        yield GaugeMetricFamily("quorate_detector_busy", "Engines at work.", self._pool.busy)
        yield GaugeMetricFamily("quorate_detector_engines", "Engines there are.", self._pool.threads)
