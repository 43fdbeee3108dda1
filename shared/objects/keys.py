"""The names of objects. Quorate makes them, never a client: what has another form names nothing.

`<task id>/<name>.<extension>` is an image, `staging/<task id>/<upload id>-<number>` a file that waits to be taken in,
`staging/<task id>/<upload id>-names` what the files of that upload are called.
"""

import re

from shared.errors import NotFound

STAGING = "staging/"
MEDIA_TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp", "bmp": "image/bmp"}

_KEY = re.compile(
    r"[0-9a-f]{32}/[0-9a-f-]{1,80}\.[a-z]{1,5}"
    r"|staging/[0-9a-f]{32}/[0-9a-f]{32}-(?:[0-9]{1,4}|names)"
)


def is_key(key: str) -> bool:
    """Whether this may name an object."""
    return _KEY.fullmatch(key) is not None


def checked(key: str) -> str:
    """The key. Raises NotFound where it is none."""
    if not is_key(key):
        raise NotFound("no such object")
    return key


def is_staged(key: str) -> bool:
    """Whether it names a file that waits to be taken in."""
    return key.startswith(STAGING)


def staged_prefix(task_id: str) -> str:
    """What the keys of all files begin with that wait to be taken into a task."""
    return f"{STAGING}{task_id}/"


def staged_key(task_id: str, upload_id: str, number: int) -> str:
    """The key of one file of an upload. It holds the task's id, so an upload is nothing to any other task."""
    return f"{staged_prefix(task_id)}{upload_id}-{number}"


def names_key(task_id: str, upload_id: str) -> str:
    """The key of the names of an upload's files."""
    return f"{staged_prefix(task_id)}{upload_id}-names"


def media_type(key: str) -> str:
    """The type of an object's content; an image has been seen to be what its name says, a staged file has not."""
    return MEDIA_TYPES.get(key.rpartition(".")[2], "application/octet-stream")
