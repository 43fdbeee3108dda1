"""Tasks with a pipeline, and what a worker would tell of their images: sizes and places are those of the operations."""

from services.task_manager.domain import Image, Task
from services.task_manager.pipelines.rules import Made, Step, begun, visit_at
from shared.objects.keys import image_key, work_key
from shared.pipelines import Operation, Origin, Pipeline, derived_id
from shared.pipelines.arguments import argument_of
from shared.pipelines.expansion import pieces_of, then
from tests.unit.task_builders import image, task


def pipeline(*operations, **fields) -> Pipeline:
    """`"split"`, or a name with its argument."""
    pairs = [(one, True) if isinstance(one, str) else one for one in operations]
    return Pipeline(operations=tuple(Operation(name=name, argument=argument) for name, argument in pairs), **fields)


def piped(*operations, **fields) -> Task:
    return task(pipeline=pipeline(*operations), **fields)


def uploaded(name: str, of: Task, **fields) -> Image:
    """An image as it is stored with its upload, of 40 x 30 pixels."""
    return begun(image(name, task_id=of.id, width=40, height=30, **fields), of.pipeline)


def step_of(of: Task, one: Image, *, nonce: int = 0, is_fused: bool = False) -> Step:
    """What a worker finishes for an image as it is."""
    if of.pipeline is None or one.stage is None:
        raise ValueError("it waits for no operation")
    visit = visit_at(of.pipeline, one.stage, is_fused=is_fused)
    origin = one.origin or Origin(image_id=one.id, width=one.width, height=one.height)
    pictures = [(one.width, one.height, origin)]
    for place, operation in enumerate(visit, one.stage):
        pictures = [made for picture in pictures for made in _done(operation, place, *picture)]
    is_last = one.stage + len(visit) == len(of.pipeline.operations)
    made = tuple(_made(of, *picture, nonce=f"{one.stage:04x}{nonce:08x}", is_last=is_last) for picture in pictures)
    return Step(step=one.stage, operations=len(visit), made=made)


def _done(operation: Operation, place: int, width: int, height: int, origin: Origin):
    pieces = pieces_of(argument_of(operation), width, height)
    for position, piece in enumerate(pieces):
        path = (*origin.path, (place, position)) if len(pieces) > 1 else origin.path
        affine = then(origin.affine, piece.affine)
        size = {"width": origin.width, "height": origin.height}
        yield piece.width, piece.height, Origin(image_id=origin.image_id, path=path, affine=affine, **size)


def _made(of: Task, width: int, height: int, origin: Origin, *, nonce: str, is_last: bool) -> Made:
    image_id = derived_id(origin.image_id, origin.path)
    key = (
        image_key(of.id, image_id, nonce=nonce, kept=0, extension="png")
        if is_last
        else work_key(of.id, image_id, nonce=nonce)
    )
    return Made(
        image_id=image_id,
        object_key=key,
        media_type="image/png" if is_last else "application/octet-stream",
        size_bytes=width * height,
        stored_sha256=f"{image_id:0>64}",
        crc32=7,
        width=width,
        height=height,
        origin=origin,
    )
