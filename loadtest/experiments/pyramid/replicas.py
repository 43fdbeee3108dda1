"""How the replicas of a service moved while the load rose and fell."""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtest.experiments.supervisor import Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """Seconds since the load began; fell_s since it ended, None for not yet."""

    service: str
    least: int
    most: int
    most_at_s: float
    fell_s: float | None
    last: int


def services(observed: Sequence[Observation]) -> list[str]:
    return list(dict.fromkeys(one.service for one in observed))


def of(observed: Sequence[Observation], service: str) -> list[Observation]:
    return [one for one in observed if one.service == service]


def movement(observed: Sequence[Observation], service: str, ended_s: float) -> Movement:
    """How the replicas of this service moved, where the load ended `ended_s` after it began."""
    seen = of(observed, service)
    most = max(one.replicas for one in seen)
    at_end = [one.replicas for one in seen if one.at_s <= ended_s][-1]
    fell = [one.at_s - ended_s for one in seen if one.at_s > ended_s and one.replicas < at_end]
    return Movement(
        service=service,
        least=min(one.replicas for one in seen),
        most=most,
        most_at_s=next(one.at_s for one in seen if one.replicas == most),
        fell_s=fell[0] if fell else None,
        last=seen[-1].replicas,
    )


def mean_replicas(observed: Sequence[Observation], service: str, begin_s: float, end_s: float) -> float | None:
    found = [one.replicas for one in of(observed, service) if begin_s <= one.at_s < end_s]
    return sum(found) / len(found) if found else None
