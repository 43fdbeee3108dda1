"""The object store: bytes under keys."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

URL_ROUND_S = 600
"""URLs of one object are equal for this long, so that browsers keep what they have."""
FORM_S = 1_800
"""How long a form can be sent."""


@dataclass(frozen=True, slots=True)
class PostForm:
    """A form that stores an object: `fields` and then the bytes, in a field `file`, as multipart/form-data to `url`."""

    url: str
    fields: dict[str, str] = field(default_factory=dict[str, str])


class ObjectStore(Protocol):
    """Keeps objects under the keys of `shared.objects.keys`; anything else as a key raises NotFound.

    Images are never written again under their key; what waits to be taken in (`staging/`) may be.
    """

    async def put(self, key: str, data: bytes) -> None:
        """Store an object; durable when this returns. Where it raises StorageFull or Unavailable, the object may yet
        come to be there: who tries again does so under another key, and the collector removes what nobody names."""
        ...

    async def put_all(self, objects: Mapping[str, bytes]) -> None:
        """Store many objects, cheaper than one by one. Where it raises, some of them may be stored."""
        ...

    async def get(self, key: str) -> bytes:
        """An object's bytes, all of them. Raises NotFound where there is none."""
        ...

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; those that are gone already are passed over."""
        ...

    def keys(self, prefix: str, *, stored_before: float) -> AsyncIterator[str]:
        """The keys that begin with `prefix` and were stored before an instant. The prefix is a task id and a slash, the
        same behind `staging/`, or nothing: then they are all there are, staged ones too."""
        ...

    def url(self, key: str, *, now: float) -> str:
        """A URL from which anyone may read the object until it expires."""
        ...

    def post_form(self, key: str, *, max_bytes: int, now: float) -> PostForm:
        """A form with which anyone may store 1 to `max_bytes` bytes under the key until FORM_S have passed."""
        ...
