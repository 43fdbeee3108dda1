"""The one way in which the server sends requests to addresses that somebody else chose.

It speaks TLS, follows no redirect, and asks for the addresses of a name once: it refuses the name if one of them is not
of the open network, and connects to one of just those. So a name that leads elsewhere a moment later leads nowhere.
Time and size are bounded. Networks that the settings name are let through, also without TLS.
"""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, partial
from ipaddress import ip_address
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

import certifi
import httpcore

from shared.errors import Invalid, QuorateError
from shared.fetching.addresses import Address, Network, address_in, is_in, is_public

Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]
"""The addresses of a name. Raises OSError."""
Take = Callable[[bytes], None]
"""Takes the next piece of a body."""

RESOLVERS = 16
"""Names that are looked up at a time: a server of names that hangs holds up its own names first."""
ADDRESSES_TRIED = 3
MAX_URL = 2_000
"""Of an address that a client gives."""
MAX_SENT_URL = 8_000
"""Of one that is asked for, with what was put behind it."""
_LONGEST_WAIT_DIGITS = 7
_SUCCESS = 200


class NotFetched(QuorateError):
    """There is no answer; the text says why, and nothing of what the server could see in its own network."""

    code = "not-fetched"


class NotAllowed(NotFetched):
    """The address is one that may not be asked, now or later."""


class TooLong(NotFetched):
    """The answer has more bytes than are taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """total_s: for a whole request with its answer. silent_s: without a byte; None: as long as the whole.
    max_bytes: of the answer's body; with none, it is not read."""

    total_s: float
    silent_s: float | None = None
    max_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """headers: their names in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""

    @property
    def wait_s(self) -> float:
        """For how long the server wants to be left alone: `Retry-After` in seconds. The form with a date is passed
        over."""
        asked = self.headers.get("retry-after", "")
        is_number = asked.isascii() and asked.isdecimal() and len(asked) <= _LONGEST_WAIT_DIGITS
        return float(asked) if is_number else 0.0


class _To(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were looked at, whatever the name is; the first that takes the connection.

    `close` ends the connection, also where TLS was cut short, which httpcore leaves open."""

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._addresses = addresses
        self._stream: httpcore.AsyncNetworkStream | None = None
        self._network = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,  # noqa: ARG002 - it was looked up
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        for address in self._addresses[:-1]:
            with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await self._connected(address, port, timeout, local_address, socket_options)
        return await self._connected(self._addresses[-1], port, timeout, local_address, socket_options)

    async def close(self) -> None:
        if self._stream is not None:
            await self._stream.aclose()

    async def _connected(self, address: Address, *how: Any) -> httpcore.AsyncNetworkStream:
        self._stream = stream = await self._network.connect_tcp(str(address), *how)
        return stream


class Fetcher:
    """Sends requests to addresses that somebody chose. `allowed`: networks that may be reached though they are not
    public, also by `http`."""

    def __init__(
        self,
        allowed: Sequence[Network] = (),
        *,
        resolve: Resolve | None = None,
        trust: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        self._allowed = allowed
        self._threads = ThreadPoolExecutor(RESOLVERS, thread_name_prefix="resolve")
        self._resolve = resolve or partial(_resolved, self._threads)
        self._trust = trust or _trusted

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Made when it is needed first: it reads a file of certificates."""
        return self._trust()

    async def close(self) -> None:
        """Wait for no name any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def check(self, url: str) -> None:
        """Raises Invalid for an address that is refused whatever its name leads to."""
        parts = _parts(url)
        if parts.scheme == "http" and not self._allowed:
            raise Invalid("the address has to begin with https://")
        literal = address_in(parts.hostname or "")
        if literal is not None:
            try:
                self._refuse_unless_reachable(literal, parts.scheme)
            except NotFetched as error:
                raise Invalid(error.detail) from None

    async def send(
        self,
        method: str,
        url: str,
        *,
        bounds: Bounds,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
        take: Take | None = None,
    ) -> Answer:
        """Send a request, and take its answer, whatever its status. Raises NotFetched, and Invalid as `check`.

        take: gets the body of an answer with status 200 piece by piece; the answer then has none.
        """
        self.check(url)
        began = time.monotonic()
        try:
            async with asyncio.timeout(bounds.total_s):
                return await self._sent(method, _parts(url), bounds, dict(headers or {}), content, take)
        except TimeoutError:
            raise NotFetched(f"no answer within {bounds.total_s:g} s") from None
        except httpcore.TimeoutException:
            raise NotFetched(f"no answer within {time.monotonic() - began:.0f} s") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise NotFetched(_why(error)) from None
        except UnicodeError:
            raise NotFetched("the name is none that TLS can check") from None

    async def _sent(
        self,
        method: str,
        parts: SplitResult,
        bounds: Bounds,
        headers: dict[str, str],
        content: bytes,
        take: Take | None,
    ) -> Answer:
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        addresses = await self._addresses(host, port, parts.scheme)
        origin = httpcore.Origin(parts.scheme.encode(), host.encode(), port)
        way = _To(addresses)
        connection = httpcore.AsyncHTTPConnection(origin, ssl_context=self._tls_for(parts), network_backend=way)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        given = [("Host", parts.netloc), *headers.items(), ("Connection", "close")]
        if content:
            given.append(("Content-Length", str(len(content))))
        url = httpcore.URL(scheme=origin.scheme, host=origin.host, port=port, target=target.encode())
        waits = {} if bounds.silent_s is None else dict.fromkeys(("connect", "read", "write"), bounds.silent_s)
        try:
            async with connection.stream(
                method, url, headers=given, content=content, extensions={"timeout": waits}
            ) as answer:
                found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
                body = await _body(answer, bounds.max_bytes, take) if bounds.max_bytes else b""
                return Answer(status=answer.status, headers=found, body=body)
        finally:
            await connection.aclose()
            await way.close()

    def _tls_for(self, parts: SplitResult) -> ssl.SSLContext | None:
        return self._tls if parts.scheme == "https" else None

    async def _addresses(self, host: str, port: int, scheme: str) -> Sequence[Address]:
        """The addresses of a host, all of which may be reached. Raises NotFetched."""
        literal = address_in(host)
        try:
            found = [literal] if literal is not None else await self._resolve(host, port)
        except (OSError, UnicodeError):
            found = []
        if not found:
            raise NotFetched(f"the name {host} is not known")
        for address in found:
            self._refuse_unless_reachable(address, scheme)
        return found[:ADDRESSES_TRIED]

    def _refuse_unless_reachable(self, address: Address, scheme: str) -> None:
        if is_in(address, self._allowed):
            return
        if not is_public(address):
            raise NotAllowed("the address is not one of the open network")
        if scheme != "https":
            raise NotAllowed("the address has to begin with https://")


def _trusted() -> ssl.SSLContext:
    """Trusts whom the system trusts, and whom browsers do."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _parts(url: str) -> SplitResult:
    """Raises Invalid for what is no address of a web server, or could be read in two ways."""
    if len(url) > MAX_SENT_URL or not url.isascii() or any(one <= " " or one in '\\"<>^`{|}\x7f' for one in url):
        raise Invalid(
            f"an address has at most {MAX_SENT_URL} characters, of those that stand in addresses: %20 for a blank"
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Invalid("this is not an address: write it as https://name/path") from None
    if parts.scheme not in ("https", "http") or not parts.hostname or port == 0:
        raise Invalid("this is not an address: write it as https://name/path")
    if "@" in parts.netloc or "#" in url:
        raise Invalid("an address here has no user, no password and no #")
    return parts


async def _body(answer: httpcore.Response, max_bytes: int, take: Take | None) -> bytes:
    """Raises NotFetched where it is longer."""
    body, received = bytearray(), 0
    into = take if take is not None and answer.status == _SUCCESS else body.extend
    async for piece in answer.aiter_stream():
        received += len(piece)
        if received > max_bytes:
            raise TooLong(f"the answer is longer than {max_bytes:,} bytes")
        into(piece)
    return bytes(body)


async def _resolved(threads: ThreadPoolExecutor, host: str, port: int) -> Sequence[Address]:
    """What the system says; in threads of our own, since some names take long."""
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(threads, look_up)
    return list(dict.fromkeys(ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))


def _why(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate is not good: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return "the server does not speak TLS as it should"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpcore.ConnectError):
        return "the server takes no connection"
    return "the connection broke before there was an answer"
