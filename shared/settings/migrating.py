"""`... migrate`: what a start does to a service's database, done by hand before a release; and how a service is told
whether to serve or to do something else, and end."""

import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
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


Command = Callable[[], int]
"""Something that a service does once; returns the exit status."""


def serve_or(
    arguments: Sequence[str], kind: type[S], create: Callable[[S], Deployable], commands: Mapping[str, Command]
) -> int:
    """Serve, or do what the only argument names; returns the exit status."""
    match [*arguments]:
        case []:
            return serve(kind, create)
        case [name] if name in commands:
            return commands[name]()
        case _:
            print(f"usage: python -P -m services.<service> [{' | '.join(commands)}]", file=sys.stderr)  # noqa: T201
            return 2


def migrate(steps: Steps) -> int:
    """Take all steps on the database that the environment names, however long they take; returns the exit status: 1,
    with the reason, where the database is away. What was done by then is not done again."""
    if (settings := settings_of(MongoSettings)) is None:
        return 2
    configure_logs(settings.log_level)
    try:
        asyncio.run(_take(settings, steps))
    except QuorateError as error:
        print(f"quorate cannot migrate {settings.mongo_database}: {error}", file=sys.stderr)  # noqa: T201
        return 1
    log.info("the database is ready", extra={"database": settings.mongo_database, "version": VERSION})
    return 0


def settings_of(kind: type[S]) -> S | None:
    """The settings of a command, from the environment; None, and on stderr why, where they are not right."""
    try:
        return kind()
    except ValidationError as error:
        for one in error.errors():
            print(f"QUORATE_{str(one['loc'][0]).upper()}: {one['msg']}", file=sys.stderr)  # noqa: T201
        return None


async def _take(settings: MongoSettings, steps: Steps) -> None:
    mongo = settings.mongo(settings.telemetry("quorate-migrate"))
    try:
        for step in steps(mongo.database):
            await step()
    finally:
        await mongo.close()
