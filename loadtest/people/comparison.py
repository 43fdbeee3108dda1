"""Is everything there that was uploaded and voted? Asked of the platform after a run."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from loadtest.people.backlog import TAKEN
from loadtest.people.statistics import Act
from quorate.client import Client
from quorate.errors import QuorateError
from quorate.following import FINISHED
from quorate.retries import RetryPolicy
from quorate.shapes import Result

MOST_TASKS, MOST_S = 500, 120.0
"""So many tasks are compared, for so long at the most."""
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Expected:
    """What the platform acknowledged of one task: the hash of each image, and the label of each vote that stands."""

    images: dict[str, str] = field(default_factory=dict[str, str])
    votes: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Counts of images, and of votes. unanswered: why the platform could not be asked further, empty where it could."""

    tasks: int
    compared: int = 0
    finished: int = 0
    images: int = 0
    lacking: int = 0
    altered: int = 0
    foreign: int = 0
    votes: int = 0
    votes_lacking: int = 0
    unanswered: str = ""

    def problems(self) -> list[str]:
        """What is not as it should be, in sentences."""
        found: list[str] = []
        if self.unanswered:
            found.append(f"{self.tasks - self.compared} of {self.tasks} tasks could not be compared: {self.unanswered}")
        if self.lacking or self.altered or self.foreign:
            found.append(
                f"results are not what was uploaded: of {self.images:,} images {self.lacking:,} are lacking and "
                f"{self.altered:,} altered; {self.foreign:,} are there that nobody uploaded"
            )
        if self.votes_lacking:
            found.append(f"{self.votes_lacking:,} of {self.votes:,} votes in results are lacking")
        return found


def expected(acts: Iterable[Act]) -> dict[str, Expected]:
    """By task; without those that a client cancelled, or was just cancelling."""
    found: dict[str, Expected] = defaultdict(Expected)
    stands: dict[tuple[str, str], str] = {}
    for act in acts:
        if act.act in TAKEN:
            found[act.task_id].images[act.subtask_id] = act.detail
        elif act.act == "voted":
            stands[act.who, act.subtask_id] = act.detail
        elif act.act == "undone":
            stands.pop((act.who, act.subtask_id), None)
        elif act.act == "cancelling":
            found[act.task_id] = _CANCELLED
    by_image: dict[str, Counter[str]] = defaultdict(Counter)
    for (_, subtask_id), label in stands.items():
        by_image[subtask_id][label] += 1
    for task in found.values():
        task.votes.update({image_id: by_image[image_id] for image_id in task.images if image_id in by_image})
    return {task_id: task for task_id, task in found.items() if task is not _CANCELLED}


_CANCELLED = Expected()


def compared(task: Expected, results: Iterable[Result]) -> Counter[str]:
    """How much is as it should be, and what is not, by the names of Comparison's fields."""
    seen = {one["image_id"]: one for one in results}
    found: Counter[str] = Counter(images=len(task.images), foreign=len(seen.keys() - task.images.keys()))
    for image_id, sha256 in task.images.items():
        result = seen.get(image_id)
        found["lacking"] += result is None
        found["altered"] += result is not None and result["sha256"] != sha256
        tally = None if result is None else result["votes"]
        if tally is not None:  # an open image does not tell its votes
            votes = task.votes.get(image_id, Counter())
            found["votes"] += votes.total()
            found["votes_lacking"] += (votes - Counter(tally)).total()
    return found


def compare(url: str, acts: Sequence[Act]) -> Comparison:
    """Ask for every task of the run, or for so many of them, until the platform does not answer."""
    tasks = expected(acts)
    counts: Counter[str] = Counter(tasks=len(tasks))
    unanswered, until = "", time.monotonic() + MOST_S
    with Client(url, "comparing", retry=RetryPolicy(attempts=ATTEMPTS)) as client:
        for task_id in spread(sorted(tasks), MOST_TASKS):
            if time.monotonic() > until:
                break
            try:
                counts += _ask(client, task_id, tasks[task_id])
            except QuorateError as error:
                unanswered = str(error)
                break
    return Comparison(unanswered=unanswered, **counts)


def spread(ids: Sequence[str], most: int) -> Sequence[str]:
    """At most so many, evenly from the first to the last."""
    return ids if len(ids) <= most else [ids[at * len(ids) // most] for at in range(most)]


def _ask(client: Client, task_id: str, task: Expected) -> Mapping[str, int]:
    is_finished = client.task(task_id)["state"] in FINISHED
    return compared(task, client.results(task_id)) + Counter(compared=1, finished=int(is_finished))
