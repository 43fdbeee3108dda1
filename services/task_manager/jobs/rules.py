"""The rules of jobs: what stands for them among tasks and images, and what their end means. Pure."""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from services.task_manager import labels
from services.task_manager.domain import Image, Task
from shared.errors import Invalid
from shared.labels import MAX_LABELS, folded
from shared.proposals import surest_classes
from shared.results import DETECTOR
from shared.terms import DetectorPolicy, QuorumPolicy, Terms

State = Literal["waiting", "finished", "failed"]

NAME = "Recognised by "
"""How the names of standing tasks begin."""
NOTHING = "background"
"""The class with which some models say that a picture shows none of the others: the detector never answers it."""
LONGEST_WAIT_S = 900.0
"""After so long nobody will look any more: what waits for a detector is forgotten after ten minutes."""
TOO_LATE = "no detector looked at it in time: delete the job, and submit the picture again"
ID = re.compile(r"[0-9a-f]{64}")
"""What the id of a job looks like: its task's and its image's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """A class that the detector named, and how sure it is, 0 to 1."""

    label: str
    confidence: float


@lru_cache(4)
def standing_terms(classes: tuple[str, ...]) -> Terms:
    """The terms of a task in which the detector alone gives each image one of its model's classes. Raises Invalid where
    these cannot be the labels of a task. Kept, for a thousand labels take 8 ms to check and pictures come often."""
    named: dict[str, str] = {}
    for name in classes:
        if name != NOTHING:
            named.setdefault(folded(name), name)
    found = tuple(named.values())
    if len(found) > MAX_LABELS:
        raise Invalid(f"the model has {len(found):,} classes, and a task has at most {MAX_LABELS:,} labels")
    labels.check_labels(found, allow_unsure=False)
    policy = DetectorPolicy(
        mode="accept", min_confidence=0.0, accept_confidence=0.0, audit_share=0.0, prelabel_wait_s=0.0, is_alone=True
    )
    quorum = QuorumPolicy(votes_required=1, max_votes=1)
    return Terms(labels=found, quorum=quorum, detector=policy, operators=())


def standing_key(model: str, terms: Terms, generation: int) -> str:
    """What names a caller's standing task for a model; the next generation, where the one before takes no images. No
    client can send it as a key, for it has lines."""
    names = hashlib.sha256("\n".join(terms.labels).encode()).hexdigest()
    return f"jobs\n{model}\n{names}\n{generation}"


def standing_name(model: str) -> str:
    """`model`: the voter's name."""
    return NAME + model.removeprefix(DETECTOR)[: labels.MAX_NAME_LENGTH - len(NAME)]


def is_standing(task: Task) -> bool:
    """Whether the images of a task are jobs."""
    return task.terms.detector.is_alone


def job_id(image: Image) -> str:
    return image.task_id + image.id


def ids_in(job: str) -> tuple[str, str]:
    """The task and the image of a job, by its id; both empty where it is no such id."""
    return (job[:32], job[32:]) if ID.fullmatch(job) else ("", "")


def state_of(image: Image, now: float) -> State:
    """A picture in which the model knows nothing is finished, and has no classes."""
    if image.result is None:
        return "waiting" if now - image.created_at < LONGEST_WAIT_S else "failed"
    return "failed" if image.state == "disputed" and image.result.reason is not None else "finished"


def reason_of(image: Image, now: float) -> str | None:
    """Why a job failed; None where it did not."""
    if state_of(image, now) != "failed":
        return None
    return TOO_LATE if image.result is None else image.result.reason


def classes_of(image: Image) -> tuple[Recognised, ...]:
    """The surest classes, each once; what is called alike counts as one class, as sure as the surest."""
    if image.result is None or image.prelabel is None:
        return ()
    surest = surest_classes(image.prelabel.objects)
    return tuple(Recognised(label=one.label, confidence=one.confidence) for one in surest)
