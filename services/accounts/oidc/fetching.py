"""What is fetched from a provider: from where it was asked for, within bounds of size and time."""

import asyncio

import httpx

from services.accounts.oidc.addresses import is_safe
from shared.errors import Unavailable

MAX_BYTES = 512_000
WITHIN_S = 10.0
CONNECTIONS = 10
RETRY_AFTER_S = 5


def unanswered() -> Unavailable:
    return Unavailable("the provider does not answer as it should: try again later", retry_after_s=RETRY_AFTER_S)


class Fetching(httpx.AsyncBaseTransport):
    """A transport that refuses what is not safe, and reads answers up to a size. It follows no redirects: its client
    does not either. Raises Unavailable."""

    def __init__(self, inner: httpx.AsyncBaseTransport | None = None) -> None:
        self._inner = inner or httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=CONNECTIONS))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not is_safe(str(request.url)):
            raise unanswered()
        request.headers["accept-encoding"] = "identity"
        try:
            async with asyncio.timeout(WITHIN_S):
                response = await self._inner.handle_async_request(request)
                try:
                    content = await _read(response)
                finally:
                    await response.aclose()
        except (httpx.HTTPError, TimeoutError) as error:
            raise unanswered() from error
        return httpx.Response(response.status_code, headers=response.headers, content=content, request=request)

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _read(response: httpx.Response) -> bytes:
    """A body that is as long as it seems, up to a bound. Raises Unavailable."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise unanswered()
    content = bytearray()
    async for piece in response.aiter_raw():
        content += piece
        if len(content) > MAX_BYTES:
            raise unanswered()
    return bytes(content)
