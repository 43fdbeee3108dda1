"""Forms of the predecessor's own request: `actions`, which say what is to be done, and files, in any order."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

from services.task_manager.multipart import SPOOL, Part
from services.task_manager.pipelines.wire import PipelineRequest
from shared.disk import errors_named
from shared.errors import Invalid
from shared.http.requests import read_json, valid
from shared.pipelines import Pipeline

FIELD = "actions"
FILE_FIELDS = ("files", "file", "images", "image")
MAX_ACTIONS_BYTES = 32_000
MAX_EARLY = 1_000
"""Files before the actions: they wait on the disk."""
MAX_EARLY_ARCHIVES = 16
"""Those of them that are zips: each of these is an open file."""


@dataclass(slots=True)
class Form:
    """A form whose files may come before anybody knows what to do with them: those are kept on the disk."""

    file: IO[bytes]
    early: list[tuple[Part, int]] = field(default_factory=list[tuple[Part, int]])

    async def actions(self, parts: AsyncIterator[Part]) -> Pipeline:
        """Read a form up to its actions. Raises Invalid, and RequestValidationError, where they are not there or cannot
        be."""
        async for part in parts:
            if part.disposition.field == FIELD:
                return read_actions(part)
            await self._keep(part)
        raise Invalid(f"the form has no field {FIELD}: it says what to do with the files", pointer=f"/{FIELD}")

    async def _keep(self, part: Part) -> None:
        with errors_named(SPOOL):
            size = await asyncio.to_thread(self.file.write, part.data)
        self.early.append((replace(part, data=b""), size))
        archives = sum(one.archive is not None for one, _ in self.early)
        if len(self.early) > MAX_EARLY or archives > MAX_EARLY_ARCHIVES:
            raise Invalid(f"send the field {FIELD} before the files: too many came before it", pointer=f"/{FIELD}")

    async def files(self, parts: AsyncIterator[Part]) -> AsyncGenerator[Part]:
        """The files of a form that was read up to its actions: first those that came before them."""
        self.file.seek(0)
        for part, size in self.early:
            with errors_named(SPOOL):
                data = await asyncio.to_thread(self.file.read, size)
            yield replace(part, data=data)
        async for part in parts:
            yield part


@contextlib.contextmanager
def form(spool: Path) -> Generator[Form]:
    """A form that keeps what comes early in a file without a name."""
    with tempfile.TemporaryFile(dir=spool) as file:
        found = Form(file)
        try:
            yield found
        finally:
            for part, _ in found.early:
                if part.archive is not None:
                    part.archive.close()


def read_actions(part: Part) -> Pipeline:
    """What the field asks for: operations and output, and perhaps a quality. Raises Malformed, Invalid and
    RequestValidationError."""
    if part.error is not None:
        raise part.error
    if len(part.data) > MAX_ACTIONS_BYTES:
        raise Invalid(f"the actions take more than {MAX_ACTIONS_BYTES:,} bytes", pointer=f"/{FIELD}")
    return valid(PipelineRequest, read_json(part.data, where=f"the field {FIELD}"), FIELD).pipeline()
