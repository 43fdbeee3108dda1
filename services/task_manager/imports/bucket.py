"""A client's bucket, read through the guarded client and nothing else; what goes wrong is told in words of our own."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote, urlsplit

from services.task_manager.imports.credentials import Credentials
from services.task_manager.imports.listing import Listing, read_listing
from services.task_manager.imports.rules import Source
from shared.clock import Clock
from shared.errors import QuorateError
from shared.fetching import Bounds, Fetcher, NotAllowed, NotFetched, TooLong

TRIES = 5
PAUSE_S = 0.5
"""Before a request is sent the second time; then twice as long each time."""
LONGEST_PAUSE_S = 10.0
TOTAL_S, SILENT_S = 120.0, 20.0
LISTING_BYTES = 4_000_000
_OK, _CLIENT_ERROR = 200, 400
_BUSY = frozenset({408, 429, 500, 502, 503, 504})
_DENIED = frozenset({400, 401, 403})
_NOTHING = sha256(b"").hexdigest()
_WHY = {
    301: "it is in another region, or at another address",
    307: "it is in another region, or at another address",
    400: "it does not take the request: is the region right, and the key still valid?",
    401: "the key may not read it, or has expired",
    403: "the key may not read it, or has expired",
    404: "it is not there",
}


class Refused(QuorateError):
    """The server does not give it, and would not if it were asked again."""


class Denied(Refused):
    """It is the object, or the key: S3 says the same of both."""


class Busy(QuorateError):
    """The server does not give it now."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A source with the key to it, None where everybody may read it. `wall` tells the time to sign with. From `ends_at`
    on, by the clock of the event loop, what is asked for is Busy."""

    fetcher: Fetcher
    source: Source
    credentials: Credentials | None
    wall: Clock
    ends_at: float

    async def listing(self, *, after: str, limit: int) -> Listing:
        """The next objects behind a key, also where the server gives more. Raises Refused, Busy and NoListing."""
        query = {
            "encoding-type": "url",
            "list-type": "2",
            "max-keys": str(limit),
            "prefix": self.source.prefix,
            **({"start-after": after} if after else {}),
        }
        text = "&".join(f"{name}={quote(value, safe='')}" for name, value in sorted(query.items()))
        found = read_listing(await self._get(f"?{text}", LISTING_BYTES))
        return found if len(found.objects) <= limit else Listing(objects=found.objects[:limit], is_last=False)

    async def read(self, key: str, *, max_bytes: int) -> bytes:
        """An object's bytes. Raises Refused and Busy."""
        return await self._get(f"/{quote(key, safe='/')}", max_bytes)

    async def _get(self, target: str, max_bytes: int) -> bytes:
        try:
            async with asyncio.timeout_at(self.ends_at):
                return await self._given(target, max_bytes)
        except TimeoutError:
            raise Busy("the storage is too slow") from None

    async def _given(self, target: str, max_bytes: int) -> bytes:
        """Throttled, or cut off, it is asked again after a pause, a longer one each time."""
        url = f"{self.source.endpoint.rstrip('/')}/{self.source.bucket}{target}"
        bounds = Bounds(total_s=TOTAL_S, silent_s=SILENT_S, max_bytes=max_bytes)
        why = ""
        for tries in range(1, TRIES + 1):
            wait_s = 0.0
            try:
                answer = await self.fetcher.send("GET", url, bounds=bounds, headers=self._headers(url))
            except (NotAllowed, TooLong) as error:
                raise Refused(error.detail) from None
            except NotFetched as error:
                why = error.detail
            else:
                if answer.status == _OK:
                    return answer.body
                if answer.status not in _BUSY:
                    raise (Denied if answer.status in _DENIED else Refused)(_why(answer.status))
                why, wait_s = f"the storage answered {answer.status}: it is busy", answer.wait_s
            if tries < TRIES:
                pause_s = PAUSE_S * 2 ** (tries - 1) * random.uniform(1, 2)  # noqa: S311 - only spreads
                await asyncio.sleep(min(max(pause_s, wait_s), LONGEST_PAUSE_S))
        raise Busy(why)

    def _headers(self, url: str) -> Mapping[str, str]:
        """Signed by Signature Version 4 of AWS, where there is a key."""
        if self.credentials is None:
            return {}
        from minio.credentials.credentials import Credentials as Signing  # noqa: PLC0415 - only where there is a key
        from minio.signer import sign_v4_s3  # noqa: PLC0415

        parts, at = urlsplit(url), datetime.fromtimestamp(self.wall(), UTC)
        headers: dict[str, str | list[str] | tuple[str]] = {
            "Host": parts.netloc,
            "x-amz-content-sha256": _NOTHING,
            "x-amz-date": f"{at:%Y%m%dT%H%M%SZ}",
        }
        if self.credentials.token:
            headers["x-amz-security-token"] = self.credentials.token
        key = Signing(self.credentials.key_id, self.credentials.secret)
        signed = sign_v4_s3(
            method="GET",
            url=parts,
            region=self.source.region,
            headers=headers,
            credentials=key,
            content_sha256=_NOTHING,
            date=at,
        )
        return {name: str(value) for name, value in signed.items() if name != "Host"}


def _why(status: int) -> str:
    """Never what the other side says beside its status: it may be anything in anybody's network."""
    why = _WHY.get(status, "it is refused" if status >= _CLIENT_ERROR else "no redirect is followed")
    return f"the storage answered {status}: {why}"
