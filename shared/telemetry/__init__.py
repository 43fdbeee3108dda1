"""Metrics, spans and logs of a running service, and how much waits in it. Each app makes its own."""

from dataclasses import dataclass, field

from shared.telemetry.metrics import Metrics
from shared.telemetry.tracing import Tracing


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry:
    """Where a service's observations go."""

    metrics: Metrics = field(default_factory=Metrics)
    tracing: Tracing = field(default_factory=Tracing)
