"""Results in a few numbers."""

from collections import Counter
from collections.abc import Iterable
from typing import TypedDict

from quorate.shapes import Result


class ResultSummary(TypedDict):
    images: int
    completed: int
    disputed: int
    votes: int
    mean_agreement: float | None
    labels: dict[str, int]


def summarize(results: Iterable[Result]) -> ResultSummary:
    states, labels = Counter[str](), Counter[str]()
    votes = 0
    agreements = Counter[float]()
    for result in results:
        states[result["state"]] += 1
        votes += sum((result["votes"] or {}).values())
        if result["label"] is not None:
            labels[result["label"]] += 1
        if result["state"] == "completed" and result["agreement"] is not None:
            agreements[result["agreement"]] += 1
    known = agreements.total()
    return ResultSummary(
        images=states.total(),
        completed=states["completed"],
        disputed=states["disputed"],
        votes=votes,
        mean_agreement=sum(value * n for value, n in agreements.items()) / known if known else None,
        labels=dict(labels),
    )
