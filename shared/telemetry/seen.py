"""Gauges of what the last look saw: where a look fails there is no sample, rather than what was there before."""

import time
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

RARELY_S = 30.0


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

    def put(self, label: str, value: float | None) -> None:
        """What it is for one value of the label; None: that was not seen. The others stay."""
        others = {name: seen for name, seen in self._values.items() if name != label}
        self._values = others if value is None else {**others, label: value}

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


class Rarely:
    """A look that costs something: made no more often than every so many seconds, however often metrics are read. What
    it saw stays in between; after one that failed the next is made at once."""

    def __init__(
        self, look: Callable[[], Awaitable[None]], every_s: float = RARELY_S, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._look = look
        self._every_s = every_s
        self._now = now
        self._next_at: float | None = None

    async def __call__(self) -> None:
        began = self._now()
        if self._next_at is not None and began < self._next_at:
            return
        self._next_at = None
        await self._look()
        self._next_at = began + self._every_s
