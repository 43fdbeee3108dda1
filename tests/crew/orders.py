"""Tasks that the harness asked for, each under rules of its own."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from shared.terms import QuorumPolicy

POLICIES = (
    QuorumPolicy(),
    QuorumPolicy(votes_required=3, max_votes=4, stop="exact"),
    QuorumPolicy(votes_required=4, max_votes=5, stop="lead", lead=2),
    QuorumPolicy(votes_required=1, max_votes=3),
    QuorumPolicy(votes_required=3, max_votes=5, min_agreement=0.6),
)


@dataclass(kw_only=True)
class Order:
    """A task and what was asked of it. `id` is empty until somebody was told it."""

    owner: str
    key: str
    name: str
    policy: QuorumPolicy
    id: str = ""
    is_cancelled: bool = False
    is_seal_answered: bool = False
    is_cancel_answered: bool = False

    @property
    def terms(self) -> Mapping[str, Any]:
        """What the client is told to ask for."""
        return {"quorum": asdict(self.policy), "idempotency_key": self.key}

    @property
    def is_closed(self) -> bool:
        """Whether it was cancelled or sealed, as it was meant, and that was answered."""
        return self.is_cancel_answered if self.is_cancelled else self.is_seal_answered
