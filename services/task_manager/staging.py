"""Uploads straight to the object store: whoever has its form stages a file, and a commit takes it in.

The names that were announced are kept beside the staged files, under a key that no form is made for: whoever commits
cannot give a file the name of another. Both stay when they have been taken in, so that a commit can be repeated, until
the collector removes them.
"""

import asyncio
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from services.task_manager import names
from shared.errors import Invalid, NotFound
from shared.objects import FORM_S, ObjectStore, PostForm
from shared.objects.keys import names_key, staged_key

_UPLOAD_ID = re.compile(r"[0-9a-f]{32}")
GONE = "no such upload, or it is over: begin a new one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Staging:
    """A new upload: a form for each file, which can be sent until `expires_at`."""

    upload_id: str
    expires_at: float
    forms: tuple[PostForm, ...]


async def begin(objects: ObjectStore, task_id: str, filenames: Sequence[str], *, max_bytes: int, now: float) -> Staging:
    """Forms for these files. Raises Invalid, pointing at the file, for a name that cannot be kept."""
    for number, filename in enumerate(filenames):
        try:
            names.kept(filename)
        except names.NameRefused as refused:
            raise Invalid(refused.detail, pointer=f"/files/{number}/filename") from None
    upload_id = secrets.token_hex(16)
    await objects.put(names_key(task_id, upload_id), orjson.dumps(filenames))
    forms = await asyncio.to_thread(_forms, objects, task_id, upload_id, len(filenames), max_bytes, now)
    return Staging(upload_id=upload_id, expires_at=now + FORM_S, forms=forms)


def _forms(
    objects: ObjectStore, task_id: str, upload_id: str, count: int, max_bytes: int, now: float
) -> tuple[PostForm, ...]:
    """Each takes 50 µs."""
    keys = (staged_key(task_id, upload_id, number) for number in range(count))
    return tuple(objects.post_form(key, max_bytes=max_bytes, now=now) for key in keys)


async def announced(
    objects: ObjectStore, task_id: str, upload_id: str, filenames: Sequence[str] | None
) -> dict[str, str]:
    """The keys of an upload's files with the names that were announced.

    Raises NotFound where there is no such upload, and Invalid where `filenames`, if given, are others.
    """
    if not _UPLOAD_ID.fullmatch(upload_id):
        raise NotFound(GONE)
    try:
        said: list[str] = orjson.loads(await objects.get(names_key(task_id, upload_id)))
    except NotFound:
        raise NotFound(GONE) from None
    if filenames is not None and said != list(filenames):
        number = next((n for n, (one, other) in enumerate(zip(said, filenames, strict=False)) if one != other), None)
        pointer = "/files" if number is None else f"/files/{number}/filename"
        raise Invalid("the files are not those that were announced, or not in their order", pointer=pointer)
    return {staged_key(task_id, upload_id, number): filename for number, filename in enumerate(said)}
