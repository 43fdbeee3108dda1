"""Requests and answers about pipelines."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field, JsonValue

from shared.http.requests import Wire
from shared.pipelines import MAX_OPERATIONS, Operation, OperationName, Output, Pipeline

_Operation = Annotated[
    tuple[OperationName, JsonValue], BeforeValidator(lambda given: tuple(given) if isinstance(given, list) else given)
]
"""A name and an argument; which argument a name takes is said in `shared.pipelines.arguments`."""


class PipelineRequest(Wire):
    """What is done to each image before people label it: operations in order, each a name and its argument, and how
    what comes of them is encoded. `quality`: of `jpg`."""

    operations: Annotated[list[_Operation], Field(min_length=1, max_length=MAX_OPERATIONS)]
    output: Output = "png"
    quality: Annotated[int, Field(ge=1, le=100)] = 95

    def pipeline(self) -> Pipeline:
        operations = tuple(Operation(name=name, argument=argument) for name, argument in self.operations)
        return Pipeline(operations=operations, output=self.output, quality=self.quality)


class PipelineShown(BaseModel):
    """As it was asked for: each operation is a list of its name and its argument."""

    operations: list[list[JsonValue]]
    output: Output
    quality: int


class OriginShown(BaseModel):
    """Where a derived image comes from. image_id, width, height: of the uploaded image. path: for each operation that
    made several pictures of one, its place in the pipeline and that of the picture. affine: (a, b, tx, c, d, ty) leads
    from a point (x, y) of the derived image to (a x + b y + tx, c x + d y + ty) of the uploaded one."""

    image_id: str
    width: int
    height: int
    path: list[list[int]]
    affine: list[float]
