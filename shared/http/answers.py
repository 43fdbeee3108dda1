"""JSON answers, written once and fast."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from fastapi import Response
from pydantic import BaseModel

from shared.clock import iso
from shared.flat import flattened, names_of
from shared.results import Result, VoteCast, tally_of


class EarlierResult(BaseModel):
    """A result that a later one replaced: who decided what before."""

    label: str | None
    agreement: float | None
    decided_by: str | None
    revision: int
    completed_at: str
    by: str | None
    reason: str | None


def json_answer(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer of dicts, lists, dataclasses and plain values."""
    return Response(orjson.dumps(content), status, headers, media_type="application/json")


def result_shown(result: Result | None, votes: Iterable[VoteCast]) -> dict[str, Any]:
    """A result with its tally, as answers show it; without a result all of its fields are null."""
    if result is None:
        return dict.fromkeys((*names_of(Result), "votes"))
    return _shown(result) | {"votes": dict(tally_of(votes))}


def earlier_shown(earlier: Iterable[Result]) -> list[dict[str, Any]]:
    """Results that later ones replaced, each an `EarlierResult`."""
    return [_shown(result) for result in earlier]


def _shown(result: Result) -> dict[str, Any]:
    return flattened(result) | {"completed_at": iso(result.completed_at)}
