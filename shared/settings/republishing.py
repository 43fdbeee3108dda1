"""`... republish`: a service tells anew, from its store, whatever a broker that was lost may have held.

Everybody who hears it has a rule that makes a repeated event do nothing, so it may be told while services run, twice,
and of things that arrived long ago.
"""

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING

from shared.errors import QuorateError
from shared.events import Message
from shared.settings import AmqpSettings, MongoSettings
from shared.settings.migrating import settings_of
from shared.telemetry.logs import configure_logs

if TYPE_CHECKING:
    from shared.mongo.connection import MongoDatabase

log = logging.getLogger(__name__)

Anew = Callable[["MongoDatabase"], AsyncIterator[Sequence[Message]]]
"""What a service's database says that others must have heard, some messages at a time."""


class RepublishSettings(MongoSettings, AmqpSettings):
    """Where the state is, and where it is told."""


def republish(service: str, anew: Anew) -> int:
    """Tell all of it; returns the exit status: 1, with the reason, where a server is away. Then it is begun again."""
    if (settings := settings_of(RepublishSettings)) is None:
        return 2
    configure_logs(settings.log_level)
    try:
        told = asyncio.run(_tell(service, settings, anew))
    except QuorateError as error:
        print(f"quorate cannot republish {service}: {error}", file=sys.stderr)  # noqa: T201
        return 1
    log.info("everything was told anew", extra={"service": service, "events": told})
    return 0


async def _tell(service: str, settings: RepublishSettings, anew: Anew) -> int:
    telemetry = settings.telemetry("quorate-republish")
    mongo, bus = settings.mongo(telemetry), settings.bus(service, time.time, telemetry)
    told = 0
    try:
        await bus.open()
        async for messages in anew(mongo.database):
            await bus.publish(messages)
            told += len(messages)
    finally:
        await bus.close()
        await mongo.close()
    return told
