"""What the task manager can be told, by environment variables with the prefix `QUORATE_`."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field

from services.task_manager.archives import ArchiveLimits
from services.task_manager.quotas import Allowed
from shared.fetching.addresses import Network, networks_in
from shared.settings import AmqpSettings, ArchiveSettings, CallerSettings, MongoSettings, Networks, S3Settings


class UploadSettings(ArchiveSettings):
    """Limits of uploads, in a task manager alone or within the embedded platform."""

    max_uploads: Annotated[int, Field(ge=1, le=1000, description="uploads at a time; more are told to come back")] = 16
    max_archive_ratio: Annotated[int, Field(ge=1, description="how many times its own size a zip may unpack to")] = 100

    image_cache_bytes: Annotated[
        int, Field(ge=0, description="how much of the images used last is kept in memory, in bytes")
    ] = 64_000_000
    cancelled_days: Annotated[
        float,
        Field(ge=0, description="days after which nothing stays of a cancelled task, not even in lists; 0: it stays"),
    ] = 90.0
    quota_bytes: Annotated[
        int | None, Field(ge=0, description="bytes of images that a team may store, unless it is set for it; none: any")
    ] = None
    quota_images: Annotated[
        int | None, Field(ge=0, description="images that a team may store, unless it is set for it; none: any")
    ] = None
    quota_open_tasks: Annotated[
        int | None,
        Field(ge=0, description="tasks that have not ended which a team may have, unless it is set for it; none: any"),
    ] = None

    pipeline_fuse: Annotated[
        bool,
        Field(
            description="whether neighbouring operations of a pipeline are done in one visit to a worker; off, each has"
            " its own queue and scales by itself"
        ),
    ] = False

    import_networks: Annotated[
        Networks,
        Field(
            description="networks (`10.1.0.0/16`), comma separated, in which clients' S3 servers may be though they are"
            " not public, also with `http`; none: imports read only from the open network, by `https`"
        ),
    ] = ""

    @property
    def importing(self) -> Sequence[Network]:
        """Networks from which imports may read."""
        return networks_in(self.import_networks)

    @property
    def allowed(self) -> Allowed:
        """What a team may have for which nothing was set."""
        return Allowed(bytes=self.quota_bytes, images=self.quota_images, open_tasks=self.quota_open_tasks)

    @property
    def archive_limits(self) -> ArchiveLimits:
        return ArchiveLimits(
            max_entries=self.max_archive_entries,
            max_unpacked_bytes=self.max_archive_bytes,
            max_entry_bytes=self.max_image_bytes,
            max_ratio=self.max_archive_ratio,
        )


class TaskManagerSettings(UploadSettings, MongoSettings, AmqpSettings, S3Settings, CallerSettings):
    """Settings of a task manager by itself."""

    mongo_database: Annotated[str, Field(min_length=1, max_length=60, description="database of this service alone")] = (
        "quorate_tasks"
    )
    spool_dir: Annotated[Path | None, Field(description="where archives under way are kept; none: a new folder")] = None

    def spool(self) -> Path:
        """The folder for archives under way; made where it is missing."""
        if self.spool_dir is None:
            return Path(tempfile.mkdtemp(prefix="quorate-"))
        self.spool_dir.mkdir(parents=True, exist_ok=True)
        return self.spool_dir
