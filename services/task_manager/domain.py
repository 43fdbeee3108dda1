"""The rules of tasks and their images. Pure: time and ids are arguments."""

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from shared.decision import Decision
from shared.errors import Conflict, Invalid
from shared.results import Ended, Prelabel, Result, State, VoteCast
from shared.terms import UNSURE, Terms

TaskState = Literal["open", "sealed", "completed", "cancelled"]

MAX_LABELS = 1_000
MAX_LABEL_LENGTH = 200
MAX_LABEL_SET_BYTES = 32_768
MAX_VOTES = 100
REGISTRATION_S = 60.0
"""How long an upload's registration lives without being renewed."""
INVISIBLE = {"Cc", "Cf", "Cn", "Co", "Cs", "Mn", "Me", "Zl", "Zp", "Zs"}
"""Categories of characters that cannot be seen on their own."""
BLANKS = set("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that look like nothing, whatever their category."""


class Fact(StrEnum):
    """What happened to a task or an image, for others to hear of."""

    READY = "ready"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class NotOpen(Conflict):
    """The task takes no more images."""


class StillUploading(Conflict):
    """An upload to the task is under way."""


class KeyReused(Invalid):
    """The Idempotency-Key was used before, with another body."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """An upload under way; it lapses at `expires_at` unless it is renewed."""

    id: str
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A client's batch. `body_sha256` is of the request that made it; `is_erased`: images and objects are gone.
    `first_name` is the file name that came first, where the order goes by name."""

    id: str
    owner: str
    name: str
    terms: Terms
    created_at: float
    body_sha256: str
    state: TaskState = "open"
    uploads: tuple[Registration, ...] = ()
    sealed_at: float | None = None
    completed_at: float | None = None
    cancelled_at: float | None = None
    is_erased: bool = False
    first_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many images a task has, in all and by state."""

    images: int = 0
    open: int = 0
    completed: int = 0
    disputed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One stored picture of a task. `sha256` is of the bytes as uploaded, `stored_sha256` of those under `object_key`;
    width and height in pixels of the upright stored picture. `position`: its place in the order of upload, about
    when it was taken in, in microseconds since the epoch."""

    id: str
    task_id: str
    filename: str
    sha256: str
    stored_sha256: str
    object_key: str
    media_type: str
    size_bytes: int
    width: int
    height: int
    created_at: float
    state: State = "open"
    votes: tuple[VoteCast, ...] = ()
    result: Result | None = None
    prelabel: Prelabel | None = None
    position: int = 0


def task_id_of(owner: str, idempotency_key: str) -> str:
    """The id of the task that a caller creates under a key: the same however often it is sent."""
    return hashlib.sha256(f"task\n{owner}\n{idempotency_key}".encode()).hexdigest()[:32]


def image_id_of(task_id: str, sha256: str) -> str:
    """The id of an image: the same bytes in the same task are the same image."""
    return hashlib.sha256(f"image\n{task_id}\n{sha256}".encode()).hexdigest()[:32]


def check_labels(labels: Sequence[str], *, allow_unsure: bool) -> tuple[str, ...]:
    """A label set in hotkey order. Raises Invalid, pointing at the label, for what cannot be told apart or seen."""
    if not 1 <= len(labels) <= MAX_LABELS:
        raise Invalid(f"a task has 1 to {MAX_LABELS:,} labels", pointer="/labels")
    if sum(len(label.encode("utf-8", "surrogatepass")) for label in labels) > MAX_LABEL_SET_BYTES:
        raise Invalid(f"the labels together are over {MAX_LABEL_SET_BYTES:,} bytes", pointer="/labels")
    seen = {UNSURE} if allow_unsure else set[str]()
    for position, label in enumerate(labels):
        pointer = f"/labels/{position}"
        if not 1 <= len(label) <= MAX_LABEL_LENGTH:
            raise Invalid(f"a label has 1 to {MAX_LABEL_LENGTH} characters", pointer=pointer)
        if all(unicodedata.category(character) in INVISIBLE or character in BLANKS for character in label):
            raise Invalid("a label needs a character that can be seen", pointer=pointer)
        if any(unicodedata.category(character) == "Cs" for character in label):
            raise Invalid("a label must be valid Unicode", pointer=pointer)
        folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", label).casefold())
        if folded in seen:
            raise Invalid("the label is there twice, apart from case and form", pointer=pointer)
        seen.add(folded)
    return tuple(labels)


def check_policies(terms: Terms) -> None:
    """Raises Invalid where the policies ask for what cannot be."""
    quorum = terms.quorum
    if quorum.max_votes < quorum.votes_required:
        raise Invalid("max_votes is less than votes_required", pointer="/quorum/max_votes")
    if quorum.stop == "lead" and quorum.lead > quorum.max_votes:
        raise Invalid("lead is more than max_votes", pointer="/quorum/lead")
    for name, label in terms.detector.label_map.items():
        if label not in terms.labels:
            raise Invalid(f"{name!r} is mapped to a label that the task has not", pointer="/detector/label_map")


def repeat_create(existing: Task, wanted: Task) -> Task:
    """What creating a task again answers. Raises KeyReused where the body is another."""
    if existing.body_sha256 != wanted.body_sha256:
        raise KeyReused("this Idempotency-Key was used with another body")
    return existing


def register_upload(task: Task, now: float, *, upload_id: str) -> Decision[Task, None]:
    """Begin or renew an upload. Raises NotOpen."""
    if task.state != "open":
        raise NotOpen(f"the task is {task.state} and takes no more images")
    others = tuple(one for one in task.uploads if one.id != upload_id and one.expires_at > now)
    mine = Registration(id=upload_id, expires_at=now + REGISTRATION_S)
    return Decision(state=replace(task, uploads=(*others, mine)), answer=None)


def end_upload(task: Task, _now: float, *, upload_id: str) -> Decision[Task, None]:
    """An upload has ended, however it did."""
    left = tuple(one for one in task.uploads if one.id != upload_id)
    return Decision(state=task if left == task.uploads else replace(task, uploads=left), answer=None)


def end_uploads(task: Task, _now: float) -> Decision[Task, None]:
    """Every upload has ended: nobody is left who could go on with one."""
    return Decision(state=replace(task, uploads=()), answer=None)


def seal(task: Task, now: float) -> Decision[Task, None]:
    """No more images. Sealing again changes nothing. Raises StillUploading, NotOpen (cancelled)."""
    if task.state in ("sealed", "completed"):
        return Decision(state=task, answer=None)
    if task.state == "cancelled":
        raise NotOpen("the task is cancelled")
    if any(one.expires_at > now for one in task.uploads):
        raise StillUploading("an upload to this task is under way; seal it when that has ended")
    return Decision(state=replace(task, state="sealed", sealed_at=now, uploads=()), answer=None)


def complete(task: Task, now: float) -> Decision[Task, None]:
    """No image is open any more: a sealed task completes, once."""
    if task.state != "sealed":
        return Decision(state=task, answer=None)
    return Decision(state=replace(task, state="completed", completed_at=now), answer=None, facts=(Fact.COMPLETED,))


def cancel(task: Task, now: float) -> Decision[Task, None]:
    """Drop the task's work, for good; what it stored is erased after. Cancelling again changes nothing."""
    if task.state == "cancelled":
        return Decision(state=task, answer=None)
    cancelled = replace(task, state="cancelled", cancelled_at=now, uploads=())
    return Decision(state=cancelled, answer=None, facts=(Fact.CANCELLED,))


def name_first(task: Task, _now: float, *, filename: str) -> Decision[Task, None]:
    """A file name has come; the first one stays."""
    return Decision(state=task if task.first_name else replace(task, first_name=filename), answer=None)


def mark_erased(task: Task, _now: float) -> Decision[Task, None]:
    """All that a cancelled task had stored is gone."""
    return Decision(state=replace(task, is_erased=True), answer=None)


def record_result(
    image: Image, _now: float, *, state: Ended, result: Result, votes: tuple[VoteCast, ...], prelabel: Prelabel | None
) -> Decision[Image, None]:
    """Take a result in. The highest revision wins, so results may come twice and in any order."""
    if image.result is not None and image.result.revision >= result.revision:
        return Decision(state=image, answer=None)
    return Decision(state=replace(image, state=state, result=result, votes=votes, prelabel=prelabel), answer=None)
