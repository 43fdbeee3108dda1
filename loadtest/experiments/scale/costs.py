"""What a kind of call costs: how long callers wait, and how long the platform's processors work for it."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from loadtest.bench.errors import BenchFailed
from loadtest.bench.report import percentile


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of `count` calls: milliseconds that the caller waited, and processor milliseconds of the platform for each."""

    operation: str
    count: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
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
        before = cpu_s(self.pid)
        yield
        self.cpu_s += cpu_s(self.pid) - before

    @contextmanager
    def timed(self) -> Generator[None]:
        """One call."""
        began = time.perf_counter()
        yield
        self.seconds.append(time.perf_counter() - began)

    def cost(self) -> Cost:
        """Raises BenchFailed where there was no call."""
        if not self.seconds:
            raise BenchFailed(f"{self.operation}: nothing was measured")
        p50, p95, p99 = (percentile(self.seconds, share) * 1000 for share in (0.5, 0.95, 0.99))
        done = len(self.seconds) * self.per_call
        return Cost(
            operation=self.operation,
            count=done,
            p50_ms=p50,
            p95_ms=p95,
            p99_ms=p99,
            cpu_ms=self.cpu_s * 1000 / done,
        )


def cpu_s(pid: int) -> float:
    """Processor seconds that a process's present threads have used, to the nanosecond; `stat` has hundredths only."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text(encoding="ascii").split()[0]) for thread in threads) / 1e9
