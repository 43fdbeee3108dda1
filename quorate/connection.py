"""One HTTP connection to the platform: identity, time limits, retries, and errors that say what was refused."""

import json
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from ipaddress import ip_address
from os import fstat
from pathlib import Path
from ssl import SSLContext
from typing import Any, cast
from urllib.parse import urlsplit

import httpx

from quorate.errors import ApiError, QuorateError, UnreachableError
from quorate.multipart import Form
from quorate.retries import RetryPolicy, describe
from quorate.shapes import FieldError, UploadReport
from quorate.uploads import Part

USER_HEADER = "X-Quorate-User"
KEY = re.compile(r"qk_[0-9A-Za-z_]{10,200}")
OCTETS = "application/octet-stream"
PROBLEM_TEXT_CHARS = 300

Query = Mapping[str, str | int | None]


class Connection:
    """Sends requests, again where that is worth it, and turns refusals into ApiError."""

    def __init__(
        self,
        base_url: str,
        user: str | None,
        *,
        key: str | None,
        timeout_s: float,
        retry: RetryPolicy,
        transport: httpx.BaseTransport | None,
    ) -> None:
        check_url(base_url)
        self.retry = retry
        self._timeout_s = timeout_s
        self._identity = identity(user, key)
        self._http = httpx.Client(
            # Also where the address of the API was given.
            base_url=base_url.rstrip("/").removesuffix("/api"),
            timeout=httpx.Timeout(timeout_s, connect=min(timeout_s, 5.0)),
            # Shorter than uvicorn's 5 s, so that it is this side that closes an idle connection, never in mid-request.
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=4.0),
            transport=transport,
            verify=certificates(),
            # A proxy set for the internet cannot reach this machine's own loopback.
            trust_env=not is_loopback(base_url),
        )

    def close(self) -> None:
        self._http.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Query | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        parts: Sequence[Part] = (),
    ) -> httpx.Response:
        """The answer, read whole. `parts` are opened anew for every try."""

        def attempt() -> httpx.Response:
            with ExitStack() as opened:
                form = Form([(part.filename, opened.enter_context(part.open())) for part in parts]) if parts else None
                request = self._http.build_request(
                    method,
                    path,
                    params=given(params),
                    headers=self._identity | (form.headers if form else {}) | dict(headers or {}),
                    json=body,
                    content=form,
                )
                return self._http.send(request)

        return accepted(self._run(attempt))

    def json(
        self,
        method: str,
        path: str,
        *,
        params: Query | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        parts: Sequence[Part] = (),
    ) -> Any:
        return content(self.request(method, path, params=params, body=body, headers=headers, parts=parts))

    def unsigned(self, url: str) -> bytes:
        """The bytes behind an address that carries its own right to be read, on any host: no identity is sent."""
        return accepted(self._run(lambda: self._http.get(url))).content

    def form(self, url: str, fields: Mapping[str, str], part: Part) -> None:
        """Sends a file with a form that carries its own right to be sent, to any host: no identity is sent.

        Nor is its name: the form says where the file goes.
        """

        def attempt() -> httpx.Response:
            with part.open() as file:
                return self._http.post(url, data=dict(fields), files={"file": ("file", file, OCTETS)})

        accepted(self._run(attempt))

    @contextmanager
    def stream(
        self,
        path: str,
        *,
        params: Query | None = None,
        accept: str,
        read_timeout_s: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Generator[httpx.Response]:
        """The answer, its body still to be read. What breaks off while it is read is the caller's to retry."""
        timeout = httpx.Timeout(self._timeout_s, read=read_timeout_s or self._timeout_s)

        def attempt() -> httpx.Response:
            sent = self._identity | {"Accept": accept} | dict(headers or {})
            request = self._http.build_request("GET", path, params=given(params), headers=sent, timeout=timeout)
            return self._http.send(request, stream=True)

        response = self._run(attempt)
        try:
            yield accepted(response)
        finally:
            response.close()

    @contextmanager
    def sent_file(self, path: str, file: Path, *, params: Query, read_timeout_s: float) -> Generator[httpx.Response]:
        """The answer to a file that is sent as a body of its own; its body is still to be read, as of `stream`."""
        timeout = httpx.Timeout(self._timeout_s, read=read_timeout_s)

        def attempt() -> httpx.Response:
            with file.open("rb") as opened:
                about = {"Content-Type": OCTETS, "Content-Length": str(fstat(opened.fileno()).st_size)}
                headers = self._identity | about
                query = given(params)
                request = self._http.build_request(
                    "POST", path, params=query, headers=headers, content=opened, timeout=timeout
                )
                return self._http.send(request, stream=True)

        response = self._run(attempt)
        try:
            yield accepted(response)
        finally:
            response.close()

    def _run(self, attempt: Callable[[], httpx.Response]) -> httpx.Response:
        try:
            return self.retry.run(attempt)
        except httpx.RequestError as error:
            raise UnreachableError(f"the request could not be sent: {describe(error)}") from error


@cache
def certificates() -> SSLContext:
    """The trusted certificates, loaded once for all clients."""
    return httpx.create_ssl_context()


def check_url(base_url: str) -> None:
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise ValueError(f"not a URL: {base_url}") from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValueError(f"not an http or https URL: {base_url}")


def is_loopback(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def identity(user: str | None, key: str | None) -> dict[str, str]:
    if key is not None:
        if not KEY.fullmatch(key):
            raise ValueError("a key begins with qk_ and has letters, digits and underscores only")
        return {"Authorization": f"Bearer {key}"}
    if user is None:
        return {}
    if not user.isascii() or not user.isprintable() or user != user.strip() or not user:
        raise ValueError("a user's name consists of printable ASCII characters")
    return {USER_HEADER: user}


def given(params: Query | None) -> dict[str, str | int]:
    return {name: value for name, value in (params or {}).items() if value is not None}


def content(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError as error:
        url = response.request.url
        raise QuorateError(
            f"the answer of {url.host}:{url.port or url.scheme} is not JSON: is it a Quorate server?"
        ) from error


def accepted(response: httpx.Response) -> httpx.Response:
    """The answer itself where it is a success, else its problem raised."""
    if response.is_success:
        return response
    text = response.read()
    try:
        problem: object = json.loads(text)
    except ValueError:
        problem = None
    if isinstance(problem, dict):
        raise api_error(response, cast("dict[str, Any]", problem))
    raise ApiError(
        response.status_code,
        response.reason_phrase or "Unexpected answer",
        detail=text.decode("utf-8", "replace")[:PROBLEM_TEXT_CHARS].strip(),
        request_id=response.headers.get("X-Request-Id"),
    )


def api_error(response: httpx.Response, problem: dict[str, Any]) -> ApiError:
    found = cast("list[Any]", problem["errors"]) if isinstance(problem.get("errors"), list) else []
    fields = [cast("dict[str, Any]", e) for e in found if isinstance(e, dict)]
    return ApiError(
        response.status_code,
        str(problem.get("title") or response.reason_phrase),
        code=str(problem.get("code") or ""),
        detail=str(problem.get("detail") or ""),
        errors=[FieldError(pointer=str(e.get("pointer") or ""), detail=str(e.get("detail", ""))) for e in fields],
        request_id=problem.get("request_id") or response.headers.get("X-Request-Id"),
        report=cast("UploadReport", cast("object", problem)) if isinstance(problem.get("images"), list) else None,
    )
