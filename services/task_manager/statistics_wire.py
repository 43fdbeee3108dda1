"""A task's statistics as the API tells them."""

from typing import Annotated

from pydantic import BaseModel, Field


class Tenth(BaseModel):
    """Images whose agreement lies from `from` to below `to`; the last one holds those of exactly 1."""

    from_: Annotated[float, Field(alias="from")]
    to: float
    settled: int
    disputed: int


class LabelCount(BaseModel):
    label: str
    count: int


class DecidedByCounts(BaseModel):
    quorum: int
    settled: int
    lead: int
    detector: int
    adjudicator: int
    client: int
    pipeline: int


class Compared(BaseModel):
    """Images to which people and detector gave a label each, and how many times it was the same."""

    compared: int
    agreed: int


class ConfusionCell(BaseModel):
    """row, column: the places of the labels in the task's order."""

    row: int
    column: int
    count: int


class ComparedWithDetector(Compared):
    """confusion: in the order of labels, a row for what people said and a column for what the detector said; of more
    than 50 labels, the most frequent cells. on_audit_share: where people did not see what the detector said."""

    confusion: list[list[int]] | list[ConfusionCell]
    on_audit_share: Compared


class StatisticsShown(BaseModel):
    """What a task's results said together at `as_of`. Votes are those of people, in images that have ended.

    votes_saved: how many fewer than `votes_required` the settled images took. votes_per_minute: in the images that
    ended in the last minute. expected_done_at: at that pace; null where there is none.
    """

    as_of: str
    is_final: bool
    settled: int
    disputed: int
    open: int
    votes: int
    votes_saved: int
    mean_agreement: float | None
    agreement: list[Tenth]
    labels: list[LabelCount]
    decided_by: DecidedByCounts
    detector: ComparedWithDetector
    votes_per_minute: float
    expected_done_at: str | None
