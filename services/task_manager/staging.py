"""Uploads straight to the object store: whoever has its form stages a file, and a commit takes it in.

Nothing is remembered of such an upload: the key of a staged file is made of the task, the upload and the file's number.
Staged files stay where they are when they have been taken in, so that a commit can be repeated, until the collector
removes them.
"""

import re
import secrets
from dataclasses import dataclass

from shared.errors import NotFound
from shared.objects import FORM_S, ObjectStore, PostForm
from shared.objects.keys import staged_key

_UPLOAD_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Staging:
    """A new upload: a form for each file, which can be sent until `expires_at`."""

    upload_id: str
    expires_at: float
    forms: tuple[PostForm, ...]


def begin(objects: ObjectStore, task_id: str, count: int, *, max_bytes: int, now: float) -> Staging:
    """Forms for so many files; each takes 50 µs."""
    upload_id = secrets.token_hex(16)
    keys = (staged_key(task_id, upload_id, number) for number in range(count))
    forms = tuple(objects.post_form(key, max_bytes=max_bytes, now=now) for key in keys)
    return Staging(upload_id=upload_id, expires_at=now + FORM_S, forms=forms)


def key_of(task_id: str, upload_id: str, number: int) -> str:
    """Where the file with this number is staged. Raises NotFound where no upload has such an id."""
    if not _UPLOAD_ID.fullmatch(upload_id):
        raise NotFound("no such upload")
    return staged_key(task_id, upload_id, number)
