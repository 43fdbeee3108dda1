"""The pictures of a task as files: by name, and as one archive."""

import re
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path

from services.task_manager.domain import Image, Task
from services.task_manager.exports.archive import Archive
from services.task_manager.exports.names import ID_DIGITS, file_name
from services.task_manager.exports.ranges import Progress
from services.task_manager.exports.walk import CHUNK_BYTES, Turns, Walk, in_chunks
from services.task_manager.exports.wanted import Wanted
from services.task_manager.store import TaskStore
from shared.errors import NotFound, Unavailable
from shared.objects import ObjectStore
from shared.shares import Holder, Shares

ARCHIVES = 4
"""Archives that are made at a time; each holds pictures in memory. Of these places each caller has a share."""
FILES = 8
"""Files that are held in memory until they are sent. Of these places each caller has a share."""
_NAME = re.compile(rf".*-([0-9a-f]{{{ID_DIGITS}}})\.[a-z]{{1,5}}", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class WithFiles(Wanted):
    """All images that have a file: neither those on their way through a pipeline, nor those in whose place others
    stand."""

    def takes(self, image: Image) -> bool:
        return has_file(image)


def has_file(image: Image) -> bool:
    """Whether an image is one of its task's files."""
    return bool(image.object_key) and image.state not in ("derived", "processing", "failed")


def name_of(image: Image) -> str:
    """The name of an image's file."""
    return file_name(image.filename, image.id, image.object_key)


class Files:
    """The files of tasks."""

    def __init__(self, store: TaskStore, objects: ObjectStore, spool: Path) -> None:
        self._store = store
        self._objects = objects
        self._spool = spool
        self._turns = Turns()
        self._archives = Shares(ARCHIVES)
        self._files = Shares(FILES)

    def place(self, holder: Holder) -> AbstractContextManager[None]:
        """Is to be held while an archive is made. Raises Unavailable where too many are made."""
        return self._archives.place(holder, Unavailable("too many archives are being made", retry_after_s=10))

    async def archive(self, task: Task) -> AsyncIterator[bytes]:
        """All files of a task as a zip, in constant memory. Raises Erased where the task was cancelled meanwhile, and
        NotFound where a picture is gone: then what came of it is no whole file."""
        walk = Walk(
            task=task,
            wanted=WithFiles(form="imagefolder"),
            store=self._store,
            objects=self._objects,
            spool=self._spool,
            turns=self._turns,
            progress=Progress(0),
        )
        async for piece in in_chunks(_zipped(walk)):
            yield piece

    async def named(self, task_id: str, name: str) -> Image:
        """The image whose file has this name. Raises NotFound."""
        found = _NAME.fullmatch(name)
        image = None if found is None else await self._beginning(task_id, found[1])
        if image is None or name_of(image) != name:
            raise NotFound("the task has no file of this name")
        return image

    async def image(self, task_id: str, image_id: str) -> Image:
        """An image that has a file. Raises NotFound."""
        image = await self._beginning(task_id, image_id[:-1])
        if image is None or image.id != image_id:
            raise NotFound("the task has no such image, or it has no file yet")
        return image

    async def _beginning(self, task_id: str, digits: str) -> Image | None:
        """The image with a file whose id begins so."""
        near = await self._store.images(task_id, state=None, label=None, after=digits, limit=16)
        return next((one for one in near if one.id.startswith(digits) and has_file(one)), None)

    def sending(self, holder: Holder) -> AbstractContextManager[None]:
        """Is to be held until a file is sent. Raises Unavailable where too many are."""
        return self._files.place(holder, Unavailable("too many files are being sent", retry_after_s=2))

    async def read(self, image: Image) -> bytes:
        """Raises NotFound."""
        return await self._objects.get(image.object_key)


async def in_pieces(data: bytes) -> AsyncIterator[bytes]:
    """A file in pieces, which a connection takes as its reader does: so it holds little that is not sent."""
    for start in range(0, len(data), CHUNK_BYTES):
        yield data[start : start + CHUNK_BYTES]


async def _zipped(walk: Walk) -> AsyncIterator[bytes]:
    with closing(Archive(walk.spool)) as archive:
        async for picture in walk.pictures():
            yield archive.begin(name_of(picture.image), len(picture.data), picture.crc)
            yield picture.data
        for piece in archive.end():
            yield piece
