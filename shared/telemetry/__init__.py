"""What can be seen of a running service: metrics, spans, logs, and how much waits. An app makes its own."""

from dataclasses import dataclass, field

from shared.telemetry.metrics import Metrics
from shared.telemetry.tracing import Tracing


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry:
    """Where a service's observations go."""

    metrics: Metrics = field(default_factory=Metrics)
    tracing: Tracing = field(default_factory=Tracing)
