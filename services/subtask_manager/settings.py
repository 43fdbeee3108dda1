"""What the subtask manager can be told, by environment variables with the prefix `QUORATE_`."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from shared.labels import MAX_LABELS
from shared.settings import AmqpSettings, ArchiveSettings, CallerSettings, MongoSettings, S3Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the platform takes: bytes, pixels (width times height) and sides of a picture, zips, labels of a task."""

    max_image_bytes: int
    max_pixels: int
    max_side: int
    max_zip_entries: int
    max_zip_bytes: int
    max_labels: int


class LeaseSettings(ArchiveSettings):
    """How people work, in a subtask manager alone or within the embedded platform."""

    lease_s: Annotated[float, Field(gt=0, le=86_400, description="how long a lease lives, in seconds")] = 300.0

    @property
    def limits(self) -> Limits:
        """What callers are told of the pictures, zips and labels that the platform takes."""
        return Limits(
            max_image_bytes=self.max_image_bytes,
            max_pixels=self.max_image_pixels,
            max_side=self.max_image_side,
            max_zip_entries=self.max_archive_entries,
            max_zip_bytes=self.max_archive_bytes,
            max_labels=MAX_LABELS,
        )


class SubtaskManagerSettings(LeaseSettings, MongoSettings, AmqpSettings, S3Settings, CallerSettings):
    """Settings of a subtask manager by itself."""

    mongo_database: Annotated[str, Field(min_length=1, max_length=60, description="database of this service alone")] = (
        "quorate_subtasks"
    )
