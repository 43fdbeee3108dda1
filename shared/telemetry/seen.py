"""Gauges of what the last look saw: where a look fails there is no sample, rather than what was there before."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector


class Seen(Collector):
    """A gauge, by one label or by none."""

    def __init__(self, name: str, meaning: str, registry: CollectorRegistry, *, label: str | None = None) -> None:
        self._name = name
        self._meaning = meaning
        self._labels = [] if label is None else [label]
        self._values: Mapping[str, float] = {}
        registry.register(self)

    def set(self, value: float) -> None:
        """What a gauge without a label is."""
        self._values = {"": value}

    def set_all(self, values: Mapping[str, float]) -> None:
        """What it is by label; other values of the label have no sample."""
        self._values = values

    def forget(self) -> None:
        """Nothing was seen."""
        self._values = {}

    @contextmanager
    def or_none(self) -> Generator[None]:
        """A look that sets it; where the look fails or is given up there is no sample."""
        try:
            yield
        except BaseException:
            self.forget()
            raise

    def describe(self) -> list[GaugeMetricFamily]:
        return [GaugeMetricFamily(self._name, self._meaning, labels=self._labels)]

    def collect(self) -> list[GaugeMetricFamily]:
        family = GaugeMetricFamily(self._name, self._meaning, labels=self._labels)
        for label, value in self._values.items():
            family.add_metric([label] if self._labels else [], value)
        return [family]
