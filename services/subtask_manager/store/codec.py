"""Subtasks and briefs as JSON, which is what every adapter keeps. Labels are values there, never names of fields."""

from typing import Any

import orjson

from services.subtask_manager.domain import Brief, Lease, Prelabel, Result, Subtask, Vote
from shared.results import Detection, Rectangle
from shared.terms import DetectorPolicy, QuorumPolicy


def encode(value: Subtask | Brief) -> bytes:
    return orjson.dumps(value)


def decode_subtask(body: bytes) -> Subtask:
    fields: dict[str, Any] = orjson.loads(body)
    fields["votes"] = tuple([Vote(**vote) for vote in fields["votes"]])
    fields["leases"] = tuple([Lease(**lease) for lease in fields["leases"]])
    fields["skipped_by"] = tuple(fields["skipped_by"])
    if fields["prelabel"] is not None:
        fields["prelabel"] = _prelabel(fields["prelabel"])
    if fields["result"] is not None:
        fields["result"] = Result(**fields["result"])
    return Subtask(**fields)


def decode_brief(body: bytes) -> Brief:
    fields: dict[str, Any] = orjson.loads(body)
    fields["labels"] = tuple(fields["labels"])
    fields["quorum"] = QuorumPolicy(**fields["quorum"])
    fields["detector"] = DetectorPolicy(**fields["detector"])
    return Brief(**fields)


def _prelabel(fields: dict[str, Any]) -> Prelabel:
    objects = tuple(Detection(**{**one, "rectangle": Rectangle(**one["rectangle"])}) for one in fields["objects"])
    return Prelabel(**{**fields, "objects": objects})
