"""What events say: the data of each, whatever its version. Within a version only optional fields are added."""

from pydantic import BaseModel, ConfigDict

from shared.audit import AuditEntry
from shared.flat import unflattened
from shared.identity.told import KeyTold, PersonTold
from shared.pipelines import Operation, Origin, Output
from shared.results import Detection, Ended, Imported, Prelabel, Result, VoteCast
from shared.teams import FIRST_TEAM
from shared.terms import DetectorPolicy, Order, QuorumPolicy, Terms


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _WithTerms(Frozen):
    labels: tuple[str, ...]
    allow_unsure: bool = False
    instructions: str | None = None
    label_names: dict[str, str] = {}
    quorum: QuorumPolicy
    detector: DetectorPolicy
    order: Order = "random"
    hide_names: bool = False
    operators: tuple[str, ...] | None = None

    @property
    def terms(self) -> Terms:
        """The terms, which lie flat among the other fields."""
        return unflattened(Terms, self)


class TaskOpened(_WithTerms):
    """A task was created, `at` that instant. Of its terms the highest revision wins."""

    task_id: str
    owner: str
    at: float
    revision: int = 1
    name: str | None = None
    team: str = FIRST_TEAM


class ImageReady(_WithTerms):
    """An image is stored and can be labeled, with the terms of its task. Not sent any more."""

    task_id: str
    image_id: str
    owner: str
    object_key: str
    media_type: str
    width: int
    height: int
    task_created_at: float


class ImageToLabel(Frozen):
    """An image is stored and can be labeled by the terms of its task: those of `terms_revision` or later, which
    `task.opened` or `task.changed` told.

    place: where it stands in the task's order, 0 to 2**62 - 1; None where it has none.
    """

    task_id: str
    image_id: str
    object_key: str
    media_type: str
    width: int
    height: int
    terms_revision: int = 1
    filename: str = ""
    place: int | None = None


class ImagePrelabeled(ImageToLabel):
    """A client's file of labels says something of an image, which may not have been heard of yet."""

    imported: Imported


class StepOpened(Frozen):
    """A picture waits for an operation of its task's pipeline, and for those after it that are done in the same visit.

    image_id: of the picture as it is now. step: the place of the first operation in the pipeline.
    object_key: the uploaded file, or a picture between two visits (`shared.pipelines.RAW`).
    width, height: of the picture as it is now. is_last: what comes out is encoded, and is a derived image; else it goes
    on to the next operation.
    """

    task_id: str
    image_id: str
    step: int
    operations: tuple[Operation, ...]
    object_key: str
    width: int
    height: int
    origin: Origin
    is_last: bool
    output: Output
    quality: int


class StepOutput(Frozen):
    """A picture that came out of a step, stored under its key. image_id: `derived_id` of its origin.

    stored_sha256, crc32: of the bytes as stored.
    """

    image_id: str
    object_key: str
    media_type: str
    size_bytes: int
    stored_sha256: str
    crc32: int
    width: int
    height: int
    origin: Origin


class StepFinished(Frozen):
    """A worker has done a step, and those in the same visit: `operations` in all. error: why the picture cannot be
    worked on; then there are no outputs, and trying again would not help."""

    task_id: str
    image_id: str
    step: int
    operations: int
    outputs: tuple[StepOutput, ...] = ()
    error: str | None = None


class SubtaskOpened(Frozen):
    """A subtask waits for its pre-label, in the labels of its task. Not sent any more."""

    task_id: str
    subtask_id: str
    object_key: str
    labels: tuple[str, ...]
    label_map: dict[str, str]
    min_confidence: float


class SubtaskToLookAt(Frozen):
    """A subtask waits for what a detector sees, from this confidence on."""

    task_id: str
    subtask_id: str
    object_key: str
    min_confidence: float


class SubtaskSeen(Frozen):
    """A detector has looked: the objects are those of its model's classes. `error` says why it could not look."""

    task_id: str
    subtask_id: str
    model: str
    objects: tuple[Detection, ...] = ()
    error: str | None = None


class SubtaskPrelabeled(Frozen):
    """A detector has looked, on the first version of `subtask.opened`. `label` is its top label among the task's, if
    any; `error` says why it could not look."""

    task_id: str
    subtask_id: str
    model: str
    label: str | None = None
    confidence: float | None = None
    objects: tuple[Detection, ...] = ()
    error: str | None = None

    @property
    def prelabel(self) -> Prelabel:
        """The proposal, which lies flat among the other fields."""
        return unflattened(Prelabel, self)


class SubtaskEnded(Frozen):
    """A subtask's result with all its votes. The highest revision wins. `by` and `reason` are the adjudicator's."""

    task_id: str
    subtask_id: str
    revision: int
    state: Ended
    label: str | None
    agreement: float | None
    tally: tuple[tuple[str, int], ...]
    votes: tuple[VoteCast, ...]
    decided_by: str | None
    completed_at: float
    by: str | None = None
    reason: str | None = None
    prelabel: Prelabel | None = None
    earlier: tuple[Result, ...] = ()
    team: str = FIRST_TEAM
    task_name: str | None = None

    @property
    def result(self) -> Result:
        """The result, which lies flat among the other fields."""
        return unflattened(Result, self)


class Doubt(Frozen):
    """An image whose result, of this revision, an estimate doubts: it names another label."""

    subtask_id: str
    revision: int
    label: str


class SubtasksDoubted(Frozen):
    """Somebody, `by`, wants adjudicators to look at images on which a method of a consensus run differs from the
    record, and asked for it at that instant. The record stays until an adjudicator decides."""

    task_id: str
    run_id: str
    method: str
    by: str
    at: float
    doubts: tuple[Doubt, ...]


class Finish(Frozen):
    """A client's order to end a task's open images with the votes they have, and why."""

    by: str
    reason: str


class TaskChanged(_WithTerms):
    """The terms of a task as they are now; the highest revision wins. `finish`: end what is open."""

    task_id: str
    owner: str
    revision: int
    at: float
    task_created_at: float
    finish: Finish | None = None
    name: str | None = None
    team: str = FIRST_TEAM


class TaskApplied(Frozen):
    """The terms of this revision, or later ones, are in effect on all that is open, and what they ended was told."""

    task_id: str
    revision: int


class ImageRemoved(Frozen):
    """A client removed an image, with its votes. The same bytes may come again, as an image with another object."""

    task_id: str
    image_id: str
    object_key: str
    at: float


class TaskCounts(Frozen):
    """How many images a task has that are settled, and disputed."""

    images: int
    completed: int
    disputed: int


class TaskEnded(Frozen):
    """A task has come to its end. counts: as it completed."""

    task_id: str
    owner: str
    at: float
    team: str = FIRST_TEAM
    name: str | None = None
    counts: TaskCounts | None = None


class PersonErased(Frozen):
    """A person was erased, `at` that instant: in all that is kept the pseudonym stands in place of their id from now
    on. It has nothing of the person."""

    person: str
    pseudonym: str
    at: float


class PersonPseudonymised(Frozen):
    """A service has put the pseudonym in place of the person in all that it keeps."""

    pseudonym: str
    service: str
    at: float


class AuditNoted(Frozen):
    """Somebody did something, in any service."""

    entry: AuditEntry


class AccessTold(Frozen):
    """Who may come, as of `at`: what has changed, or, every few minutes, all that holds. ended: ids of sessions."""

    at: float
    keys: tuple[KeyTold, ...] = ()
    people: tuple[PersonTold, ...] = ()
    ended: tuple[str, ...] = ()


class KeyUsed(Frozen):
    """A program came with this key."""

    key: str
    at: float
