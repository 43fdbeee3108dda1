"""What a connection may send and how long it may take, on raw connections to a platform with short time-outs."""

import http.client
import json
import resource
import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import httpx
import pytest

from tests.service.multipart_samples import form, named
from tests.service.picture_samples import png
from tests.service.processes import Server, chunked
from tests.service.raw_http import HOST, JSON, MULTIPART, POST, TASK, answers, raw, sent
from tests.service.running import assert_problem


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A platform that waits for nobody, and takes few connections."""
    folder = tmp_path_factory.mktemp("hasty")
    with Server(folder, header_s=0.4, body_s=0.4, max_connections=8, max_uploads=4, log_level="error") as started:
        yield started


@pytest.fixture
def http_client(hasty: Server):
    with httpx.Client(base_url=hasty.url, timeout=30) as client:
        yield client


def refused(server: Server, data: bytes, status: int, saying: str = "") -> None:
    """The request is refused with a whole problem, and its connection ended."""
    [answer] = sent(server, data)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["connection"] == "close"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["x-request-id"] != ""
    assert saying in problem["detail"]


HEADS = {
    "headers of 64 kB": (f"GET /healthz HTTP/1.1\n{HOST}\n" + f"X-A: {'a' * 40_000}\n" * 2 + "\n", 431),
    "one header without an end": (f"GET /healthz HTTP/1.1\n{HOST}\nX-A: " + "a" * 1_000_000, 431),
    "a name without an end": (f"GET /healthz HTTP/1.1\n{HOST}\n" + "a" * 1_000_000, 431),
    "101 headers": (f"GET /healthz HTTP/1.1\n{HOST}\n" + "A: b\n" * 100 + "\n", 431),
    "a hundred thousand headers": (f"GET /healthz HTTP/1.1\n{HOST}\n" + "A: b\n" * 100_000 + "\n", 431),
    "a URI of 8 kB": (f"GET /{'a' * 8_000} HTTP/1.1\n{HOST}\n\n", 414),
    "a query of 8 kB": (f"GET /healthz?{'a' * 8_000} HTTP/1.1\n{HOST}\n\n", 414),
    "no HTTP": ("\x16\x03\x01\x02\x00\x01\x00\n\n", 400),
    "an unknown method": (f"BREW / HTTP/1.1\n{HOST}\n\n", 400),
    "another version": (f"GET / HTTP/2.0\n{HOST}\n\n", 400),
    "the preface of HTTP/2": ("PRI * HTTP/2.0\n\nSM\n\n", 400),
    "a path that is no ASCII": (f"GET /\xe9 HTTP/1.1\n{HOST}\n\n", 400),
    "a tunnel": (f"CONNECT localhost:80 HTTP/1.1\n{HOST}\n\n", 400),
    "a header over two lines": (f"GET /healthz HTTP/1.1\n{HOST}\nX: a\n b\n\n", 400),
    "a NUL in a header": (f"GET /healthz HTTP/1.1\n{HOST}\nX: a\0\n\n", 400),
    "a blank before a colon": (f"GET /healthz HTTP/1.1\n{HOST}\nX : a\n\n", 400),
}


@pytest.mark.parametrize(("head", "status"), HEADS.values(), ids=HEADS)
def test_heads_that_are_refused(hasty: Server, http_client, head, status):
    refused(hasty, raw(head), status)
    assert http_client.get("/healthz").status_code == 200


def test_heads_within_the_limits(http_client):
    headers = {f"x-{number}": "a" * 600 for number in range(90)}
    assert http_client.get("/healthz", headers=headers).status_code == 200
    assert http_client.get("/" + "a" * 7_999).status_code == 404


FRAMINGS = {
    "both a length and chunks": ("Content-Length: 30\nTransfer-Encoding: chunked\n\n", b"0\r\n\r\n"),
    "chunks and a length": ("Transfer-Encoding: chunked\nContent-Length: 30\n\n", b"0\r\n\r\n"),
    "two lengths": ("Content-Length: 30\nContent-Length: 31\n\n", TASK),
    "two equal lengths": ("Content-Length: 30\nContent-Length: 30\n\n", TASK),
    "a list of lengths": ("Content-Length: 30, 30\n\n", TASK),
    "a length with a sign": ("Content-Length: +30\n\n", TASK),
    "a length below nothing": ("Content-Length: -1\n\n", TASK),
    "another encoding": ("Transfer-Encoding: gzip, chunked\n\n", b"0\r\n\r\n"),
    "no encoding": ("Transfer-Encoding: identity\n\n", TASK),
    "an encoding that is folded": ("Transfer-Encoding:\n chunked\n\n", b"0\r\n\r\n"),
    "chunks twice": ("Transfer-Encoding: chunked\nTransfer-Encoding: chunked\n\n", b"0\r\n\r\n"),
    "a chunk size with 0x": ("Transfer-Encoding: chunked\n\n", b"0x1e\r\n" + TASK + b"\r\n0\r\n\r\n"),
    "a chunk size with a sign": ("Transfer-Encoding: chunked\n\n", b"-1e\r\n" + TASK + b"\r\n0\r\n\r\n"),
    "a chunk size past all": ("Transfer-Encoding: chunked\n\n", b"1" * 17 + b"\r\n" + TASK + b"\r\n0\r\n\r\n"),
    "a chunk longer than it says": ("Transfer-Encoding: chunked\n\n", b"2\r\n" + TASK + b"\r\n0\r\n\r\n"),
    "line ends without CR": ("Transfer-Encoding: chunked\n\n", b"1e\n" + TASK + b"\n0\n\n"),
    "an upgrade with a body": ("Connection: upgrade\nUpgrade: h2c\nContent-Length: 30\n\n", TASK),
}


@pytest.mark.parametrize(("framing", "body"), FRAMINGS.values(), ids=FRAMINGS)
def test_no_request_hides_in_another(hasty: Server, http_client, framing, body):
    before = len(http_client.get("/api/tasks").json()["items"])
    refused(hasty, raw(POST + framing, body + raw(f"DELETE /api/tasks/x HTTP/1.1\n{HOST}\n\n")), 400)
    assert len(http_client.get("/api/tasks").json()["items"]) == before


def test_chunks_of_http_1_0(hasty: Server):
    refused(hasty, raw(POST.replace("1.1", "1.0") + "Transfer-Encoding: chunked\n\n", b"0\r\n\r\n"), 400)


def test_an_offer_of_another_protocol_is_not_taken(hasty: Server):
    head = f"GET /healthz HTTP/1.1\n{HOST}\nConnection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: AAA\n\n"
    [answer] = sent(hasty, raw(head))
    assert (answer.status_code, answer.headers["connection"]) == (200, "close")


def test_trailers_are_dropped(hasty: Server):
    body = b"1e\r\n" + TASK + b"\r\n0\r\nX-Quorate-User: eve\r\nHost: evil.example\r\n\r\n"
    [answer] = sent(hasty, raw(POST + "Connection: close\nTransfer-Encoding: chunked\n\n", body))
    assert answer.status_code == 201
    assert answer.json()["owner"] == "local"


@pytest.mark.parametrize("trailers", [b"A: " + b"a" * 1_000_000, b"A: b\r\n" * 100_000 + b"\r\n"])
def test_trailers_without_an_end(hasty: Server, trailers):
    refused(hasty, raw(POST + "Transfer-Encoding: chunked\n\n", b"1\r\n{\r\n0\r\n" + trailers), 431)


def test_a_chunk_header_without_an_end(hasty: Server):
    refused(hasty, raw(POST + "Transfer-Encoding: chunked\n\n", b"1;" + b"a" * 1_000_000), 431)


SLOW = {
    "nothing": (b"", "no whole header"),
    "half a line": (b"GET /heal", "no whole header"),
    "half a head": (raw(f"GET /healthz HTTP/1.1\n{HOST}\nX: "), "no whole header"),
    "only line ends": (b"\r\n\r\n", "no whole header"),
    "no body": (raw(POST + "Content-Length: 30\n\n"), "no more of the body"),
    "half a body": (raw(POST + "Content-Length: 30\n\n", TASK[:10]), "no more of the body"),
    "half a chunk": (raw(POST + "Transfer-Encoding: chunked\n\n", b"1e\r\n{"), "no more of the body"),
    "half a vote": (
        raw(f"POST /api/votes HTTP/1.1\n{HOST}\n{JSON}\nContent-Length: 30\n\n", b"{"),
        "no more of the body",
    ),
    "half a detection": (
        raw(f"POST /api/object_detection HTTP/1.1\n{HOST}\n{JSON}\nContent-Length: 30\n\n", b"{"),
        "no more of the body",
    ),
}


@pytest.mark.parametrize(("data", "saying"), SLOW.values(), ids=SLOW)
def test_who_stops_is_told_so(hasty: Server, data, saying):
    refused(hasty, data, 408, saying)


def test_an_upload_that_stalls_ends_with_its_registration(hasty: Server, http_client):
    task_id = http_client.post("/api/tasks", content=TASK, headers={"Content-Type": "application/json"}).json()["id"]
    head = raw(f"POST /api/tasks/{task_id}/images HTTP/1.1\n{HOST}\n{MULTIPART}\nContent-Length: 99999\n\n")
    with ExitStack() as stack:
        held = [stack.enter_context(hasty.connect()) for _ in range(2)]
        for connection in held:
            connection.sendall(head + named(b"a.png", png(1))[:80])
        for connection in held:
            [answer] = answers(connection)
            assert answer.status_code == 408
    files = {"images": ("b.png", png(2))}
    while (answer := http_client.post(f"/api/tasks/{task_id}/images", files=files)).status_code == 503:
        continue  # the caller was told before the registration was ended
    assert answer.json()["accepted"] == 1
    while (answer := http_client.post(f"/api/tasks/{task_id}/seal")).status_code == 409:
        continue
    assert answer.status_code == 200
    assert hasty.temporary_files() == []


def test_a_byte_now_and_then_is_no_body(hasty: Server):
    """Each byte comes in time, and all of them would hold an upload's place for a day."""
    with hasty.connect() as connection:
        connection.sendall(raw(POST + "Content-Length: 100000\n\n"))
        connection.settimeout(0.1)
        for _ in range(100):
            try:
                connection.sendall(b" ")
                if connection.recv(65_536).startswith(b"HTTP/1.1 408"):
                    return
            except TimeoutError:
                continue
    raise AssertionError("it was read for as long as it came")


def test_the_next_request_may_come_in_the_same_packet(hasty: Server):
    get = f"GET /healthz HTTP/1.1\n{HOST}\n"
    post = raw(POST + f"Content-Length: {len(TASK)}\n\n", TASK)
    found = sent(hasty, raw(get + "\n") + post + raw(get + "Connection: close\n\n"))
    assert [answer.status_code for answer in found] == [200, 201, 200]


def test_a_refused_request_is_answered_after_those_before_it(hasty: Server):
    get = f"GET /healthz HTTP/1.1\n{HOST}\n\n"
    found = sent(hasty, raw(get + get + f"GET /{'a' * 9_000} HTTP/1.1\n{HOST}\n\n"))
    assert [answer.status_code for answer in found] == [200, 200, 414]


def test_thousands_of_requests_at_once_on_a_connection(hasty: Server):
    found = sent(hasty, raw(f"GET /healthz HTTP/1.1\n{HOST}\n\n" * 3_000))
    assert {answer.status_code for answer in found[:-1]} == {200}
    assert found[-1].status_code == 503


def test_connections_that_wait_give_way(hasty: Server, http_client):
    """More of them than are taken do not keep anybody out, and are told to come back."""
    with ExitStack() as stack:
        held = [stack.enter_context(hasty.connect()) for _ in range(24)]
        for connection in held:
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(b"GET /healthz HTTP/1.1\r\n")
        assert http_client.get("/healthz").status_code == 200
        told = [answer for connection in held for answer in _answers_unless_reset(connection)]
    assert {answer.status_code for answer in told} == {503, 408}
    assert {answer.headers["content-type"] for answer in told} == {"application/problem+json"}
    assert {answer.headers.get("retry-after") for answer in told if answer.status_code == 503} == {"2"}


def _answers_unless_reset(connection: socket.socket) -> list[httpx.Response]:
    """Who sends to a connection that has ended is told so by the kernel, and may lose the answer."""
    try:
        return answers(connection)
    except ConnectionResetError:
        return []


def test_a_process_without_descriptors_goes_on_accepting(tmp_path):
    """Sockets beyond what it may open: those that wait end, and nobody else is kept out."""
    with Server(tmp_path, log_level="error") as server:
        _, hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
        used = len(server.open_files())
        databases = 24  # files that its threads may open later
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (used + databases, hard))
        with ExitStack() as stack:
            for _ in range(2 * databases):
                stack.enter_context(server.connect()).sendall(b"GET /healthz HTTP/1.1\r\n")
            for _ in range(3):
                assert httpx.get(f"{server.url}/healthz", timeout=30).status_code == 200


GO_AHEAD = b"HTTP/1.1 100 Continue\r\n\r\n"


def test_a_body_that_waits_for_the_go_ahead(hasty: Server):
    with hasty.connect() as connection:
        connection.sendall(raw(POST + "Expect: 100-continue\nContent-Length: 30\n\n"))
        assert connection.recv(len(GO_AHEAD)) == GO_AHEAD
        connection.sendall(TASK)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert (answer.status, answer.getheader("connection")) == (201, None)


def test_who_is_refused_before_the_go_ahead_sends_no_body(hasty: Server):
    """So its next request would be taken for the body, if the connection went on."""
    head = POST.replace("application/json", "text/plain") + "Expect: 100-continue\nContent-Length: 30\n\n"
    refused(hasty, raw(head), 415)


def test_no_go_ahead_for_http_1_0(hasty: Server):
    head = POST.replace("1.1", "1.0") + "Expect: 100-continue\nContent-Length: 30\n\n"
    [answer] = sent(hasty, raw(head, TASK))
    assert answer.status_code == 201


def test_bodies_are_counted_before_they_are_held(tmp_path):
    """The first large one is taken, the others are told to come back while it is held; votes are not kept out."""
    with Server(tmp_path, max_bodies_bytes=300000, log_level="error") as server:
        task_id = httpx.post(f"{server.url}/api/tasks", json=json.loads(TASK)).json()["id"]
        paths = [f"/api/tasks/{task_id}/images", "/api/tasks", "/api/votes", "/api/object_detection"]
        body = b'{"id": "x", "image": "' + b"A" * 250_000
        with ExitStack() as stack:
            first = stack.enter_context(server.connect())
            first.sendall(raw(f"POST {paths[0]} HTTP/1.1\n{HOST}\n{JSON}\nContent-Length: 300000\n\n", body))
            _await_held(server, len(body))
            for path in paths:
                answer = server.exchange(f"POST {path} HTTP/1.1\n{HOST}\n{JSON}\nContent-Length: 300000\n\n", [body])
                assert_problem(answer, 503, saying="under way")
                assert int(answer.headers["retry-after"]) >= 1
            assert httpx.post(f"{server.url}/api/leases", json={}).status_code == 200


def _await_held(server: Server, held_bytes: int) -> None:
    """Return once the server holds a body of this size."""
    for _ in range(3000):
        if f"quorate_http_bodies_held_bytes {held_bytes:.1f}" in httpx.get(f"{server.url}/metrics").text:
            return
        time.sleep(0.01)
    raise AssertionError


def test_an_upload_in_a_form_is_not_held_whole(tmp_path):
    with Server(tmp_path, max_bodies_bytes=1, log_level="error") as server:
        task_id = httpx.post(f"{server.url}/api/tasks", json=json.loads(TASK)).json()["id"]
        body = form(*(named(b"%d.png" % number, png(number)) for number in range(300)))
        head = f"POST /api/tasks/{task_id}/images HTTP/1.1\n{HOST}\n{MULTIPART}\nTransfer-Encoding: chunked\n\n"
        assert server.exchange(head, chunked([body])).json()["accepted"] == 300


MANY_LABELS = [f"{number:030}" for number in range(1_000)]
NAMES = {"label_names": {label: label[::-1] for label in MANY_LABELS}}


def test_answers_that_wait_for_their_readers_are_counted_together(tmp_path):
    """Those that have waited longest end before their time, all but the last."""
    with (
        Server(tmp_path, body_s=3600, max_unsent_bytes=1_000_000, log_level="error") as server,
        httpx.Client(base_url=server.url, timeout=60) as client,
        ExitStack() as stack,
    ):
        for _ in range(120):  # a page of 8 MB: the kernel takes some of it from the platform
            assert client.post("/api/tasks", json={"name": "n", "labels": MANY_LABELS, **NAMES}).status_code == 201
        unread = [stack.enter_context(server.connect()) for _ in range(4)]
        for connection in unread:
            connection.sendall(raw(f"GET /api/tasks?limit=1000 HTTP/1.1\n{HOST}\nConnection: close\n\n"))
        assert sum([_ended_early(connection) for connection in unread]) >= 3
        assert client.get("/api/tasks?limit=1000").json()["next_cursor"]


def _ended_early(connection: socket.socket) -> bool:
    """Whether an answer breaks off, though its reader has time."""
    poller = select.poll()
    poller.register(connection, select.POLLHUP | select.POLLERR)
    poller.poll(5_000)
    try:
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        answer.read()
    except (http.client.IncompleteRead, ConnectionResetError):
        return True
    return False
