"""What the embedded platform can be told, by environment variables with the prefix `QUORATE_`."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from services.accounts.settings import AccountSettings
from services.consensus.settings import ConsensusSettings
from services.detector.settings import DetectorSettings
from services.notifier.settings import WebhookSettings
from services.subtask_manager.settings import LeaseSettings
from services.task_manager.settings import UploadSettings
from services.worker.settings import WorkerSettings
from shared.settings import BusSettings, ObjectSettings


class Settings(
    DetectorSettings,
    LeaseSettings,
    UploadSettings,
    WorkerSettings,
    AccountSettings,
    WebhookSettings,
    ConsensusSettings,
    ObjectSettings,
    BusSettings,
):
    """Settings of the embedded platform; the defaults are safe on one machine."""

    pipeline_fuse: Annotated[
        bool, Field(description="whether neighbouring operations of a pipeline are done in one visit to a worker")
    ] = True
    data_dir: Annotated[Path, Field(description="where images and databases are kept")] = Path("quorate-data")
