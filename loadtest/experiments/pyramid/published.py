"""What system A published about its load test (PREDECESSORS.md)."""

from dataclasses import dataclass

MINUTES = 10.0
"""How long it took; a tenth of the pyramid is a minute."""
FALL_S = 80.0
"""After the end of the load, until replicas began to fall."""
REPLICAS = {"task_manager": 4, "subtask_manager": 3}
"""The most there were, from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Of one kind of iteration, in milliseconds."""

    count: int
    median_ms: float
    p95_ms: float
    most_ms: float


TIMES = {
    "client": Times(count=2466, median_ms=62, p95_ms=388, most_ms=994),
    "operator": Times(count=1172, median_ms=115, p95_ms=447, most_ms=986),
}
