"""What the consensus service counts of its runs."""

from collections import Counter as Counted

from prometheus_client import CollectorRegistry, Counter, Histogram

from services.consensus.run import CLAIM_S, Run
from services.consensus.store import ConsensusStore
from shared.clock import Clock
from shared.telemetry.seen import Seen

MOST_SEEN = 1_000
UNDER_WAY = ("waiting", "running")
SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 120.0, 300.0, 600.0, 900.0)


class RunMetrics:
    """Runs that wait and are made, of the whole database; and those that this process ended, and how long they took."""

    def __init__(self, registry: CollectorRegistry, store: ConsensusStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._runs = Seen("quorate_consensus_runs", "Runs that are not over, up to 1,000.", registry, label="state")
        self._wait = Seen(
            "quorate_consensus_wait_seconds", "How long the oldest of those that wait has done so.", registry
        )
        self._ended = Counter(
            "quorate_consensus_runs_ended",
            "Runs that ended here: finished, or failed for good.",
            ["outcome"],
            registry=registry,
        )
        for outcome in ("finished", "failed"):
            self._ended.labels(outcome)
        self._seconds = Histogram(
            "quorate_consensus_run_seconds",
            "How long the last attempt at a run took.",
            registry=registry,
            buckets=SECONDS,
        )

    def ended(self, run: Run) -> None:
        """This process ended a run."""
        self._ended.labels(run.state).inc()
        if run.began_at is not None and run.ended_at is not None:
            self._seconds.observe(max(0.0, run.ended_at - run.began_at))

    async def look(self) -> None:
        """Set the gauges. Runs that are being made are due when their claims end."""
        with self._runs.or_none(), self._wait.or_none():
            now = self._clock()
            due = await self._store.due(now=now + 2 * CLAIM_S, limit=MOST_SEEN)
            states = Counted(run.state for run in due)
            self._runs.set_all({state: states[state] for state in UNDER_WAY})
            asked_at = (run.asked_at for run in due if run.state == "waiting")
            self._wait.set(max(0.0, now - min(asked_at, default=now)))
