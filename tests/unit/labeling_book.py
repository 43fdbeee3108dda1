"""A model of labeling that is apart from the rules: a book of what was acknowledged about a subtask.

It knows who was told what, and settles by trying every completion.
"""

from dataclasses import dataclass, field

from services.subtask_manager.subtask import Vote
from shared.results import Result
from shared.terms import QuorumPolicy
from tests import quorum_oracle as oracle


@dataclass(kw_only=True)
class Book:
    """What was acknowledged about one subtask, by the words of the answers alone.

    options: all that a vote may name. offered_at: from when on operators may lease it.
    """

    policy: QuorumPolicy
    options: oracle.Options
    offered_at: float
    votes: dict[str, str | None] = field(default_factory=dict)
    answers: dict[str, Vote] = field(default_factory=dict)
    leases: dict[str, tuple[str, float]] = field(default_factory=dict)
    stale: list[tuple[str, str]] = field(default_factory=list)
    skipped: set[str] = field(default_factory=set)
    has_prelabel: bool = False
    ended: str | None = None
    result: Result | None = None
    endings: int = 0
    adjudications: int = 0

    def live(self, now: float) -> dict[str, tuple[str, float]]:
        return {who: lease for who, lease in self.leases.items() if lease[1] > now}

    def cast(self, *, without: str | None = None) -> oracle.Votes:
        return oracle.sorted_votes(label for voter, label in self.votes.items() if voter != without)

    def is_settled(self) -> bool:
        """Whether its votes make a result or a dispute."""
        return self._decision() is not None or oracle.is_disputed(self.policy, self.cast(), self.options)

    def places(self, *, without: str | None = None) -> int:
        return oracle.places(self.policy, self.cast(without=without), self.options)

    def may_lease(self, operator: str, now: float) -> bool:
        live = self.live(now)
        return (
            self.ended is None
            and now >= self.offered_at
            and operator not in self.skipped | self.votes.keys() | live.keys()
            and len(live) < self.places()
        )

    def is_void(self, expires_at: float, now: float) -> bool:
        """Whether a lease has expired, and its place went to another."""
        return expires_at <= now and len(self.live(now)) >= self.places()

    def take_lease(self, operator: str) -> None:
        if operator in self.leases:
            self.stale.append((operator, self.leases.pop(operator)[0]))

    def give_lease(self, operator: str, token: str, expires_at: float) -> None:
        if operator in self.leases and self.leases[operator][0] != token:
            self.take_lease(operator)
        self.leases[operator] = (token, expires_at)

    def count(self, voter: str, label: str | None, answer: Vote | None, now: float) -> None:
        """A vote was acknowledged: it was justified, and it ends the subtask exactly when the policy says so."""
        assert not self.is_settled(), "a vote was taken that nobody asked for"
        self.votes[voter] = label
        if answer is not None:
            self.answers[voter] = answer
        assert len(self.votes) <= self.policy.max_votes
        if decided := self._decision():
            self.end("completed", *decided, now=now)
        elif self.is_settled():
            self.end("disputed", None, None, now=now)
        assert answer is None or answer.state == (self.ended or "open")

    def end(self, state: str, label: str | None, decided_by: str | None, *, now: float) -> None:
        self.ended = state
        self.endings += 1
        for operator in list(self.leases):
            self.take_lease(operator)
        agreement = None if label is None else list(self.votes.values()).count(label) / len(self.votes)
        self.result = Result(label=label, agreement=agreement, decided_by=decided_by, revision=1, completed_at=now)

    def _decision(self) -> tuple[str, str] | None:
        return oracle.decision(self.policy, self.cast(), self.options)
