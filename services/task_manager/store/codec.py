"""Tasks and images as JSON, which is what every adapter keeps. Labels are values there, never names of fields."""

from typing import Any

import orjson

from services.task_manager.domain import Image, Prelabel, Registration, Result, Task, VoteCast
from shared.results import Detection, Rectangle
from shared.terms import DetectorPolicy, QuorumPolicy


def encode(value: Task | Image) -> bytes:
    return orjson.dumps(value)


def decode_task(body: bytes) -> Task:
    fields: dict[str, Any] = orjson.loads(body)
    fields["labels"] = tuple(fields["labels"])
    fields["quorum"] = QuorumPolicy(**fields["quorum"])
    fields["detector"] = DetectorPolicy(**fields["detector"])
    fields["uploads"] = tuple([Registration(**one) for one in fields["uploads"]])
    return Task(**fields)


def decode_image(body: bytes) -> Image:
    fields: dict[str, Any] = orjson.loads(body)
    if fields["result"] is not None:
        fields["result"] = _result(fields["result"])
    if fields["prelabel"] is not None:
        fields["prelabel"] = _prelabel(fields["prelabel"])
    return Image(**fields)


def _result(fields: dict[str, Any]) -> Result:
    fields["tally"] = tuple([(label, count) for label, count in fields["tally"]])
    fields["votes"] = tuple([VoteCast(**vote) for vote in fields["votes"]])
    return Result(**fields)


def _prelabel(fields: dict[str, Any]) -> Prelabel:
    objects = tuple(Detection(**{**one, "rectangle": Rectangle(**one["rectangle"])}) for one in fields["objects"])
    return Prelabel(**{**fields, "objects": objects})
