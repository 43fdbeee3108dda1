"""The keys of objects. Quorate makes them, never a client, and a key of any other form does not exist.

<task id>/<image id>-<nonce>-<kept>.<extension>   an image, and how many of its renditions were stored with it
<task id>/<image id>-<nonce>.<extension>          the same from an older release, which stored none
<key of an image>.<name>.jpg                      a rendition
staging/<task id>/<upload id>-<number>            a staged file: sent by a direct upload, not committed yet
staging/<task id>/<upload id>-names               the file names of that upload
work/<task id>/<image id>-<nonce>.raw             a picture between two visits to workers
"""

import re

from shared import renditions
from shared.errors import NotFound
from shared.objects import URL_ROUND_S
from shared.pipelines import RAW
from shared.renditions import Rendition

STAGING = "staging/"
WORK = "work/"
RENDITION_CACHED_S = 86_400
"""How long a browser may keep a rendition."""
MEDIA_TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp", "bmp": "image/bmp"}

_RENDITION = rf"\.(?P<rendition>{'|'.join(renditions.ALL)})\.jpg"
_KEY = re.compile(
    rf"(?P<original>[0-9a-f]{{32}}/[0-9a-f-]{{1,80}}\.[a-z]{{1,5}})(?:{_RENDITION})?"
    r"|staging/[0-9a-f]{32}/[0-9a-f]{32}-(?:[0-9]{1,4}|names)"
    rf"|work/[0-9a-f]{{32}}/[0-9a-f]{{32}}-[0-9a-f]{{12}}\.{RAW}"
)
_KEPT = re.compile(r"-[0-9a-f]{12}-([0-9])\.")


def is_key(key: str) -> bool:
    """Whether this has the form of a key."""
    return _KEY.fullmatch(key) is not None


def checked(key: str) -> str:
    """The key itself. Raises NotFound if it does not have the form of a key."""
    if not is_key(key):
        raise NotFound("no such object")
    return key


def image_key(task_id: str, image_id: str, *, nonce: str, kept: int, extension: str) -> str:
    """The key of an image that is stored with `kept` of its renditions. `nonce`: 12 hexadecimal digits."""
    return f"{task_id}/{image_id}-{nonce}-{kept}.{extension}"


def kept_renditions(image_key: str) -> int:
    """How many of an image's renditions were stored with it, the smallest first."""
    found = _KEPT.search(image_key)
    return int(found[1]) if found else 0


def rendition_key(image_key: str, rendition: Rendition) -> str:
    """The key of a rendition of an image."""
    return f"{image_key}.{rendition.name}.jpg"


def with_renditions(image_key: str) -> list[str]:
    """The key of an image and those of all the renditions that it may have."""
    return [image_key, *(rendition_key(image_key, rendition) for rendition in renditions.ALL.values())]


def rendition_of(key: str) -> tuple[str, Rendition] | None:
    """The key of the image and the rendition that a key is of; None: it is not that of a rendition."""
    found = _KEY.fullmatch(key)
    return (found["original"], renditions.ALL[found["rendition"]]) if found and found["rendition"] else None


def original_of(key: str) -> str:
    """The key of the image that a rendition is of; any other key itself."""
    rendition = rendition_of(key)
    return rendition[0] if rendition else key


def image_of(key: str) -> tuple[str, str]:
    """The ids of the task and of the image to which the key of an image belongs, or of a picture between two visits."""
    task_id, _, name = key.removeprefix(WORK).partition("/")
    return task_id, name[:32]


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


def is_work(key: str) -> bool:
    """Whether it is the key of a picture between two visits."""
    return key.startswith(WORK)


def work_prefix(task_id: str) -> str:
    """The prefix of the keys of all pictures of a task that are between two visits."""
    return f"{WORK}{task_id}/"


def work_key(task_id: str, image_id: str, *, nonce: str) -> str:
    """The key of a picture between two visits to workers. `nonce`: 12 hexadecimal digits."""
    return f"{work_prefix(task_id)}{image_id}-{nonce}.{RAW}"


def shown(key: str) -> str:
    """The key itself. Raises NotFound for a picture between two visits: nobody but workers sees it."""
    if is_work(key):
        raise NotFound("no such object")
    return key


def media_type(key: str) -> str:
    """The media type of an object, by its extension. Images were checked to be of that type, staged files were not."""
    return MEDIA_TYPES.get(key.rpartition(".")[2], "application/octet-stream")


def cache_control(key: str) -> str:
    """The header of an answer with an object: how long a browser may keep it, by its URL."""
    return f"private, max-age={RENDITION_CACHED_S if rendition_of(key) else URL_ROUND_S}, immutable"
