"""The rules of pipelines: how images go through their task's operations. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.task_manager.domain import Fact, Image, Task
from shared.decision import Decision
from shared.errors import Invalid
from shared.labels import folded
from shared.pipelines import MAX_DERIVED, Operation, Origin, Path, Pipeline
from shared.pipelines.arguments import Argument, Hide, argument_of
from shared.pipelines.expansion import most_derived
from shared.results import PIPELINE, Result
from shared.routing import OF_WORKERS

OPERATIONS = "/pipeline/operations"
NOTHING_MADE = "the operation made no picture"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A picture that came out of a step: `shared.event_data.StepOutput`."""

    image_id: str
    object_key: str
    media_type: str
    size_bytes: int
    stored_sha256: str
    crc32: int
    width: int
    height: int
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a worker has done: `operations` from the place `step` on. error: why it could not; then nothing was made."""

    step: int
    operations: int
    made: tuple[Made, ...] = ()
    error: str | None = None


def check_pipeline(pipeline: Pipeline, classes: Sequence[str] | None) -> None:
    """Raises Invalid, pointing at the operation, for what cannot be done, or would make too many pictures of an image.
    classes: of the detectors' model, None where none is heard of."""
    arguments = [_argument_at(place, operation) for place, operation in enumerate(pipeline.operations)]
    for place, argument in enumerate(arguments):
        if isinstance(argument, Hide):
            _check_classes(argument, classes, f"{OPERATIONS}/{place}/1/labels")
    for place in range(len(arguments)):
        _check_expansion(arguments[: place + 1], f"{OPERATIONS}/{place}/1")


def _argument_at(place: int, operation: Operation) -> Argument:
    try:
        return argument_of(operation)
    except Invalid as error:
        raise Invalid(error.detail, pointer=f"{OPERATIONS}/{place}/1{error.pointer or ''}") from error


def _check_classes(hide: Hide, classes: Sequence[str] | None, pointer: str) -> None:
    if classes is None:
        raise Invalid("no detector is running that tells its model's classes", pointer=pointer)
    known = {folded(name) for name in classes}
    for position, label in enumerate(hide.labels):
        if folded(label) not in known:
            raise Invalid(f"the detector's model has no class {label!r}", pointer=f"{pointer}/{position}")


def _check_expansion(arguments: Sequence[Argument], pointer: str) -> None:
    try:
        *_, most = most_derived(arguments)
    except Invalid as error:
        raise Invalid(error.detail, pointer=pointer) from error
    if most > MAX_DERIVED:
        detail = f"up to here the pipeline could make {most:,} pictures of one image: {MAX_DERIVED:,} are the most"
        raise Invalid(detail, pointer=pointer)


def visit_at(pipeline: Pipeline, stage: int, *, is_fused: bool) -> tuple[Operation, ...]:
    """The operations that are done in one visit, from a place on: those of one worker, where they are fused."""
    following = pipeline.operations[stage:]
    if not is_fused:
        return following[:1]
    own = next((place for place, one in enumerate(following) if one.name not in OF_WORKERS), len(following))
    return following[: max(1, own)]


def begun(image: Image, pipeline: Pipeline | None) -> Image:
    """A new image, at the first operation of its task's pipeline where there is one."""
    return image if pipeline is None else replace(image, state="processing", stage=0)


def take_step(task: Task, image: Image, now: float, *, step: Step) -> Decision[Image, tuple[Image, ...]]:
    """Take in what came out of a step; answers the images that were made of this one. Steps may be told twice and in
    any order: an image takes that at which it stands.

    Where one picture came of it, a derived image goes on as it is; an uploaded one stays, and another takes its place.
    """
    pipeline = task.pipeline
    is_awaited = image.state == "processing" and image.stage == step.step
    if pipeline is None or task.state == "cancelled" or not is_awaited:
        return Decision(state=image, answer=())
    if step.error is not None or not step.made:
        return Decision(state=failed(image, step.error or NOTHING_MADE), answer=())
    made = tuple(_gone_on(task, pipeline, image, one, step.step + step.operations, now) for one in step.made)
    if [one.id for one in made] == [image.id]:
        return Decision(state=replace(made[0], created_at=image.created_at), answer=(), facts=_facts(made[0]))
    return Decision(state=replace(image, state="derived", stage=None, work_key=None), answer=made)


def failed(image: Image, reason: str) -> Image:
    """An image that the pipeline cannot work on."""
    return replace(image, state="failed", stage=None, work_key=None, failure=reason)


def _facts(image: Image) -> tuple[str, ...]:
    if image.state == "processing":
        return (Fact.STEP_OPENED,)
    return (Fact.READY,) if image.state == "open" else ()


def _gone_on(task: Task, pipeline: Pipeline, image: Image, made: Made, stage: int, now: float) -> Image:
    """The image of a picture that was made of another's, after a step."""
    new = Image(
        id=made.image_id,
        task_id=image.task_id,
        filename=_filename(image, made.origin.path, pipeline.output),
        sha256="",
        stored_sha256="",
        object_key="",
        media_type="",
        size_bytes=0,
        width=made.width,
        height=made.height,
        created_at=now,
        terms_revision=task.revision,
        position=image.position,
        origin=made.origin,
    )
    if stage < len(pipeline.operations):
        return replace(new, state="processing", stage=stage, work_key=made.object_key)
    new = replace(
        new,
        sha256=made.stored_sha256,
        stored_sha256=made.stored_sha256,
        object_key=made.object_key,
        media_type=made.media_type,
        size_bytes=made.size_bytes,
        crc32=made.crc32,
    )
    if task.terms.quorum.votes_required:
        return new
    return replace(new, state="completed", result=Result(decided_by=PIPELINE, revision=1, completed_at=now))


def _filename(image: Image, path: Path, extension: str) -> str:
    """The name of the file that it was made of, and the places at which it came out of it: `dog-0.3-2.1.png`."""
    before = image.origin.path if image.origin else ()
    stem, dot, ending = image.filename.rpartition(".")
    stem = stem if dot and stem and "/" not in ending else image.filename
    places = "".join(f"-{step}.{position}" for step, position in path[len(before) :])
    return f"{stem}{places}.{extension}"
