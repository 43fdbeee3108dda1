"""What is fetched from a provider: through the guarded client, within bounds of size and time."""

import asyncio
import logging
from collections.abc import Mapping

from services.accounts.oidc.addresses import is_safe
from shared.errors import Invalid, Unavailable
from shared.fetching import Answer, Bounds, Fetcher, NotFetched

log = logging.getLogger(__name__)

MAX_BYTES = 512_000
WITHIN_S = 10.0
REQUESTS_AT_ONCE = 10
RETRY_AFTER_S = 5


def unanswered() -> Unavailable:
    return Unavailable("the provider does not answer as it should: try again later", retry_after_s=RETRY_AFTER_S)


class Fetching:
    """Asks a provider, a few questions at a time. What the fetcher refuses is refused, and so is what is not safe."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._turns = asyncio.Semaphore(REQUESTS_AT_ONCE)

    async def send(self, method: str, url: str, headers: Mapping[str, str], content: bytes = b"") -> Answer:
        """The answer, whatever its status. Raises Unavailable."""
        if not is_safe(url):
            raise unanswered()
        try:
            async with asyncio.timeout(WITHIN_S), self._turns:
                answer = await self._fetcher.send(
                    method,
                    url,
                    bounds=Bounds(total_s=WITHIN_S, max_bytes=MAX_BYTES),
                    headers={**headers, "Accept-Encoding": "identity"},
                    content=content,
                )
        except (Invalid, NotFetched, TimeoutError) as error:
            log.warning("the provider was not reached at %s: %s", url, error)
            raise unanswered() from error
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise unanswered()
        return answer

    async def close(self) -> None:
        await self._fetcher.close()
