"""Tasks, images and results for tests."""

from services.task_manager.domain import Image, Task, image_id_of
from shared.results import Result, VoteCast
from shared.terms import Terms

T0 = 1_000_000.0
TASK_ID = "7a" * 16


def task(*, task_id: str = TASK_ID, **fields) -> Task:
    known = {
        "id": task_id,
        "owner": "owner",
        "name": "pets",
        "terms": Terms(labels=("cat", "dog")),
        "created_at": T0,
        "body_sha256": "0" * 64,
    }
    return Task(**{**known, **fields})


def image(name: str, *, task_id: str = TASK_ID, **fields) -> Image:
    """An image whose bytes are its name."""
    sha256 = f"{name:0>64}"
    image_id = image_id_of(task_id, sha256)
    known = {
        "id": image_id,
        "task_id": task_id,
        "filename": f"{name}.png",
        "sha256": sha256,
        "stored_sha256": sha256,
        "object_key": f"{task_id}/{image_id}-000000000000.png",
        "media_type": "image/png",
        "size_bytes": 100,
        "width": 4,
        "height": 4,
        "created_at": T0,
    }
    return Image(**{**known, **fields})


def result(
    *,
    revision: int = 1,
    label: str | None = "cat",
    agreement: float = 1.0,
    decided_by: str = "settled",
    by: str | None = None,
) -> Result:
    return Result(
        label=label,
        agreement=None if label is None else agreement,
        decided_by=None if label is None else decided_by,
        revision=revision,
        completed_at=T0 + revision,
        by=by,
    )


VOTES = (VoteCast(voter="ann", label="cat", at=T0),)
