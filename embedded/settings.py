"""What the embedded platform can be told, by environment variables with the prefix `QUORATE_`."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from services.detector.settings import DetectorSettings
from services.task_manager.archives import ArchiveLimits


class Settings(DetectorSettings):
    """Settings of the embedded platform; the defaults are safe on one machine."""

    data_dir: Annotated[Path, Field(description="where images and databases are kept")] = Path("quorate-data")
    lease_s: Annotated[float, Field(gt=0, le=86_400, description="how long a lease lives, in seconds")] = 300.0
    image_url_s: Annotated[
        int, Field(ge=60, le=604_800, description="how long an image's URL lives at the least, in seconds")
    ] = 3600
    image_cache_bytes: Annotated[
        int, Field(ge=0, description="how much of the images used last is kept in memory, in bytes")
    ] = 64_000_000
    max_uploads: Annotated[int, Field(ge=1, le=1000, description="uploads at a time; more are told to come back")] = 16
    max_archive_entries: Annotated[int, Field(ge=1, description="entries of one zip")] = 10_000
    max_archive_bytes: Annotated[int, Field(ge=1, description="size of one zip, packed and unpacked, in bytes")] = (
        2_000_000_000
    )
    max_archive_ratio: Annotated[int, Field(ge=1, description="how many times its own size a zip may unpack to")] = 100
    delivery_limit: Annotated[
        int, Field(ge=1, le=1000, description="how often an event is tried before it is a dead letter")
    ] = 10

    @property
    def archive_limits(self) -> ArchiveLimits:
        return ArchiveLimits(
            max_entries=self.max_archive_entries,
            max_unpacked_bytes=self.max_archive_bytes,
            max_entry_bytes=self.max_image_bytes,
            max_ratio=self.max_archive_ratio,
        )
