"""What the worker can be told, by environment variables with the prefix `QUORATE_`."""

from typing import Annotated, cast

from pydantic import AfterValidator, Field

from shared.http.serving import ServerSettings
from shared.pipelines import OperationName
from shared.routing import OF_WORKERS
from shared.settings import StatelessSettings


def _known(text: str) -> str:
    """Raises ValueError where one of them is no operation of workers."""
    if unknown := set(_names(text)) - set(OF_WORKERS):
        raise ValueError(f"{', '.join(sorted(unknown))}: the operations of workers are {', '.join(OF_WORKERS)}")
    return text


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


class WorkerSettings(ServerSettings):
    """How pictures of pipelines are worked on, by a service alone or within the embedded platform."""

    operations: Annotated[
        str,
        AfterValidator(_known),
        Field(
            description="the operations whose steps this process does, comma separated; none: all of "
            + ", ".join(OF_WORKERS)
        ),
    ] = ""

    @property
    def kinds(self) -> tuple[OperationName, ...]:
        """The operations whose steps are done."""
        return cast("tuple[OperationName, ...]", tuple(_names(self.operations)) or OF_WORKERS)


class WorkerServiceSettings(WorkerSettings, StatelessSettings):
    """Settings of a worker by itself."""

    mongo_database: Annotated[str, Field(min_length=1, max_length=60, description="database of this service alone")] = (
        "quorate_worker"
    )
