"""What was seen of the replicas while the load rose and fell, read from the CSV that was written meanwhile."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One service at `at_s` after the load began (before it, below 0); `cpu` in cores, `queue` in messages.

    `desired` is what the metrics asked for, before stabilisation and policies. What is not known is None.
    """

    at_s: float
    service: str
    replicas: int
    ready: int | None
    desired: int
    cpu: float | None
    queue: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """How the replicas of a service moved. Seconds since the load began; fell_s since it ended, None for not yet."""

    service: str
    least: int
    most: int
    most_at_s: float
    fell_s: float | None
    last: int


def read(path: Path, begun_at: float) -> list[Row]:
    """All rows; `begun_at` is when the load began, in seconds of the epoch."""
    with path.open(encoding="utf-8", newline="") as file:
        return [_row(fields, begun_at) for fields in csv.DictReader(file)]


def services(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row.service for row in rows))


def of(rows: Sequence[Row], service: str) -> list[Row]:
    return [row for row in rows if row.service == service]


def movement(rows: Sequence[Row], service: str, ended_s: float) -> Movement:
    """How the replicas of this service moved, where the load ended `ended_s` after it began."""
    seen = of(rows, service)
    most = max(row.replicas for row in seen)
    at_end = [row.replicas for row in seen if row.at_s <= ended_s][-1]
    fell = [row.at_s - ended_s for row in seen if row.at_s > ended_s and row.replicas < at_end]
    return Movement(
        service=service,
        least=min(row.replicas for row in seen),
        most=most,
        most_at_s=next(row.at_s for row in seen if row.replicas == most),
        fell_s=fell[0] if fell else None,
        last=seen[-1].replicas,
    )


def mean_replicas(rows: Sequence[Row], service: str, begin_s: float, end_s: float) -> float | None:
    found = [row.replicas for row in of(rows, service) if begin_s <= row.at_s < end_s]
    return sum(found) / len(found) if found else None


def _row(fields: dict[str, str], begun_at: float) -> Row:
    return Row(
        at_s=float(fields["time"]) - begun_at,
        service=fields["service"],
        replicas=int(fields["replicas"]),
        ready=int(fields["ready"]) if fields["ready"] else None,
        desired=int(fields["desired"]),
        cpu=float(fields["cpu"]) if fields["cpu"] else None,
        queue=int(fields["queue"]) if fields["queue"] else None,
    )
