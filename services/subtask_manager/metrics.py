"""Metrics of leases, votes, and the ends of subtasks."""

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram

from services.subtask_manager.store import SubtaskStore
from services.subtask_manager.subtask import Fact, Subtask
from shared.clock import Clock
from shared.decision import Decision
from shared.telemetry.metrics import AGE_S, by_labels
from shared.telemetry.seen import Seen

VOTES_TOTAL = "quorate_votes_total"
AGREEMENT = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


class WorkMetrics:
    """Counts leases, votes, and how subtasks end."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._leases = by_labels(
            Counter(
                "quorate_leases",
                "Leases granted, renewed, returned (their subtask may come again) and skipped; a vote or time ends the"
                " others.",
                ["event"],
                registry=registry,
            )
        )
        self._leased = Seen(
            "quorate_subtasks_leased",
            "Subtasks with a live lease, and those with only lapsed ones that nobody has taken up again.",
            registry,
            label="lease",
        )
        self._open = Seen("quorate_subtasks_open", "Open subtasks, up to 100,000.", registry)
        self._waited = Seen(
            "quorate_subtasks_wait_seconds",
            "How long the free place that has waited longest waits for an operator, among 32 tasks; 0 where none"
            " is free.",
            registry,
        )
        votes = Counter(
            "quorate_votes", "Votes: taken (the same again included) or refused.", ["outcome"], registry=registry
        )
        self._taken, self._refused = votes.labels("taken"), votes.labels("refused")
        self._ended = by_labels(
            Counter(
                "quorate_subtasks_ended",
                "Subtasks by how they ended: completed, disputed, or adjudicated; decided by whom.",
                ["state", "decided_by"],
                registry=registry,
            )
        )
        self._agreement = Histogram(
            "quorate_agreement",
            "The winner's share of the votes of completed subtasks.",
            buckets=AGREEMENT,
            registry=registry,
        )
        self._age = Histogram(
            "quorate_subtask_age_seconds",
            "From the opening of a subtask to its end by votes.",
            buckets=AGE_S,
            registry=registry,
        )

    def lease(self, event: str, count: int = 1) -> None:
        """Count leases by event: granted, renewed, returned or skipped."""
        if count:
            self._leases(event).inc(count)

    async def look(self, store: SubtaskStore) -> None:
        """Set the gauges of leased subtasks."""
        with self._leased.or_none():
            leased = await store.leased()
            self._leased.set_all({"live": leased.live, "lapsed": leased.lapsed})

    async def look_at_backlog(self, store: SubtaskStore, clock: Clock) -> None:
        """Set the gauges of what waits for operators."""
        with self._open.or_none(), self._waited.or_none():
            backlog = await store.backlog()
            since = backlog.waits_since
            self._open.set(backlog.open)
            self._waited.set(0.0 if since is None else max(0.0, clock() - since))

    def vote(self, *, is_taken: bool) -> None:
        (self._taken if is_taken else self._refused).inc()

    def votes_taken(self) -> int:
        """How many votes were taken since the process began."""
        samples = (sample for metric in self._taken.collect() for sample in metric.samples)
        return int(next(one.value for one in samples if one.name == VOTES_TOTAL))

    def changed(self, decision: Decision[Subtask, Any]) -> None:
        """Count the end of a subtask, if the decision ended it."""
        result, facts = decision.state.result, decision.facts
        if result is None or not facts:
            return
        state = "adjudicated" if Fact.ADJUDICATED in facts else decision.state.state
        self._ended(state, result.decided_by or "nobody").inc()
        if state == "completed" and result.agreement is not None:
            self._agreement.observe(result.agreement)
        if state != "adjudicated":
            self._age.observe(max(0.0, result.completed_at - decision.state.opened_at))
