"""Answers about jobs."""

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel

from services.task_manager.domain import Image
from services.task_manager.ingest import Report
from services.task_manager.jobs import rules
from shared.clock import iso


class ClassShown(BaseModel):
    """A class that the detector named, and how sure it is, 0 to 1."""

    label: str
    confidence: float


class JobShown(BaseModel):
    """A picture to be recognised. `classes`: up to five, the surest first; none until it is finished, and none where
    the model knows nothing in it. `model`: that looked. `reason`: why it failed."""

    id: str
    state: rules.State
    filename: str
    sha256: str
    width: int
    height: int
    image_url: str
    thumbnail_url: str
    screen_url: str | None
    submitted_at: str
    finished_at: str | None
    model: str | None
    classes: list[ClassShown]
    reason: str | None


class JobsShown(BaseModel):
    """Jobs of the caller, the newest first."""

    items: list[JobShown]
    next_cursor: str | None


class SubmittedFile(BaseModel):
    """What became of one file. `id`: of its job; a picture that was submitted before (`duplicate`) is the same job.
    `reason`: why it was not taken. `quota`: which of the team's is used up, if that is it. `notes`: what of it was
    changed on the way in."""

    filename: str
    status: Literal["accepted", "duplicate", "rejected", "skipped"]
    id: str | None
    sha256: str | None
    reason: str | None
    quota: str | None
    notes: list[str]


class Submitted(BaseModel):
    """What became of every file. `id`: of the job, where there is one; null where there are several."""

    id: str | None
    jobs: list[SubmittedFile]
    accepted: int
    duplicates: int
    rejected: int
    skipped: int


def job_shown(image: Image, urls: dict[str, Any], now: float) -> dict[str, Any]:
    """A job. `urls`: of its picture."""
    result, prelabel = image.result, image.prelabel
    return {
        "id": rules.job_id(image),
        "state": rules.state_of(image, now),
        "filename": image.filename,
        "sha256": image.sha256,
        "width": image.width,
        "height": image.height,
        **urls,
        "submitted_at": iso(image.created_at),
        "finished_at": result and iso(result.completed_at),
        "model": prelabel and prelabel.model,
        "classes": rules.classes_of(image),
        "reason": rules.reason_of(image, now),
    }


def submitted(task_id: str, reports: Iterable[Report]) -> dict[str, Any]:
    """The answer to a submission of files, whose images have come to this task."""
    jobs = [_file(task_id, report) for report in reports]
    ids = {one["id"] for one in jobs} - {None}
    statuses = [one["status"] for one in jobs]
    return {
        "id": ids.pop() if len(ids) == 1 else None,
        "jobs": jobs,
        "accepted": statuses.count("accepted"),
        "duplicates": statuses.count("duplicate"),
        "rejected": statuses.count("rejected"),
        "skipped": statuses.count("skipped"),
    }


def _file(task_id: str, report: Report) -> dict[str, Any]:
    return {
        "filename": report.filename,
        "status": report.status,
        "id": None if report.image_id is None else task_id + report.image_id,
        "sha256": report.sha256,
        "reason": report.reason,
        "quota": report.quota,
        "notes": report.notes,
    }
