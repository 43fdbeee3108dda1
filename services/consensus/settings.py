"""What the consensus service can be told, by environment variables with the prefix `QUORATE_`."""

from typing import Annotated

from pydantic import Field

from shared.erasures import AGAIN_AFTER_S
from shared.http.serving import ServerSettings
from shared.settings import AmqpSettings, CallerSettings, MongoSettings

LONGEST_S = AGAIN_AFTER_S - 60
"""A run that read its votes before somebody was erased is over when their erasure goes through all pages again."""


class ConsensusSettings(ServerSettings):
    """How consensus runs are made, by a service alone or within the embedded platform."""

    consensus_at_once: Annotated[
        int, Field(ge=1, le=16, description="consensus runs that one replica makes at a time, each in its own process")
    ] = 1
    consensus_time_s: Annotated[
        float,
        Field(
            gt=0,
            le=LONGEST_S,
            description=(
                "seconds, without rests for the sake of others, after which a consensus run that is not done fails; "
                "840 at the most, with them"
            ),
        ),
    ] = 600.0
    consensus_memory_bytes: Annotated[
        int,
        Field(
            ge=256_000_000,
            le=64_000_000_000,
            description="memory, as addresses in bytes, that one consensus run may take; where it needs more it fails",
        ),
    ] = 2 * 1024**3


class ConsensusServiceSettings(ConsensusSettings, MongoSettings, AmqpSettings, CallerSettings):
    """Settings of a consensus service by itself."""

    mongo_database: Annotated[str, Field(min_length=1, max_length=60, description="database of this service alone")] = (
        "quorate_consensus"
    )
