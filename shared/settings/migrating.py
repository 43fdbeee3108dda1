"""`... migrate`: what a start does to a service's database, done by hand before a release."""

import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from shared.errors import QuorateError
from shared.http.serving import Deployable, ServerSettings, serve
from shared.settings import MongoSettings
from shared.telemetry.logs import configure_logs
from shared.version import VERSION

if TYPE_CHECKING:
    from shared.mongo.connection import MongoDatabase

log = logging.getLogger(__name__)
S = TypeVar("S", bound=ServerSettings)

Step = Callable[[], Coroutine[Any, Any, None]]
Steps = Callable[["MongoDatabase"], Sequence[Step]]
"""What a release brings to a database: its indexes, and what older releases have not stored."""


def serve_or_migrate(arguments: Sequence[str], kind: type[S], create: Callable[[S], Deployable], steps: Steps) -> int:
    """Serve, or migrate where the only argument says so; returns the exit status."""
    if not arguments:
        return serve(kind, create)
    if [*arguments] == ["migrate"]:
        return migrate(steps)
    print("usage: python -P -m services.<service> [migrate]", file=sys.stderr)  # noqa: T201
    return 2


def migrate(steps: Steps) -> int:
    """Take all steps on the database that the environment names, however long they take; returns the exit status: 1,
    with the reason, where the database is away. What was done by then is not done again."""
    try:
        settings = MongoSettings()  # pyright: ignore[reportCallIssue] - from the environment
    except ValidationError as error:
        for one in error.errors():
            print(f"QUORATE_{str(one['loc'][0]).upper()}: {one['msg']}", file=sys.stderr)  # noqa: T201
        return 2
    configure_logs(settings.log_level)
    try:
        asyncio.run(_take(settings, steps))
    except QuorateError as error:
        print(f"quorate cannot migrate {settings.mongo_database}: {error}", file=sys.stderr)  # noqa: T201
        return 1
    log.info("the database is ready", extra={"database": settings.mongo_database, "version": VERSION})
    return 0


async def _take(settings: MongoSettings, steps: Steps) -> None:
    mongo = settings.mongo(settings.telemetry("quorate-migrate"))
    try:
        for step in steps(mongo.database):
            await step()
    finally:
        await mongo.close()
