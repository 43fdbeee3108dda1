"""The rules of tasks and their images. Pure: time and ids are arguments."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal

from services.task_manager.labels import check_label_map, check_label_names, check_labels, check_task_name
from services.task_manager.refusals import (
    Alone,
    Cancelled,
    Erased,
    KeyReused,
    NotOpen,
    StillProcessing,
    StillUploading,
)
from shared.decision import Decision
from shared.errors import Invalid
from shared.pipelines import Origin, Pipeline
from shared.results import DETECTOR, PIPELINE, Ended, Imported, Prelabel, Result, VoteCast, tally
from shared.teams import FIRST_TEAM, key_in
from shared.terms import Terms

TaskState = Literal["open", "sealed", "completed", "cancelled"]
ShownState = Literal["open", "completed", "disputed", "processing", "failed"]
"""The state of an image, as clients see it. `processing`: its task's pipeline has yet to do with it. `failed`: the
pipeline could not."""
ImageState = Literal["open", "completed", "disputed", "processing", "failed", "derived"]
"""`derived`: other images were made of it, and stand in its place."""

MAX_VOTES = 100
REGISTRATION_S = 60.0
"""How long an upload's registration lives without being renewed."""


class Fact(StrEnum):
    """What happened to a task or an image, for others to hear of."""

    OPENED = "opened"
    READY = "ready"
    PRELABELED = "prelabeled"
    STEP_OPENED = "step_opened"
    REMOVED = "removed"
    CHANGED = "changed"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    ERASED = "erased"
    PURGED = "purged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many images a task has, in all and by state; those of which others were made are not among them."""

    images: int = 0
    open: int = 0
    completed: int = 0
    disputed: int = 0
    processing: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """An upload under way; it lapses at `expires_at` unless it is renewed."""

    id: str
    expires_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """A client's order to end what is open with the votes there are: who gave it, and why."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A client's batch.

    body_sha256: of the request that made it.
    is_announced: others were told of it and its terms. False for one that an earlier version created.
    is_erased: images and objects are gone. is_purged: others were told to forget the task, which goes, too.
    revision: of what the subtask manager is told: the terms and the order to finish.
    completions: how often it has completed; a task that is reopened may complete again.
    first_name: the file name that came first, where the order goes by name.
    awaited: the revision that the subtask manager has not said to act on; 0: none.
    counted: its images as it completed last.
    pipeline: what is done to its images before people label them.
    """

    id: str
    owner: str
    name: str
    terms: Terms
    created_at: float
    body_sha256: str
    team: str = FIRST_TEAM
    state: TaskState = "open"
    uploads: tuple[Registration, ...] = ()
    sealed_at: float | None = None
    completed_at: float | None = None
    cancelled_at: float | None = None
    is_announced: bool = False
    is_erased: bool = False
    is_purged: bool = False
    revision: int = 1
    finish: Finish | None = None
    completions: int = 0
    first_name: str = ""
    awaited: int = 0
    counted: Counts | None = None
    pipeline: Pipeline | None = None

    @property
    def is_at_rest(self) -> bool:
        """Whether no result is expected any more."""
        return self.state in ("completed", "cancelled")

    @property
    def is_settling(self) -> bool:
        """Whether a client's order or new terms have yet to show in the results."""
        return (self.awaited > 0 and self.state != "cancelled") or (self.state == "sealed" and self.finish is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One stored picture of a task.

    sha256: of the bytes as uploaded. stored_sha256: of those under `object_key`.
    width, height: in pixels of the upright stored picture.
    terms_revision: that of the task when it came.
    position: its place in the order of upload, about when it was taken in, in microseconds since the epoch.
    prelabel: the detector's. imported: what its client says of it, from a file of labels.
    crc32: of the bytes under `object_key`, as an archive has it. None for one that an earlier version stored.
    stage: the next operation of the pipeline, by its place; None: none is left.
    origin: the uploaded image that it was made of; None: it was uploaded itself. A derived image has no file, and its
    `object_key` is empty, until the last operation was done.
    work_key: of the picture between two visits to workers. failure: why the pipeline could not work on it.
    """

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
    terms_revision: int = 1
    state: ImageState = "open"
    votes: tuple[VoteCast, ...] = ()
    result: Result | None = None
    prelabel: Prelabel | None = None
    earlier: tuple[Result, ...] = ()
    position: int = 0
    imported: Imported | None = None
    crc32: int | None = None
    stage: int | None = None
    origin: Origin | None = None
    work_key: str | None = None
    failure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """That an image was removed, and which object it had. id: of the document that says so."""

    id: str
    task_id: str
    image_id: str
    object_key: str


def stub_of(image: Image) -> Image:
    """What is kept of an image that was removed: which object it had, and nothing that anybody said of it."""
    unsaid = replace(image, votes=(), result=None, prelabel=None, imported=None, earlier=())
    return replace(unsaid, filename="", state="open", failure=None)


def agreement_of(image: Image) -> float | None:
    """The share of an image's votes that agree, 0 to 1: those for its label, in a dispute those of the most frequent
    one. None while it is open, and where nobody was asked."""
    if image.result is None or image.result.decided_by == PIPELINE:
        return None
    if image.result.agreement is not None:
        return image.result.agreement
    most = max((count for _, count in tally(vote.label for vote in image.votes)), default=0)
    return most / max(1, len(image.votes))


def is_against_detector(image: Image) -> bool | None:
    """Whether people gave an image another label than the detector proposed; None where either said nothing."""
    result, prelabel = image.result, image.prelabel
    if result is None or result.label is None or result.decided_by == "detector":
        return None
    if prelabel is None or prelabel.label is None:
        return None
    return result.label != prelabel.label


def people_votes(image: Image) -> int:
    """How many people voted on an image."""
    return sum(not vote.voter.startswith(DETECTOR) for vote in image.votes)


def counted_votes(image: Image) -> int:
    """How many votes of people brought an image its result: none where a person decided it."""
    return 0 if image.result is None or image.result.by is not None else people_votes(image)


def task_id_of(team: str, owner: str, idempotency_key: str) -> str:
    """The id of the task that a caller creates in a team under a key: the same however often it is sent."""
    return hashlib.sha256(f"task\n{key_in(team, owner)}\n{idempotency_key}".encode()).hexdigest()[:32]


def image_id_of(task_id: str, sha256: str) -> str:
    """The id of an image: the same bytes in the same task are the same image."""
    return hashlib.sha256(f"image\n{task_id}\n{sha256}".encode()).hexdigest()[:32]


def check_terms(terms: Terms) -> None:
    """Raises Invalid, pointing at the field, where the terms ask for what cannot be."""
    if terms.labels or terms.label_names or terms.quorum.votes_required:
        check_labels(terms.labels, allow_unsure=terms.allow_unsure)
        check_label_names(terms.label_names, terms.labels, allow_unsure=terms.allow_unsure)
    check_label_map(terms.detector.label_map, terms.labels)
    check_policies(terms)


def check_policies(terms: Terms) -> None:
    """Raises Invalid where the policies ask for what cannot be."""
    quorum = terms.quorum
    if quorum.max_votes < quorum.votes_required:
        raise Invalid("max_votes is less than votes_required", pointer="/quorum/max_votes")
    if quorum.stop == "lead" and quorum.lead > quorum.max_votes:
        raise Invalid("lead is more than max_votes", pointer="/quorum/lead")
    if terms.order in ("uncertain", "confident") and terms.detector.mode == "off":
        raise Invalid("this order goes by what the detector says: its mode is off", pointer="/order")


def refuse_processing(image: Image) -> None:
    """Raises StillProcessing where the pipeline has yet to do with an image."""
    if image.state == "processing":
        raise StillProcessing("the pipeline has yet to do with the image: remove it when that is done")


def announce(task: Task) -> Decision[Task, None]:
    """Tell the others of a task and its terms, once."""
    if task.is_announced:
        return Decision(state=task, answer=None)
    return Decision(state=replace(task, is_announced=True), answer=None, facts=(Fact.OPENED,))


def repeat_create(existing: Task, wanted: Task) -> Task:
    """What creating a task again answers. Raises KeyReused where the body is another."""
    if existing.body_sha256 != wanted.body_sha256:
        raise KeyReused("this Idempotency-Key was used with another body")
    return existing


def register_upload(task: Task, now: float, *, upload_id: str) -> Decision[Task, None]:
    """Begin or renew an upload; before its first image, a task is announced. Raises NotOpen."""
    refuse_unless_open(task)
    others = tuple(one for one in task.uploads if one.id != upload_id and one.expires_at > now)
    mine = Registration(id=upload_id, expires_at=now + REGISTRATION_S)
    return announce(replace(task, uploads=(*others, mine)))


def begin_import(task: Task, _now: float) -> Decision[Task, None]:
    """Files will be read from elsewhere; the task is saved, so that it is noted who asked. Raises NotOpen."""
    refuse_unless_open(task)
    return announce(replace(task))


def cancel_import(task: Task, _now: float) -> Decision[Task, None]:
    """The same of one that is called off."""
    return Decision(state=replace(task), answer=None)


def end_upload(task: Task, _now: float, *, upload_id: str) -> Decision[Task, None]:
    """An upload has ended, however it did."""
    left = tuple(one for one in task.uploads if one.id != upload_id)
    return Decision(state=task if left == task.uploads else replace(task, uploads=left), answer=None)


def end_uploads(task: Task, _now: float) -> Decision[Task, None]:
    """Every upload has ended: nobody is left who could go on with one."""
    return Decision(state=replace(task, uploads=()), answer=None)


def seal(task: Task, now: float) -> Decision[Task, None]:
    """No more images. Sealing again changes nothing. Raises StillUploading, Cancelled."""
    if task.state in ("sealed", "completed"):
        return Decision(state=task, answer=None)
    refuse_cancelled(task)
    if any(one.expires_at > now for one in task.uploads):
        raise StillUploading("an upload to this task is under way; seal it when that has ended")
    return Decision(state=replace(task, state="sealed", sealed_at=now, uploads=()), answer=None)


def complete(task: Task, now: float, *, counts: Counts | None = None) -> Decision[Task, None]:
    """No image is open any more: a sealed task completes, once. counts: its images as they are now."""
    if task.state != "sealed":
        return Decision(state=task, answer=None)
    completed = replace(task, state="completed", completed_at=now, completions=task.completions + 1, counted=counts)
    return Decision(state=completed, answer=None, facts=(Fact.COMPLETED,))


def reopen(task: Task, _now: float) -> Decision[Task, None]:
    """Take images again, and ask people again. An open task stays as it is. Raises Cancelled."""
    if task.state == "open":
        return Decision(state=task, answer=None)
    refuse_cancelled(task)
    reopened = replace(task, state="open", sealed_at=None, completed_at=None)
    if task.finish is None:
        return Decision(state=reopened, answer=None)
    return Decision(state=told(replace(reopened, finish=None)), answer=None, facts=(Fact.CHANGED,))


def finish(task: Task, now: float, *, by: str, reason: str) -> Decision[Task, None]:
    """Seal the task, and end its open images with the votes they have. The same order again changes nothing.

    Raises StillUploading, Cancelled.
    """
    order = Finish(by=by, reason=reason)
    if task.finish == order or task.state == "completed":
        return Decision(state=task, answer=None)
    sealed = seal(task, now).state
    return Decision(state=told(replace(sealed, finish=order)), answer=None, facts=(Fact.CHANGED,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a client changes of a task; None leaves a thing as it is. An empty instruction or name takes it away.

    votes_required: the extension up to `max_votes` stays as long as it was.
    add_labels: behind the others. label_names: how labels are shown, an empty name as the label itself.
    """

    name: str | None = None
    instructions: str | None = None
    votes_required: int | None = None
    add_labels: tuple[str, ...] = ()
    label_names: Mapping[str, str] = field(default_factory=dict[str, str])


def edit(task: Task, _now: float, *, change: Change) -> Decision[Task, None]:
    """Change a task; images that have ended stay as they are. Raises Invalid, Cancelled."""
    refuse_cancelled(task)
    refuse_alone(task)
    if change.name is not None:
        check_task_name(change.name)
    name = task.name if change.name is None else change.name
    changed = replace(task, name=name, terms=_changed_terms(task.terms, change))
    if changed == task:
        return Decision(state=task, answer=None)
    if changed.terms != task.terms:
        check_terms(changed.terms)
    return Decision(state=told(changed), answer=None, facts=(Fact.CHANGED,))


def _changed_terms(terms: Terms, change: Change) -> Terms:
    given: dict[str, Any] = {}
    if change.instructions is not None:
        given["instructions"] = change.instructions or None
    if change.votes_required is not None:
        extension = terms.quorum.max_votes - terms.quorum.votes_required
        required = change.votes_required
        given["quorum"] = replace(terms.quorum, votes_required=required, max_votes=required + extension)
    if change.add_labels:
        given["labels"] = terms.labels + tuple(label for label in change.add_labels if label not in terms.labels)
    if change.label_names:
        names = {**terms.label_names, **change.label_names}
        given["label_names"] = {label: name for label, name in names.items() if name not in ("", label)}
    return replace(terms, **given)


def told(task: Task) -> Task:
    """The task with a new revision of what the subtask manager is told."""
    return replace(task, revision=task.revision + 1, awaited=task.revision + 1)


def note_applied(task: Task, _now: float, *, revision: int) -> Decision[Task, None]:
    """The subtask manager acts on a revision, and on those before it."""
    return Decision(state=replace(task, awaited=0) if 0 < task.awaited <= revision else task, answer=None)


def refuse_erased(task: Task) -> None:
    """Raises Erased for a task that has no images and results any more."""
    if task.state == "cancelled":
        raise Erased("the task was cancelled, and its images and results were erased")


def refuse_unless_open(task: Task) -> None:
    """Raises NotOpen, and Cancelled, for a task that takes no more images."""
    if task.state != "open":
        refusal = Cancelled if task.state == "cancelled" else NotOpen
        raise refusal(f"the task is {task.state} and takes no more images")


def refuse_cancelled(task: Task) -> None:
    """Raises Cancelled."""
    if task.state == "cancelled":
        raise Cancelled("the task is cancelled")


def refuse_alone(task: Task) -> None:
    """Raises Alone."""
    if task.terms.detector.is_alone:
        raise Alone("the detector alone looks at the images of this task, by its model's classes: they are jobs")


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
    if task.is_erased:
        return Decision(state=task, answer=None)
    return Decision(state=replace(task, is_erased=True), answer=None, facts=(Fact.ERASED,))


def record_result(
    image: Image,
    _now: float,
    *,
    state: Ended,
    result: Result,
    votes: tuple[VoteCast, ...],
    prelabel: Prelabel | None,
    earlier: tuple[Result, ...] = (),
) -> Decision[Image, None]:
    """Take a result in. The highest revision wins, so results may come twice and in any order."""
    if image.result is not None and image.result.revision >= result.revision:
        return Decision(state=image, answer=None)
    recorded = replace(image, state=state, result=result, votes=votes, prelabel=prelabel, earlier=earlier)
    return Decision(state=recorded, answer=None)
