"""What the subtask manager can be told, by environment variables with the prefix `QUORATE_`."""

from typing import Annotated

from pydantic import Field

from shared.http.serving import ServerSettings
from shared.settings import AmqpSettings, MongoSettings, S3Settings


class LeaseSettings(ServerSettings):
    """How people work, in a subtask manager alone or within the embedded platform."""

    lease_s: Annotated[float, Field(gt=0, le=86_400, description="how long a lease lives, in seconds")] = 300.0


class SubtaskManagerSettings(LeaseSettings, MongoSettings, AmqpSettings, S3Settings):
    """Settings of a subtask manager by itself."""

    mongo_database: Annotated[str, Field(min_length=1, max_length=60, description="database of this service alone")] = (
        "quorate_subtasks"
    )
