"""JSON answers, written once and fast."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from fastapi import Response

from shared.clock import iso
from shared.flat import flattened, names_of
from shared.results import Result, VoteCast, tally_of


def json_answer(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer of dicts, lists, dataclasses and plain values."""
    return Response(orjson.dumps(content), status, headers, media_type="application/json")


def result_shown(result: Result | None, votes: Iterable[VoteCast]) -> dict[str, Any]:
    """A result with its tally, as answers show it; without a result all of its fields are null."""
    if result is None:
        return dict.fromkeys((*names_of(Result), "votes"))
    return flattened(result) | {"votes": dict(tally_of(votes)), "completed_at": iso(result.completed_at)}
