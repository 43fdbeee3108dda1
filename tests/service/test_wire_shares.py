"""What callers share on the wire: connections and uploads."""

import json
from contextlib import ExitStack, suppress

import httpx

from tests.service.multipart_samples import named
from tests.service.picture_samples import png
from tests.service.processes import Server
from tests.service.raw_http import HOST, MULTIPART, POST, TASK, answers, raw
from tests.service.running import assert_problem

GET = f"GET /healthz HTTP/1.1\n{HOST}\n"


def watch(stack: ExitStack, server: Server, *, source: str = "127.0.0.1", headers: str = "") -> bytes:
    """Follow a new task on a connection that stays open; returns how the answer begins."""
    create = POST + f"Connection: close\nContent-Length: {len(TASK)}\n\n"
    task_id = server.exchange(create, [TASK], source=source).json()["id"]
    watching = stack.enter_context(server.connect(source))
    watching.sendall(raw(f"GET /api/tasks/{task_id}/events HTTP/1.1\n{HOST}\n{headers}\n"))
    return watching.recv(12)


def test_connections_of_one_address_leave_others_some(tmp_path):
    with Server(tmp_path, max_connections=12, log_level="error") as server, ExitStack() as stack:
        for _ in range(9):
            assert watch(stack, server) == b"HTTP/1.1 200"
        for source, status in (("127.0.0.2", 200), ("127.0.0.1", 503)):
            answer = server.exchange(GET + "\n", source=source)
            assert answer.status_code == status
        assert_problem(answer, 503)
        assert answer.headers["retry-after"] == "2"


def test_connections_that_all_work_keep_others_waiting(tmp_path):
    with Server(tmp_path, max_connections=3, log_level="error") as server, ExitStack() as stack:
        for source in ("127.0.0.1", "127.0.0.2", "127.0.0.3"):
            assert watch(stack, server, source=source) == b"HTTP/1.1 200"
        assert_problem(server.exchange(GET + "\n", source="127.0.0.4"), 503)


def test_half_open_connections_of_an_address_give_way_to_its_own(tmp_path):
    """It has its share, and what it leaves free is for others: they keep what they have open."""
    with Server(tmp_path, max_connections=8, log_level="error") as server, ExitStack() as stack:
        other = stack.enter_context(server.connect("127.0.0.2"))
        other.sendall(raw(GET))
        for _ in range(12):
            with suppress(BrokenPipeError, ConnectionResetError):
                stack.enter_context(server.connect()).sendall(b"GET /healthz HTTP/1.1\r\n")
        assert server.exchange(GET + "\n").status_code == 200
        other.sendall(b"Connection: close\r\n\r\n")
        [answer] = answers(other)
        assert answer.status_code == 200


def test_behind_a_proxy_the_forwarded_address_counts(tmp_path):
    """And of what a caller wrote into the header, nothing."""
    with Server(tmp_path, max_connections=12, trusted_proxies=1, log_level="error") as server, ExitStack() as stack:
        for number in range(9):
            forwarded = f"X-Forwarded-For: 203.0.113.{number}, 192.0.2.1\n"
            assert watch(stack, server, headers=forwarded) == b"HTTP/1.1 200"
        forwarded = "X-Forwarded-For: 203.0.113.99, 192.0.2.1\n"
        assert_problem(server.exchange(GET + forwarded + "\n"), 503)
        assert server.exchange(GET + "X-Forwarded-For: 192.0.2.2\n\n").status_code == 200


def test_without_trusted_proxies_nothing_that_is_forwarded_counts(tmp_path):
    with Server(tmp_path, max_connections=4, log_level="error") as server, ExitStack() as stack:
        for number in range(3):
            assert watch(stack, server, headers=f"X-Forwarded-For: 192.0.2.{number}\n") == b"HTTP/1.1 200"
        assert_problem(server.exchange(GET + "X-Forwarded-For: 192.0.2.9\n\n"), 503)


def test_stalled_uploads_of_one_caller_leave_another_a_place(tmp_path):
    with Server(tmp_path, max_uploads=4, log_level="error") as server, httpx.Client(base_url=server.url) as http:
        task_ids = [http.post("/api/tasks", json=json.loads(TASK)).json()["id"] for _ in range(2)]
        path, other_path = (f"/api/tasks/{task_id}/images" for task_id in task_ids)
        head = f"POST {path} HTTP/1.1\n{HOST}\n{MULTIPART}\nX-Quorate-User: ann\nContent-Length: 99999\n\n"
        with ExitStack() as stack:
            files = {"images": ("b.png", png(2))}
            while http.post(path, files=files, headers={"X-Quorate-User": "ann"}).status_code != 503:
                stack.enter_context(server.connect()).sendall(raw(head) + named(b"a.png", png(1))[:80])
            answer = http.post(other_path, files=files, headers={"X-Quorate-User": "bob"})
            assert answer.json()["accepted"] == 1
            assert http.post(f"/api/tasks/{task_ids[1]}/seal", headers={"X-Quorate-User": "bob"}).status_code == 200
