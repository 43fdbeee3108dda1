"""When a request is sent again. Every request of this API may be.

Creates carry a key, uploads report duplicates, votes and leases answer as the first time.
"""

import random
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from quorate.errors import UnreachableError

RETRIED_STATUSES = frozenset({429, 502, 503, 504})
RETRIED_ERRORS = (httpx.NetworkError, httpx.TimeoutException, httpx.RemoteProtocolError)

_chance = random.SystemRandom()


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """At most `attempts` tries, none begun later than `for_s` after the first; pauses double and are jittered."""

    attempts: int = 5
    for_s: float = 120.0
    first_pause_s: float = 0.2
    longest_pause_s: float = 10.0
    longest_retry_after_s: float = 30.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def pause_s(self, tries: int, response: httpx.Response | None = None) -> float:
        """How long to wait after this many tries: as long as the server asks for, else backing off."""
        asked_s = retry_after_s(response) if response is not None else None
        if asked_s is not None:
            return min(asked_s, self.longest_retry_after_s)
        longest_s = min(self.longest_pause_s, self.first_pause_s * 2.0 ** (tries - 1))
        return _chance.uniform(longest_s / 2, longest_s)

    def run(self, attempt: Callable[[], httpx.Response]) -> httpx.Response:
        """The first answer not worth another try, else the last one; UnreachableError where the last try had none."""
        end = self.clock() + self.for_s
        tries = 0
        while True:
            tries += 1
            response, failure = self._try(attempt)
            if response is not None and response.status_code not in RETRIED_STATUSES:
                return response
            pause_s = self.pause_s(tries, response)
            if tries >= self.attempts or self.clock() + pause_s > end:
                break
            if response is not None:
                response.close()
            self.sleep(pause_s)
        if response is None:
            raise UnreachableError(f"no answer after {tries} tries: {describe(failure)}") from failure
        return response

    @staticmethod
    def _try(attempt: Callable[[], httpx.Response]) -> tuple[httpx.Response | None, httpx.TransportError | None]:
        try:
            return attempt(), None
        except RETRIED_ERRORS as error:
            return None, error


def describe(error: Exception | None) -> str:
    """An error in words, with a hint where the address is likely to be wrong."""
    text = str(error) or type(error).__name__
    tls = next((cause for cause in _causes(error) if isinstance(cause, ssl.SSLError)), None)
    if isinstance(tls, ssl.SSLCertVerificationError):
        return f"{text}: its certificate is not trusted here"
    if tls is not None:
        return f"{text}: the server does not seem to speak https there; try http://"
    if isinstance(error, httpx.RemoteProtocolError) and "illegal status line" in text:
        return f"{text}: the server does not seem to speak http there; try https://"
    return text


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def retry_after_s(response: httpx.Response) -> float | None:
    """What a Retry-After header asks for, in either of its forms; None where it says nothing readable."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
