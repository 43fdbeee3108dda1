"""Subtasks and their briefs for tests, and what people do to them."""

from dataclasses import replace

from services.subtask_manager import domain
from services.subtask_manager.subtask import Awaiting, Brief, Lease, Subtask, Vote
from shared.results import Detection, Prelabel, Rectangle
from shared.terms import DetectorPolicy, Order, QuorumPolicy, Terms

LEASE_S = 300.0
T0 = 1_000_000.0
TASK_ID = "7a" * 16
SUBTASK_ID = "5b" * 16
SILENT = DetectorPolicy(mode="off", audit_share=0.0)


def brief(
    *,
    labels: tuple[str, ...] = ("cat", "dog", "fox"),
    allow_unsure: bool = False,
    detector: DetectorPolicy = SILENT,
    task_id: str = TASK_ID,
    created_at: float = T0,
    order: Order = "random",
    **quorum,
) -> Brief:
    """A brief; the quorum policy's fields by name, `max_votes` following `votes_required`."""
    required = quorum.get("votes_required", 3)
    return Brief(
        task_id=task_id,
        owner="owner",
        terms=Terms(
            labels=labels,
            allow_unsure=allow_unsure,
            quorum=QuorumPolicy(**{"max_votes": required + 2, **quorum}),
            detector=detector,
            order=order,
        ),
        created_at=created_at,
    )


def awaiting(subtask_id: str, of: Brief, *, object_key: str = "key", place: int | None = None) -> Awaiting:
    """An image whose subtask is to be opened."""
    return Awaiting(subtask_id=subtask_id, task_id=of.task_id, object_key=object_key, place=place)


def opened(of: Brief, *, subtask_id: str = SUBTASK_ID, at: float = T0) -> Subtask:
    """A subtask just opened."""
    return domain.open_subtask(of, image=awaiting(subtask_id, of), now=at).state


def lease_of(operator: str, *, at: float = T0, token: str | None = None) -> Lease:
    """A lease wanted at an instant; its token names the operator unless told."""
    return Lease(operator=operator, token=token or f"token of {operator}", expires_at=at + LEASE_S)


def leased(subtask: Subtask, of: Brief, *operators: str, at: float = T0) -> Subtask:
    """The subtask with leases granted to these operators."""
    for operator in operators:
        decision = domain.grant_lease(subtask, of, lease=lease_of(operator, at=at), now=at)
        assert decision.answer, f"no lease for {operator}"
        subtask = decision.state
    return subtask


def cast(subtask: Subtask, of: Brief, operator: str, label: str, *, at: float = T0):
    """The decision on a vote with the token that `leased` gave."""
    return domain.cast_vote(subtask, of, voter=operator, label=label, token=f"token of {operator}", now=at)


def voted(subtask: Subtask, of: Brief, *votes: str, at: float = T0) -> Subtask:
    """The subtask after operators v0, v1, ... leased and voted for these labels, one after the other."""
    for position, label in enumerate(votes):
        operator = f"v{position}"
        subtask = cast(leased(subtask, of, operator, at=at), of, operator, label, at=at).state
    return subtask


def with_votes(subtask: Subtask, *labels: str | None) -> Subtask:
    """The subtask as if these votes had been counted, whatever the policy would have said."""
    votes = tuple(
        Vote(voter=f"w{position}", label=label, at=T0, total=position + 1, state="open")
        for position, label in enumerate(labels)
    )
    return replace(subtask, votes=votes)


def prelabel(label="cat", confidence=0.95) -> Prelabel:
    """What a detector saw: one cat, for which it proposes `label`."""
    seen = Detection(label="cat", confidence=0.95, rectangle=Rectangle(left=1, top=2, width=3, height=4))
    return Prelabel(model="detector:m@1", label=label, confidence=confidence, objects=(seen,))


def detector(mode, *, audit_share=0.0, **fields) -> DetectorPolicy:
    """A policy without an audit, unless told."""
    return DetectorPolicy(mode=mode, audit_share=audit_share, **fields)
