"""Which requests are sent again, when, and with what."""

import re
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from quorate.client import Client
from quorate.errors import ApiError, UnreachableError
from quorate.retries import RetryPolicy, describe
from quorate.uploads import Part, batches, parts

REPORT = {"images": [], "accepted": 1, "duplicates": 0, "rejected": 0, "skipped": 0}


class Clock:
    """Time that passes only in pauses."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


class Server:
    """Answers with one thing after the other: a response, a status, or an error to raise."""

    def __init__(self, *answers: httpx.Response | int | Exception) -> None:
        self.answers: Iterator[httpx.Response | int | Exception] = iter(answers)
        self.requests: list[httpx.Request] = []
        self.bodies: list[bytes] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.bodies.append(request.read())
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer, json={}) if isinstance(answer, int) else answer


def client(server: Callable[[httpx.Request], httpx.Response], clock: Clock, **policy: float) -> Client:
    retry = RetryPolicy(sleep=clock.sleep, clock=clock, **policy)
    return Client("http://quorate.test", retry=retry, transport=httpx.MockTransport(server))


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again(status):
    server, clock = Server(status, status, 200), Clock()
    assert client(server, clock).task("t") == {}
    assert len(server.requests) == 3
    assert len(clock.pauses) == 2


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("slow"),
        httpx.ReadTimeout("slow"),
        httpx.WriteTimeout("slow"),
        httpx.PoolTimeout("full"),
        httpx.ReadError("reset"),
        httpx.WriteError("reset"),
        httpx.RemoteProtocolError("cut off"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_request_without_answer_is_sent_again(error):
    server, clock = Server(error, 200), Clock()
    assert client(server, clock).task("t") == {}
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 409, 413, 415, 422, 500, 501, 507])
def test_a_refusal_is_final(status):
    server, clock = Server(status), Clock()
    with pytest.raises(ApiError) as raised:
        client(server, clock).task("t")
    assert raised.value.status == status
    assert clock.pauses == []


def test_a_request_that_cannot_be_sent_is_not_sent_again():
    server, clock = Server(httpx.LocalProtocolError("bad header")), Clock()
    with pytest.raises(UnreachableError, match="bad header"):
        client(server, clock).task("t")
    assert clock.pauses == []


def test_tries_are_bounded():
    server, clock = Server(*[httpx.ConnectError("refused")] * 9), Clock()
    with pytest.raises(UnreachableError, match="after 5 tries: refused"):
        client(server, clock).task("t")
    assert len(server.requests) == 5


def test_the_last_answer_is_what_is_reported():
    server, clock = Server(*[503] * 3), Clock()
    with pytest.raises(ApiError, match="503 Service Unavailable"):
        client(server, clock, attempts=3).task("t")


def test_time_is_bounded():
    server, clock = Server(*[503] * 99), Clock()
    with pytest.raises(ApiError):
        client(server, clock, attempts=99, for_s=20).task("t")
    assert 10 < clock.now <= 20


def test_pauses_grow_and_are_jittered():
    server, clock = Server(*[503] * 8, 200), Clock()
    client(server, clock, attempts=9).task("t")
    for pause_s, longest_s in zip(clock.pauses, [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10], strict=True):
        assert longest_s / 2 <= pause_s <= longest_s
    assert len({pause_s / 2**n for n, pause_s in enumerate(clock.pauses)}) > 1


@pytest.mark.parametrize(
    ("header", "pause_s"),
    [
        ("0", (0, 0)),
        ("7", (7, 7)),
        ("9999999999999999999999", (30, 30)),
        ("Wed, 21 Oct 2015 07:28:00 GMT", (0, 0)),
        ("Wed, 21 Oct 2015 07:28:00 -0000", (0, 0)),
        ("soon", (0.1, 0.2)),
        ("-5", (0.1, 0.2)),
        ("", (0.1, 0.2)),
    ],
)
def test_retry_after_is_honoured_and_capped(header, pause_s):
    server, clock = Server(httpx.Response(503, headers={"Retry-After": header}), 200), Clock()
    client(server, clock).task("t")
    assert pause_s[0] <= clock.pauses[0] <= pause_s[1]


def test_retry_after_may_be_a_date():
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    server, clock = Server(httpx.Response(503, headers={"Retry-After": date}), 200), Clock()
    client(server, clock).task("t")
    assert 1 < clock.pauses[0] <= 20


def test_the_idempotency_key_stays_for_a_call_and_differs_between_calls():
    server, clock = Server(503, httpx.ReadTimeout("slow"), 201, 201), Clock()
    api = client(server, clock)
    api.create_task("birds", ["a", "b"])
    api.create_task("birds", ["a", "b"])
    first, second, third, other = [request.headers["Idempotency-Key"] for request in server.requests]
    assert first == second == third != other
    assert len(set(server.bodies)) == 1


def test_a_given_idempotency_key_is_used():
    server = Server(201)
    client(server, Clock()).create_task("birds", ["a"], idempotency_key="mine")
    assert server.requests[0].headers["Idempotency-Key"] == "mine"


def test_an_upload_is_read_anew_for_each_try(tmp_path: Path):
    (tmp_path / "a.jpg").write_bytes(b"picture a" * 20_000)
    (tmp_path / "b.jpg").write_bytes(b"picture b")
    server, clock = Server(503, httpx.WriteError("reset"), httpx.Response(200, json=REPORT)), Clock()
    [batch] = batches(parts([tmp_path]))
    assert isinstance(batch, list)
    assert client(server, clock).upload("t", batch) == REPORT
    # httpx draws a new boundary for each request.
    contents = {re.sub(rb"(?m)^--[0-9a-f]{32}", b"--", body) for body in server.bodies}
    [content] = contents
    assert b"picture a" * 20_000 in content
    assert content.count(b'name="images"') == 2


def test_files_are_closed_after_each_try(tmp_path: Path):
    (tmp_path / "a.jpg").write_bytes(b"picture")
    opened = []

    def opening():
        opened.append((tmp_path / "a.jpg").open("rb"))
        return opened[-1]

    server = Server(503, httpx.Response(200, json=REPORT))
    client(server, Clock()).upload("t", [Part("a.jpg", 7, opening)])
    assert [file.closed for file in opened] == [True, True]


def test_sealing_waits_for_another_upload():
    server, clock = Server(409, 409, 200), Clock()
    assert client(server, clock).seal("t") == {}
    assert len(server.requests) == 3


def test_sealing_does_not_wait_for_ever():
    server, clock = Server(*[409] * 99), Clock()
    with pytest.raises(ApiError, match="409"):
        client(server, clock).seal("t")
    assert 5 < clock.now <= 15


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (httpx.ConnectError("refused"), "refused"),
        (httpx.ReadError(""), "ReadError"),
        (caused(httpx.ConnectError("no"), ssl.SSLError(1, "wrong")), "no: the server does not seem to speak https"),
        (
            caused(httpx.ConnectError("no"), ssl.SSLCertVerificationError(1, "self-signed")),
            "no: its certificate is not trusted here",
        ),
        (httpx.RemoteProtocolError("illegal status line: x"), "illegal status line: x: the server does not seem to sp"),
    ],
)
def test_an_error_in_words(error, hint):
    assert describe(error).startswith(hint)


def test_https_on_a_plain_port_is_said_to_be_that():
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    answering = threading.Thread(target=server.handle_request)
    answering.start()
    try:
        retry = RetryPolicy(attempts=1)
        with (
            Client(f"https://127.0.0.1:{server.server_port}", retry=retry) as api,
            pytest.raises(UnreachableError, match="try http://"),
        ):
            api.task("t")
    finally:
        answering.join()
        server.server_close()
