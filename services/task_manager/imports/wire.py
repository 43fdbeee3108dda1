"""Requests and answers of imports."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from services.task_manager.imports.credentials import Credentials
from services.task_manager.imports.rules import Source, State
from shared.fetching import MAX_URL
from shared.http.requests import Wire

MAX_KEY = 1_024
_PRINTED = r"^[\x21-\x7e]+$"
_Text = Annotated[str, Field(min_length=1, max_length=256, pattern=_PRINTED)]
_Secret = Annotated[str, Field(min_length=1, max_length=4_096, pattern=_PRINTED)]


class BucketKeyRequest(Wire):
    """A key that may list the bucket and read its objects. token: of a session, where the key is a temporary one."""

    key_id: _Text
    secret: _Secret
    token: _Secret | None = None


class ImportRequest(Wire):
    """Which objects of which bucket to take in. key: none for a bucket that everybody may read. anew: look at all of
    them again, though this import has finished."""

    endpoint: Annotated[str, Field(min_length=1, max_length=MAX_URL)]
    bucket: Annotated[str, Field(min_length=1, max_length=63)]
    prefix: Annotated[str, Field(max_length=MAX_KEY)] = ""
    region: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9-]+$")] = "us-east-1"
    key: BucketKeyRequest | None = None
    anew: bool = False

    def source(self) -> Source:
        endpoint = self.endpoint.rstrip("/")
        return Source(endpoint=endpoint, bucket=self.bucket, prefix=self.prefix, region=self.region)

    def credentials(self) -> Credentials | None:
        return None if self.key is None else Credentials(**self.key.model_dump())


class ImportShown(BaseModel):
    """An import. trouble: why the last try of a part failed, while it is tried again; of a failed import, why it did.
    retry_at: when it is tried again."""

    id: str
    task_id: str
    endpoint: str
    bucket: str
    prefix: str
    region: str
    has_key: bool
    state: State
    asked_at: str
    ended_at: str | None
    files: int
    accepted: int
    duplicates: int
    rejected: int
    skipped: int
    trouble: str | None
    retry_at: str | None


class ImportsShown(BaseModel):
    items: list[ImportShown]


class RefusedFile(BaseModel):
    filename: str
    status: Literal["rejected", "skipped"]
    reason: str


class RefusedFiles(BaseModel):
    items: list[RefusedFile]
    next_cursor: str | None
