"""The terms of a task: labels, instructions, the quorum policy and the detector policy, as data that services exchange.

The rules live in the subtask manager.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from shared.flat import names_of

Stop = Literal["exact", "settled", "lead"]
Order = Literal["random", "upload", "name", "uncertain", "confident"]
DetectorMode = Literal["off", "suggest", "vote", "accept"]

UNSURE = "unsure"
"""What an operator votes, where the task allows it, to name no label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuorumPolicy:
    """When votes settle a subtask.

    votes_required: how many votes are asked for, 1 to 100.
    stop: `exact` collects them all; `settled` stops once the rest cannot change the outcome; `lead` at that lead.
    lead: by how many votes the leader must lead under `lead`.
    min_agreement: a winner with a smaller share of the votes collected is not accepted, 0 to 1.
    max_votes: how many votes may be collected where `votes_required` do not settle it.
    """

    votes_required: int = 3
    stop: Stop = "settled"
    lead: int = 3
    min_agreement: float = 0.0
    max_votes: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorPolicy:
    """What the detector may do with a subtask.

    mode: `off` | `suggest` (shown, never a vote) | `vote` (one of the votes) | `accept` (settles it if sure enough).
    min_confidence: detections below it are dropped.
    accept_confidence: from here on `accept` settles a subtask.
    label_map: from the model's classes to the task's labels; equal names map by themselves.
    audit_share: the share of subtasks on which the detector stays silent, 0 to 1.
    prelabel_wait_s: how long `vote` and `accept` hold a subtask back from operators.
    is_alone: nobody but the detector looks. Operators never get a subtask; one that the detector does not settle ends
    without a label as soon as it has looked, however late.
    """

    mode: DetectorMode = "suggest"
    min_confidence: float = 0.25
    accept_confidence: float = 0.9
    label_map: dict[str, str] = field(default_factory=dict[str, str], hash=False)
    audit_share: float = 0.05
    prelabel_wait_s: float = 30.0
    is_alone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a client fixes for a task. A term that comes later has a default, with which older tasks are read.

    labels: the label set in hotkey order.
    allow_unsure: whether an operator may vote for no label.
    instructions: what operators are shown.
    label_names: how labels are shown that are not shown as they are; votes and results keep the label.
    order: in which order operators are given the images; `uncertain` and `confident` go by the detector's confidence in
    its suggestion, those first of which it is least or most sure.
    hide_names: whether operators are not told the images' file names.
    operators: who was invited to label it, by their ids, and nobody else may; None: every operator of its team.
    """

    labels: tuple[str, ...]
    allow_unsure: bool = False
    instructions: str | None = None
    label_names: dict[str, str] = field(default_factory=dict[str, str], hash=False)
    quorum: QuorumPolicy = QuorumPolicy()
    detector: DetectorPolicy = DetectorPolicy()
    order: Order = "random"
    hide_names: bool = False
    operators: tuple[str, ...] | None = None


def with_terms(stored: dict[str, Any]) -> dict[str, Any]:
    """The fields of a stored task, upgraded from schema 1, in which the terms lay flat among them, to schema 2."""
    return {**stored, "terms": {name: stored[name] for name in names_of(Terms) if name in stored}}
