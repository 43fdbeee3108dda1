"""The keys of objects. Quorate makes them, never a client, and a key of any other form does not exist.

<task id>/<name>.<extension>               an image
staging/<task id>/<upload id>-<number>     a staged file: sent by a direct upload, not committed yet
staging/<task id>/<upload id>-names        the file names of that upload
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
    """Whether this has the form of a key."""
    return _KEY.fullmatch(key) is not None


def checked(key: str) -> str:
    """The key itself. Raises NotFound if it does not have the form of a key."""
    if not is_key(key):
        raise NotFound("no such object")
    return key


def is_staged(key: str) -> bool:
    """Whether it is the key of a staged file."""
    return key.startswith(STAGING)


def staged_prefix(task_id: str) -> str:
    """The prefix of the keys of all staged files of a task."""
    return f"{STAGING}{task_id}/"


def staged_key(task_id: str, upload_id: str, number: int) -> str:
    """The key of one file of an upload. It holds the task's id, so that no other task can commit the upload."""
    return f"{staged_prefix(task_id)}{upload_id}-{number}"


def names_key(task_id: str, upload_id: str) -> str:
    """The key of the names of an upload's files."""
    return f"{staged_prefix(task_id)}{upload_id}-names"


def media_type(key: str) -> str:
    """The media type of an object, by its extension. Images were checked to be of that type, staged files were not."""
    return MEDIA_TYPES.get(key.rpartition(".")[2], "application/octet-stream")
