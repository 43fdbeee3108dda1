"""What a kind of call costs: how long callers wait, and how long the platform's processors work for it."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from loadtest.errors import MeasurementFailed
from loadtest.measures import Times
from loadtest.platform_process import threads_cpu_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """How long callers waited for each call, and the platform's processor milliseconds for each of `count` things."""

    operation: str
    count: int
    times: Times
    cpu_ms: float


@dataclass(slots=True, kw_only=True)
class Calls:
    """Calls of one kind; `per_call` is how many things each does that the processor's time is shared over."""

    operation: str
    pid: int
    per_call: int = 1
    seconds: list[float] = field(default_factory=list[float])
    cpu_s: float = 0.0

    @contextmanager
    def counting(self) -> Generator[None]:
        """What the platform does within the block was for these calls."""
        before = threads_cpu_s(self.pid)
        yield
        self.cpu_s += threads_cpu_s(self.pid) - before

    @contextmanager
    def timed(self) -> Generator[None]:
        """One call."""
        began = time.perf_counter()
        yield
        self.seconds.append(time.perf_counter() - began)

    def cost(self) -> Cost:
        """Raises MeasurementFailed where there was no call."""
        if not self.seconds:
            raise MeasurementFailed(f"{self.operation}: nothing was measured")
        count = len(self.seconds) * self.per_call
        cpu_ms = self.cpu_s * 1000 / count
        return Cost(operation=self.operation, count=count, times=Times.of(self.seconds), cpu_ms=cpu_ms)
