"""URLs signed for S3 (AWS Signature Version 4), ten times as fast as minio signs them.

A page of results needs a thousand URLs. minio computes for each what all URLs of an instant share; here minio computes
it once. A test holds both to the same URLs.
"""

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from urllib.parse import urlsplit

from minio import Minio

ALGORITHM = "AWS4-HMAC-SHA256"
SAMPLE = "sample"
URLS_CACHED = 8_192


@dataclass(frozen=True, slots=True, kw_only=True)
class _Instant:
    """What URLs of the same instant share: all but the key and the signature."""

    before: str
    path: str
    query: str
    request_end: str
    to_sign: str
    signing_key: bytes


class Presigner:
    """Signs URLs for reading the objects of a bucket. The keys of `shared.objects.keys` need no quoting."""

    def __init__(self, client: Minio, bucket: str, *, secret_key: str, region: str, lifetime_s: int) -> None:
        self._client = client
        self._bucket = bucket
        self._secret_key = secret_key
        self._region = region
        self._lifetime = timedelta(seconds=lifetime_s)
        self._at = lru_cache(maxsize=4)(self._instant)
        self.url = lru_cache(URLS_CACHED)(self._url)

    def _url(self, key: str, *, signed_at: int) -> str:
        """A URL that is valid from that instant on."""
        at = self._at(signed_at)
        request = sha256(f"GET\n{at.path}{key}{at.request_end}".encode()).hexdigest()
        signature = hmac.digest(at.signing_key, f"{at.to_sign}{request}".encode(), "sha256").hex()
        return f"{at.before}{key}?{at.query}&X-Amz-Signature={signature}"

    def _instant(self, signed_at: int) -> _Instant:
        date = datetime.fromtimestamp(signed_at, UTC)
        sample = self._client.presigned_get_object(self._bucket, SAMPLE, self._lifetime, request_date=date)
        url = urlsplit(sample)
        query = url.query.partition("&X-Amz-Signature=")[0]
        scope = [f"{date:%Y%m%d}", self._region, "s3", "aws4_request"]
        signing_key = f"AWS4{self._secret_key}".encode()
        for part in scope:
            signing_key = hmac.digest(signing_key, part.encode(), "sha256")
        return _Instant(
            before=f"{url.scheme}://{url.netloc}{url.path.removesuffix(SAMPLE)}",
            path=url.path.removesuffix(SAMPLE),
            query=query,
            request_end=f"\n{query}\nhost:{url.netloc}\n\nhost\nUNSIGNED-PAYLOAD",
            to_sign=f"{ALGORITHM}\n{date:%Y%m%dT%H%M%SZ}\n{'/'.join(scope)}\n",
            signing_key=signing_key,
        )
