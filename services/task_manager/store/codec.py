"""How tasks and images are stored, and what became of their schemas."""

from services.task_manager.domain import Image, Task
from shared.codec import Codec, Fields, unchanged
from shared.results import PIPELINE
from shared.terms import with_terms


def _with_votes(stored: Fields) -> Fields:
    """In schema 1 the votes of an image were a part of its result."""
    result = stored.get("result")
    return stored if result is None else {**stored, "votes": result["votes"]}


def _has_pipeline(task: Task) -> bool:
    """Whether a release without pipelines would lose that of a task."""
    return task.pipeline is not None


def _is_of_pipeline(image: Image) -> bool:
    """Whether a release without pipelines could not read an image, or would lose where it comes from."""
    is_decided = image.result is not None and image.result.decided_by == PIPELINE
    return is_decided or image.origin is not None or image.state in ("processing", "failed", "derived")


TASKS = Codec(Task, [with_terms, unchanged], guards=_has_pipeline)
IMAGES = Codec(Image, [_with_votes, unchanged], guards=_is_of_pipeline)
