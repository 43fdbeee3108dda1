"""What of the run's own work waited, and what came of its tasks: from what people were told, without asking anybody."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from loadtest.people.statistics import Act

TAKEN = frozenset({"accepted", "duplicate"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the run's work was at `at_s`. A task is finished when it is sealed and all its images have ended.

    tasks_cancelled: before they were finished. images_waiting: taken, not ended, and their task was not cancelled.
    """

    at_s: float
    images_waiting: int
    tasks_made: int
    tasks_finished: int
    tasks_cancelled: int
    images_taken: int
    images_ended: int


def progress(acts: Sequence[Act], times_s: Sequence[float]) -> list[Progress]:
    """The progress at each of these times, which rise."""
    book, at = _Book(), 0
    found: list[Progress] = []
    for time_s in times_s:
        while at < len(acts) and acts[at].at_s <= time_s:
            book.note(acts[at])
            at += 1
        found.append(book.at(time_s))
    return found


class _Book:
    def __init__(self) -> None:
        self.made: set[str] = set()
        self.sealed: set[str] = set()
        self.cancelled: set[str] = set()
        self.erased: set[str] = set()
        self.task_of: dict[str, str] = {}
        self.open: dict[str, set[str]] = defaultdict(set)
        self.ended = 0

    def note(self, act: Act) -> None:
        """A vote may be told of before the upload's answer has come: then the image has ended when it is known."""
        match act.act:
            case "created":
                self.made.add(act.task_id)
            case "sealed":
                self.sealed.add(act.task_id)
            case "cancelling":
                (self.erased if self._is_finished(act.task_id) else self.cancelled).add(act.task_id)
            case "ended":
                if act.task_id in self.made:  # not one of an earlier run
                    is_new = act.subtask_id not in self.task_of
                    self.ended += is_new or act.subtask_id in self.open[act.task_id]
                    self.task_of[act.subtask_id] = act.task_id
                    self.open[act.task_id].discard(act.subtask_id)
            case taken if taken in TAKEN and act.subtask_id not in self.task_of:
                self.task_of[act.subtask_id] = act.task_id
                self.open[act.task_id].add(act.subtask_id)
            case _:
                pass

    def at(self, time_s: float) -> Progress:
        waiting = sum(len(images) for task_id, images in self.open.items() if task_id not in self.cancelled)
        finished = sum(map(self._is_finished, self.sealed - self.cancelled))
        return Progress(
            at_s=time_s,
            images_waiting=waiting,
            tasks_made=len(self.made),
            tasks_finished=finished,
            tasks_cancelled=len(self.cancelled),
            images_taken=len(self.task_of),
            images_ended=self.ended,
        )

    def _is_finished(self, task_id: str) -> bool:
        return task_id in self.sealed and not self.open[task_id]
