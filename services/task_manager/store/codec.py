"""How tasks and images are stored, and what became of their schemas."""

from services.task_manager.domain import Image, Task
from shared.codec import Codec, Fields
from shared.terms import with_terms


def _with_votes(stored: Fields) -> Fields:
    """In schema 1 the votes of an image were a part of its result."""
    result = stored.get("result")
    return stored if result is None else {**stored, "votes": result["votes"]}


TASKS = Codec(Task, [with_terms])
IMAGES = Codec(Image, [_with_votes])
