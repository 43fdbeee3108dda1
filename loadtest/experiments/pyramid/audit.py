"""Is everything there that the platform acknowledged during a load test? Asked through its API."""

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from loadtest.experiments.pyramid.lease_monitor import Orphan
from loadtest.people.statistics import Act, Statistics
from quorate.client import Client
from quorate.errors import ApiError
from quorate.shapes import Subtask

ASKERS = 8
NOT_FOUND = 404
FINISHED = frozenset({"completed", "disputed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Counts, and the ids of what was not as it should be.

    held: open images with a live lease, after all leases had time to lapse.
    late: subtasks of operators that vanished which were not served again in time; slowest_s: of the others, the
    longest time from the end of the lease until then.
    """

    images: int
    finished: int
    lost_images: Sequence[str]
    held: Sequence[str]
    votes: int
    lost_votes: Sequence[str]
    orphans: int
    late: Sequence[str]
    slowest_s: float

    @property
    def is_clean(self) -> bool:
        return not (self.lost_images or self.held or self.lost_votes or self.late)


def audit(url: str, statistics: Statistics, orphans: Sequence[Orphan]) -> Audit:
    """Look at every image that was accepted and every vote that was acknowledged."""
    accepted = [act.subtask_id for act in statistics.acts if act.act in {"accepted", "duplicate"}]
    votes = [act for act in statistics.acts if act.act == "voted"]
    found = _subtasks(url, sorted({*accepted, *(vote.subtask_id for vote in votes)}))
    opened = [one for one in found.values() if one is not None and one["state"] not in FINISHED]
    leases: dict[str, list[Act]] = defaultdict(list)
    for act in statistics.acts:
        if act.act == "leased":
            leases[act.subtask_id].append(act)
    late_s = {one.subtask_id: one.late_s(leases[one.subtask_id], statistics.begun_at) for one in orphans}
    return Audit(
        images=len(set(accepted)),
        finished=sum(one is not None for one in found.values()) - len(opened),
        lost_images=[image_id for image_id in dict.fromkeys(accepted) if found[image_id] is None],
        held=[one["id"] for one in opened if one["live_leases"]],
        votes=len(votes),
        lost_votes=[vote.subtask_id for vote in votes if not _holds(found[vote.subtask_id], vote)],
        orphans=len(orphans),
        late=[subtask_id for subtask_id, seconds in late_s.items() if seconds is None],
        slowest_s=max((seconds for seconds in late_s.values() if seconds is not None), default=0.0),
    )


def _holds(subtask: Subtask | None, vote: Act) -> bool:
    cast = [] if subtask is None else subtask["votes"]
    return [one["label"] for one in cast if one["voter"] == vote.who] == [vote.detail]


def _subtasks(url: str, ids: Sequence[str]) -> dict[str, Subtask | None]:
    """Each subtask as it is now, None where there is none."""

    def ask(subtask_id: str) -> Subtask | None:
        try:
            return client.subtask(subtask_id)
        except ApiError as error:
            if error.status != NOT_FOUND:
                raise
            return None

    with Client(url, "auditor") as client, ThreadPoolExecutor(ASKERS) as pool:
        return dict(zip(ids, pool.map(ask, ids), strict=True))
