"""Tasks and images as answers, ready to be written as JSON."""

from collections.abc import Sequence
from typing import Any

from services.task_manager.domain import Counts, Image, Task
from services.task_manager.ingest import Report
from services.task_manager.staging import Staging
from shared.clock import iso
from shared.flat import flattened
from shared.http.answers import earlier_shown, result_shown


def task_shown(task: Task, counts: Counts) -> dict[str, Any]:
    """A task with its live counts."""
    return {
        "id": task.id,
        "name": task.name,
        "owner": task.owner,
        **flattened(task.terms),
        "state": task.state,
        "pipeline": pipeline_shown(task),
        "counts": counts,
        "created_at": iso(task.created_at),
        "sealed_at": _iso_or_none(task.sealed_at),
        "completed_at": _iso_or_none(task.completed_at),
        "cancelled_at": _iso_or_none(task.cancelled_at),
    }


def pipeline_shown(task: Task) -> dict[str, Any] | None:
    """A task's pipeline, as it was asked for."""
    if task.pipeline is None:
        return None
    operations = [(one.name, one.argument) for one in task.pipeline.operations]
    return {"operations": operations, "output": task.pipeline.output, "quality": task.pipeline.quality}


def image_shown(image: Image) -> dict[str, Any]:
    """An image with its result, without its URLs."""
    return {
        "image_id": image.id,
        "filename": image.filename,
        "sha256": image.sha256,
        "stored_sha256": image.stored_sha256,
        "width": image.width,
        "height": image.height,
        "state": image.state,
        "origin": image.origin,
        "failure": image.failure,
        **result_shown(image.result, image.votes),
        "prelabel": image.prelabel,
        "imported": image.imported and image.imported.prelabel,
        "earlier": earlier_shown(image.earlier),
    }


def upload_shown(reports: list[Report]) -> dict[str, Any]:
    """The report of an upload."""
    statuses = [report.status for report in reports]
    return {
        "images": [
            {
                "filename": report.filename,
                "status": report.status,
                "image_id": report.image_id,
                "sha256": report.sha256,
                "reason": report.reason,
                "quota": report.quota,
                "notes": report.notes,
            }
            for report in reports
        ],
        "accepted": statuses.count("accepted"),
        "duplicates": statuses.count("duplicate"),
        "rejected": statuses.count("rejected"),
        "skipped": statuses.count("skipped"),
    }


def staging_shown(staging: Staging, filenames: Sequence[str]) -> dict[str, Any]:
    """A direct upload that has begun."""
    return {
        "upload_id": staging.upload_id,
        "expires_at": iso(staging.expires_at),
        "files": [
            {"filename": filename, "url": form.url, "fields": form.fields}
            for filename, form in zip(filenames, staging.forms, strict=True)
        ],
    }


def _iso_or_none(at: float | None) -> str | None:
    return None if at is None else iso(at)
