"""Objects on any server that speaks S3. Clients read and send images by presigned URLs and forms, past this process."""

import asyncio
import hashlib
import logging
import os
import random
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from itertools import islice
from typing import Any, TypeVar
from xml.etree.ElementTree import ParseError

import certifi
from minio import Minio
from minio.datatypes import PostPolicy
from minio.deleteobjects import DeleteObject
from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from minio.helpers import check_bucket_name
from urllib3 import BaseHTTPResponse, PoolManager, Timeout
from urllib3.exceptions import HTTPError, ProtocolError

from shared.errors import NotFound, QuorateError, StorageFull, Unavailable
from shared.objects import FORM_S, URL_ROUND_S, PostForm
from shared.objects.keys import cache_control, checked, is_key, media_type, shown
from shared.objects.presigned import Presigner
from shared.objects.recent import RecentObjects
from shared.objects.threads import Threads
from shared.telemetry.calls import Observed, unobserved

T = TypeVar("T")

log = logging.getLogger(__name__)

TRIES = 3
PAUSE_S = 0.1
"""The pause before the second try, with jitter; doubled before each further try."""
CONNECT_S = 3.0
READY_S = 2.0
MAX_URL_S = 604_800
"""The longest that a URL of S3 may live: a week."""
PAGE = 1_000
MARK = ".quorate"
PART_BYTES = 128 * 1024 * 1024
"""Larger than any picture, also a raw one between two steps: so each object is put in one request, and exists as a
whole or not at all."""

ERRORS = (MinioException, HTTPError, OSError, ParseError, ValueError)
"""What minio raises for refusals, for missing answers, and (the last two) for answers that it cannot read."""
FULL = {"QuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "InsufficientStorage"}
FULL_STATUS = 507
SERVER_ERROR = 500
ALREADY_THERE = {"BucketAlreadyOwnedByYou", "BucketAlreadyExists", "OperationAborted"}


class _TimedPool(PoolManager):
    """Tells how long requests take, until their answer begins."""

    def __init__(self, observed: Observed, **options: Any) -> None:
        super().__init__(**options)
        self._observed = observed

    def urlopen(self, method: str, url: str, redirect: bool = True, **options: Any) -> BaseHTTPResponse:  # noqa: FBT001, FBT002 - urllib3's
        began, is_failed = time.monotonic(), True
        try:
            answer = super().urlopen(method, url, redirect, **options)
            is_failed = answer.status >= SERVER_ERROR
            return answer
        finally:
            self._observed(method, time.monotonic() - began, is_failed=is_failed)


class S3ObjectStore:
    """Objects in a bucket. Every request has a time limit and is tried TRIES times; all of them may be sent twice.

    public_endpoint: where browsers reach the server, if not at `endpoint`.
    region: given, so that signing needs no request.
    url_lifetime_s: the least time that a URL lives.
    cache_bytes: how much of the objects used last is kept in memory.
    timeout_s: how long the server may be silent.
    observed: told of each request.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        access_key: str,
        secret_key: str,
        bucket: str,
        public_endpoint: str | None = None,
        region: str = "us-east-1",
        url_lifetime_s: int = 3600,
        cache_bytes: int = 0,
        threads: int = 16,
        timeout_s: float = 10.0,
        observed: Observed = unobserved,
    ) -> None:
        check_bucket_name(bucket, strict=True)
        self._pool = _TimedPool(
            observed,
            maxsize=threads,
            timeout=Timeout(connect=min(CONNECT_S, timeout_s), read=timeout_s),
            retries=False,  # this class repeats whole operations, with their bodies
            cert_reqs="CERT_REQUIRED",
            ca_certs=os.environ.get("SSL_CERT_FILE") or certifi.where(),
        )
        self.bucket = bucket
        self._client, self._public = (
            _client(url, access_key, secret_key, region, self._pool) for url in (endpoint, public_endpoint or endpoint)
        )
        self._form_url = f"{(public_endpoint or endpoint).rstrip('/')}/{bucket}"
        lifetime_s = min(URL_ROUND_S + url_lifetime_s, MAX_URL_S)
        self._presigner = Presigner(self._public, bucket, secret_key=secret_key, region=region, lifetime_s=lifetime_s)
        self._threads = Threads(threads)
        self._recent = RecentObjects(cache_bytes)

    async def open(self) -> None:
        """Create the bucket if it is missing."""
        await self._run(self._make_bucket)

    async def close(self) -> None:
        """Finish what runs."""
        await self._threads.close()
        self._pool.clear()

    async def is_ready(self) -> bool:
        """Whether the server answers now and has the bucket: one try, of READY_S at most."""
        try:
            async with asyncio.timeout(READY_S):
                return await self._threads.run(lambda: self._client.bucket_exists(self.bucket))
        except (*ERRORS, Unavailable):
            return False

    async def mark(self) -> str | None:
        """The mark of the platform whose objects are here; None: there is none."""
        try:
            return (await self._run(lambda: self._get(MARK))).decode()
        except NotFound:
            return None

    async def put_mark(self, mark: str) -> None:
        """Set it. Its key is none of an object."""
        await self._run(lambda: self._client.put_object(self.bucket, MARK, BytesIO(mark.encode()), len(mark)))

    async def put(self, key: str, data: bytes) -> None:
        await self.put_all({key: data})

    async def put_all(self, objects: Mapping[str, bytes]) -> None:
        shares = self._threads.shares([(checked(key), data) for key, data in objects.items()])
        await asyncio.gather(*(self._threads.run(partial(self._place, share)) for share in shares))
        for key, data in objects.items():
            self._recent.keep(key, data)

    async def get(self, key: str, *, is_kept: bool = True) -> bytes:
        if (data := self._recent.get(checked(key))) is None:
            data = await self._run(lambda: self._get(key))
            if is_kept:
                self._recent.keep(key, data)
        return data

    async def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._recent.forget(checked(key))
        for start in range(0, len(keys), PAGE):
            await self._run(partial(self._delete, keys[start : start + PAGE]))

    async def keys(self, prefix: str, *, stored_before: float) -> AsyncIterator[str]:
        last: str | None = None
        is_more = True
        while is_more:
            page = await self._run(partial(self._page, prefix, last))
            for key, stored_at in page:
                if stored_at < stored_before and is_key(key):  # the bucket may hold objects of others
                    yield key
            is_more = len(page) == PAGE
            last = page[-1][0] if page else None

    def url(self, key: str, *, now: float) -> str:
        return self._presigner.url(shown(key), signed_at=int(now) // URL_ROUND_S * URL_ROUND_S)

    def post_form(self, key: str, *, max_bytes: int, now: float) -> PostForm:
        """It names the media type, for what SeaweedFS' forms do not name, whoever fills them in may choose."""
        policy = PostPolicy(self.bucket, datetime.fromtimestamp(now + FORM_S, UTC))
        named = {"key": checked(key), "Content-Type": media_type(key)}
        for field, value in named.items():
            policy.add_equals_condition(field, value)
        policy.add_content_length_range_condition(1, max_bytes)
        return PostForm(self._form_url, named | self._public.presigned_post_policy(policy))

    def _make_bucket(self) -> None:
        if self._client.bucket_exists(self.bucket):
            return
        try:
            self._client.make_bucket(self.bucket)
        except S3Error as error:  # another replica was faster
            if error.code not in ALREADY_THERE or not self._client.bucket_exists(self.bucket):
                raise

    def _place(self, objects: Sequence[tuple[str, bytes]]) -> None:
        for key, data in objects:
            _tried(partial(self._put, key, data))

    def _put(self, key: str, data: bytes) -> None:
        """The request carries the body's checksum, so the server refuses a damaged body. (The hash that its signature
        holds is not enough: SeaweedFS does not compare it.)"""
        checksum = b64encode(hashlib.sha256(data).digest()).decode()
        self._client.put_object(
            self.bucket,
            key,
            BytesIO(data),
            len(data),
            media_type(key),
            metadata={"Cache-Control": cache_control(key), "x-amz-checksum-sha256": checksum},
            part_size=PART_BYTES,
        )

    def _get(self, key: str) -> bytes:
        response = self._client.get_object(self.bucket, key)
        try:
            data = response.read()
        finally:
            response.close()
        if len(data) != int(response.headers.get("Content-Length", -1)):
            raise ProtocolError("an object did not come whole")
        return data

    def _delete(self, keys: Sequence[str]) -> None:
        refused = list(self._client.remove_objects(self.bucket, [DeleteObject(key) for key in keys]))
        if refused:
            raise MinioException(f"{len(refused)} objects were not removed, the first because of {refused[0].code}")

    def _page(self, prefix: str, last: str | None) -> list[tuple[str, float]]:
        """The keys after `last`, each with the instant at which it was stored."""
        listed = self._client.list_objects(self.bucket, prefix, recursive=True, start_after=last)
        return [
            (listing.object_name, listing.last_modified.timestamp())
            for listing in islice(listed, PAGE)
            if listing.object_name and listing.last_modified
        ]

    async def _run(self, work: Callable[[], T]) -> T:
        return await self._threads.run(lambda: _tried(work))


def _client(endpoint: str, access_key: str, secret_key: str, region: str, pool: PoolManager) -> Minio:
    scheme, _, host = endpoint.rstrip("/").partition("://")
    if scheme not in ("http", "https"):
        raise ValueError("the endpoint of the object store must be a URL that begins with http:// or https://")
    return Minio(host, access_key, secret_key, secure=scheme == "https", region=region, http_client=pool)


def _tried(work: Callable[[], T], *, tries: int = 1) -> T:
    """What `work` returns; tried again after Unavailable. Raises NotFound, StorageFull, Unavailable."""
    try:
        return work()
    except ERRORS as error:
        named = _named(error)
        if tries == TRIES or not isinstance(named, Unavailable):
            if not isinstance(named, NotFound):
                log.warning("the object store failed", extra={"error": _about(error)})
            raise named from error
    time.sleep(PAUSE_S * 2 ** (tries - 1) * random.uniform(0.5, 1.5))  # noqa: S311 - only spreads
    return _tried(work, tries=tries + 1)


def _named(error: Exception) -> QuorateError:
    if isinstance(error, S3Error) and error.code == "NoSuchKey":
        return NotFound("no such object")
    if (isinstance(error, S3Error) and error.code in FULL) or _status(error) == FULL_STATUS:
        return StorageFull("there is no room left in the object store")
    return Unavailable("the object store does not answer now")


def _status(error: Exception) -> int:
    """The HTTP status of the answer that an error is about."""
    if isinstance(error, S3Error):
        return error.response.status
    if isinstance(error, ServerError):
        return error.status_code
    return vars(error)["_code"] if isinstance(error, InvalidResponseError) else 0


def _about(error: Exception) -> str:
    """An error for the log, without bodies and addresses."""
    if isinstance(error, S3Error):
        return f"{error.code} ({error.response.status})"
    return f"{type(error).__name__} ({_status(error) or 'no answer'})"
