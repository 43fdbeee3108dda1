"""Pictures in a bucket of S3, read with the caller's own key and the environment's usual names, without boto."""

import hashlib
import hmac
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from typing import Self
from urllib.parse import quote, unquote_plus, urlsplit
from xml.etree import ElementTree as ET

import httpx

from quorate import names
from quorate.errors import QuorateError
from quorate.retries import describe
from quorate.uploads import ENTRY_BYTES, Found, Part, Unsent

SCHEME = "s3://"
PAGE = 1_000
TIMEOUT_S = 60.0
TRIES = 5
PAUSE_S = 0.5
BUSY = frozenset({408, 429, 500, 502, 503, 504})
NOTHING = hashlib.sha256(b"").hexdigest()
OK = 200


class BucketError(QuorateError):
    """The bucket cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Key:
    """A key to a bucket. token: of a session, where it is a temporary one."""

    key_id: str
    secret: str
    token: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What of which bucket. key: none for one that everybody may read."""

    endpoint: str
    region: str
    bucket: str
    prefix: str
    key: Key | None


def place_of(
    url: str, *, endpoint: str | None, region: str | None, is_public: bool, environment: Mapping[str, str] = os.environ
) -> Place:
    """`s3://bucket/prefix` with what the environment says of AWS. Raises BucketError."""
    bucket, _, prefix = url.removeprefix(SCHEME).partition("/")
    if not url.startswith(SCHEME) or not bucket:
        raise BucketError(f"{url} is not s3://bucket/prefix")
    region = region or environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "us-east-1"
    given = endpoint or environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
    key = None if is_public else _key_in(environment)
    at = (given or f"https://s3.{region}.amazonaws.com").rstrip("/")
    return Place(endpoint=at, region=region, bucket=bucket, prefix=prefix, key=key)


def _key_in(environment: Mapping[str, str]) -> Key:
    key_id, secret = environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY")
    if not key_id or not secret:
        raise BucketError("set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or say --public")
    return Key(key_id=key_id, secret=secret, token=environment.get("AWS_SESSION_TOKEN") or None)


class Bucket:
    """A bucket that is read object by object. It holds one of them at a time."""

    def __init__(
        self,
        place: Place,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._place = place
        self._sleep = sleep
        retrying = transport or httpx.HTTPTransport(retries=2)
        self._http = httpx.Client(transport=retrying, timeout=TIMEOUT_S, follow_redirects=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def found(self) -> Iterator[Found | Unsent]:
        """Every object under the prefix in the order of keys, as files of a folder are."""
        begins_at = len(self._place.prefix.rpartition("/")[0])
        for key, size_bytes in self._listed():
            filename = key[begins_at:].removeprefix("/") or key
            if key.endswith("/"):
                continue
            if reason := names.passed_over(filename, is_archive_taken=False):
                yield Unsent(filename, "skipped", reason)
            elif size_bytes > ENTRY_BYTES:
                yield Unsent(filename, "rejected", f"has more than {ENTRY_BYTES // 1024**2} MB")
            else:
                yield Found(filename, partial(self._load, key, filename))

    def _listed(self) -> Iterator[tuple[str, int]]:
        query = {"encoding-type": "url", "list-type": "2", "max-keys": str(PAGE), "prefix": self._place.prefix}
        while True:
            text = "&".join(f"{name}={quote(value, safe='')}" for name, value in sorted(query.items()))
            answer = self._get(f"?{text}")
            if answer.status_code != OK:
                raise BucketError(
                    f"{SCHEME}{self._place.bucket} cannot be listed: the storage answered {_said(answer)}"
                )
            objects, query["continuation-token"] = _read(answer.content)
            yield from objects
            if not query["continuation-token"]:
                return

    def _load(self, key: str, filename: str) -> Part | Unsent:
        """Read here and not while it is sent: what cannot be read is then this file's refusal."""
        try:
            answer = self._get(f"/{quote(key, safe='/')}")
        except BucketError as error:
            return Unsent(filename, "rejected", str(error))
        if answer.status_code != OK:
            return Unsent(filename, "rejected", f"the storage answered {_said(answer)}")
        return Part(filename, len(answer.content), partial(BytesIO, answer.content))

    def _get(self, target: str) -> httpx.Response:
        """A storage that is busy, or cuts the connection, is asked again. Raises BucketError where it never answers."""
        url = f"{self._place.endpoint}/{self._place.bucket}{target}"
        for tries in range(1, TRIES):
            with suppress(httpx.TransportError):
                answer = self._sent(url)
                if answer.status_code not in BUSY:
                    return answer
            self._sleep(PAUSE_S * 2**tries)
        try:
            return self._sent(url)
        except httpx.TransportError as error:
            raise self._unanswered(error) from error

    def _sent(self, url: str) -> httpx.Response:
        """Raises BucketError, and TransportError where another try may help."""
        try:
            return self._http.get(url, headers=signed(url, self._place, datetime.now(UTC)))
        except httpx.UnsupportedProtocol as error:
            raise self._unanswered(error) from error
        except httpx.TransportError:
            raise
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unanswered(error) from error

    def _unanswered(self, error: Exception) -> BucketError:
        return BucketError(f"{self._place.endpoint}: {describe(error)}")


def signed(url: str, place: Place, at: datetime) -> dict[str, str]:
    """The headers of a GET by AWS Signature Version 4; none without a key.

    https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
    """
    if place.key is None:
        return {}
    parts, day, instant = urlsplit(url), f"{at:%Y%m%d}", f"{at:%Y%m%dT%H%M%SZ}"
    headers = {"host": parts.netloc, "x-amz-content-sha256": NOTHING, "x-amz-date": instant}
    if place.key.token:
        headers["x-amz-security-token"] = place.key.token
    told = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = f"GET\n{parts.path}\n{parts.query}\n{lines}\n{told}\n{NOTHING}"
    scope = f"{day}/{place.region}/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{instant}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{place.key.secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={place.key.key_id}/{scope}, SignedHeaders={told}, Signature={signature}"
    )
    return headers | {"authorization": authorization}


def _read(listing: bytes) -> tuple[list[tuple[str, int]], str]:
    """The keys of a listing with their sizes, and where it goes on; empty: it does not. Raises BucketError."""
    try:
        root = ET.fromstring(listing)  # noqa: S314 - from the caller's own storage; expat bounds entities
        is_encoded = root.findtext("{*}EncodingType") == "url"
        found = [
            (one.findtext("{*}Key") or "", int(one.findtext("{*}Size") or 0)) for one in root.findall("{*}Contents")
        ]
    except (ET.ParseError, ValueError):
        raise BucketError("the server does not answer as an S3 server does") from None
    keys = [(unquote_plus(key) if is_encoded else key, size) for key, size in found]
    return keys, root.findtext("{*}NextContinuationToken") or ""


def _said(answer: httpx.Response) -> str:
    """The status, and S3's own word for it: `NoSuchKey`."""
    try:
        code = ET.fromstring(answer.content).findtext("{*}Code") or ""  # noqa: S314 - as above
    except ET.ParseError:
        code = ""
    return f"{answer.status_code} {code}".strip()
