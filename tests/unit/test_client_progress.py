"""How the client follows a task until it ends, through streams that break off."""

import json

import httpx
import pytest

from quorate.client import Client
from quorate.errors import ApiError, NotInTimeError, UnreachableError
from quorate.retries import RetryPolicy
from quorate.sse import events, lines
from tests.unit.api_clients import client, task


def sse(*tasks, tail=b"") -> httpx.Response:
    chunks = [b": keep-alive\n\n", *(f"event: progress\ndata: {json.dumps(t)}\n\n".encode() for t in tasks), tail]
    return httpx.Response(200, content=iter(chunks))


def test_events_survive_any_chunking_and_odd_line_ends():
    text = 'event: progress\r\ndata: {"name":"a\u2028b"}\r\n\r\n: ping\n\ndata:x\ndata: y\n\nevent: cut\ndata: off'
    stream = text.encode()
    for size in (1, 2, 7, 1000):
        chunks = [stream[i : i + size] for i in range(0, len(stream), size)]
        assert list(events(lines(chunks))) == [("progress", '{"name":"a\u2028b"}'), ("message", "x\ny")]


def test_following_reconnects_until_the_end():
    streams = iter(
        [
            sse(task(), tail=b"event: progress\ndata: {cut"),
            httpx.Response(503),
            httpx.ReadError("reset"),
            sse(task(completed=1)),
            sse(task("completed", completed=2), task("open")),
        ]
    )

    def handler(request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/events"):
            return httpx.Response(200, json=task(completed=1))
        answer = next(streams)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with client(handler) as api:
        assert [t["counts"]["completed"] for t in api.follow("t")] == [0, 1, 1, 1, 2]


def test_following_asks_where_the_stream_says_nothing():
    answers = iter([sse(), task(), sse(), task(completed=1), sse(), task("completed")])

    def handler(_: httpx.Request) -> httpx.Response:
        answer = next(answers)
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    with client(handler) as api:
        assert [t["state"] for t in api.follow("t")] == ["open", "open", "completed"]


def test_following_gives_up_where_no_answer_comes():
    def handler(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with client(handler) as api, pytest.raises(UnreachableError):
        list(api.follow("t"))


def test_following_an_unknown_task_is_refused():
    with client(lambda _: httpx.Response(404, json={})) as api, pytest.raises(ApiError, match="404"):
        list(api.follow("t"))


def test_waiting_gives_the_finished_task():
    with client(lambda _: sse(task(), task("cancelled"))) as api:
        assert api.wait("t")["state"] == "cancelled"


def test_waiting_ends_in_time():
    now = iter(range(1000))
    retry = RetryPolicy(sleep=lambda _: None, clock=lambda: float(next(now)))
    handler = httpx.MockTransport(lambda _: sse(*[task()] * 100))
    with Client("http://q", retry=retry, transport=handler) as api, pytest.raises(NotInTimeError):
        api.wait("t", timeout_s=50)
