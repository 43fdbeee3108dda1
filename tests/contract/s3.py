"""The object store on a real S3 server, in a bucket of the test's own."""

import contextlib
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from minio import Minio

from shared.objects.s3 import S3ObjectStore
from tests.contract.adapters import Objects, browsing
from tests.servers import need

LIFETIME_S = 3600


def store(bucket: str, **changed: Any) -> S3ObjectStore:
    """A store on the bucket, with other settings where they are named."""
    server = need("S3")
    settings = {
        "endpoint": server["QUORATE_S3_ENDPOINT"],
        "access_key": server["QUORATE_S3_ACCESS_KEY"],
        "secret_key": server["QUORATE_S3_SECRET_KEY"],
        "bucket": bucket,
        "url_lifetime_s": LIFETIME_S,
        "threads": 4,
    }
    return S3ObjectStore(**settings | changed)


@contextlib.contextmanager
def own_bucket() -> Iterator[tuple[str, Minio]]:
    """The name of a bucket that is not there yet, removed after with all that is in it; and a client of the server."""
    server = need("S3")
    host = server["QUORATE_S3_ENDPOINT"].partition("://")[2]
    client = Minio(host, server["QUORATE_S3_ACCESS_KEY"], server["QUORATE_S3_SECRET_KEY"], secure=False)
    bucket = f"test-{secrets.token_hex(8)}"
    yield bucket, client
    if client.bucket_exists(bucket):
        for one in client.list_objects(bucket, recursive=True):
            client.remove_object(bucket, one.object_name)
        client.remove_bucket(bucket)


@asynccontextmanager
async def s3_objects(_folder: Path) -> AsyncIterator[Objects]:
    with own_bucket() as (bucket, _):
        objects = store(bucket)
        await objects.open()
        async with httpx.AsyncClient() as http:
            yield Objects(objects=objects, url_lifetime_s=LIFETIME_S, **browsing(http))
        await objects.close()
