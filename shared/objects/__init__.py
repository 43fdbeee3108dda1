"""The object store: bytes under keys."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

URL_ROUND_S = 600
"""URLs of one object are equal for this long, so that browsers can cache it."""
FORM_S = 1_800
"""How long a form is valid."""


@dataclass(frozen=True, slots=True)
class PostForm:
    """A form that stores an object: `fields` and then the bytes, in a field `file`, as multipart/form-data to `url`."""

    url: str
    fields: dict[str, str] = field(default_factory=dict[str, str])


class ObjectStore(Protocol):
    """Keeps objects under the keys of `shared.objects.keys`; any other key raises NotFound.

    An image is never overwritten. A staged object (`staging/`), which waits for its commit, may be.
    """

    async def put(self, key: str, data: bytes) -> None:
        """Store an object; durable when this returns. After StorageFull or Unavailable the object may exist:
        the caller tries again under another key, and the collector removes objects that no image names."""
        ...

    async def put_all(self, objects: Mapping[str, bytes]) -> None:
        """Store many objects, cheaper than one by one. If it raises, some of them may be stored."""
        ...

    async def get(self, key: str, *, is_kept: bool = True) -> bytes:
        """All bytes of an object. Raises NotFound. is_kept: whether it may be kept in memory for who asks next; False
        for who reads very many, each once."""
        ...

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; missing ones are ignored."""
        ...

    def keys(self, prefix: str, *, stored_before: float) -> AsyncIterator[str]:
        """The keys that begin with `prefix` and were stored before an instant. The prefix is `<task id>/`,
        `staging/<task id>/`, or empty: then all keys, staged ones too."""
        ...

    def url(self, key: str, *, now: float) -> str:
        """A URL from which anyone may read the object until it expires."""
        ...

    def post_form(self, key: str, *, max_bytes: int, now: float) -> PostForm:
        """A form with which anyone may store 1 to `max_bytes` bytes under the key until FORM_S have passed."""
        ...
