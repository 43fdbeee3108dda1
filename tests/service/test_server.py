"""The platform as a process: what comes over the wire when nobody is kind."""

import gzip
import json
import socket
import struct
import time

import httpx
import pytest

from loadtest.errors import PlatformFailed
from services.task_manager.ingest import BATCH_FILES
from tests.service import archive_samples as archive
from tests.service.multipart_samples import form, named
from tests.service.picture_samples import png
from tests.service.processes import Server, chunked
from tests.service.running import assert_problem

MULTIPART = "Content-Type: multipart/form-data; boundary=bdry"
JSON = "Content-Type: application/json"
HOST = "Host: localhost"


@pytest.fixture
def http(server: Server):
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client
        assert client.get("/healthz").json() == {"status": "ok"}
        assert server.temporary_files() == []


def new_task(http: httpx.Client) -> str:
    body = {"name": "n", "labels": ["cat", "dog"], "detector": {"mode": "off"}}
    return http.post("/api/tasks", json=body).json()["id"]


def results(http: httpx.Client, task_id: str) -> list[dict]:
    return http.get(f"/api/tasks/{task_id}/results", params={"limit": 1000}).json()["items"]


HEADS = {
    "another host": ("GET /healthz HTTP/1.1\nHost: evil.example\n\n", 400),
    "no host": ("GET /healthz HTTP/1.1\n\n", 400),
    "an empty host": ("GET /healthz HTTP/1.1\nHost:\n\n", 400),
    "a broken host": ("GET /healthz HTTP/1.1\nHost: [\n\n", 400),
    "a host with letters for a port": ("GET /healthz HTTP/1.1\nHost: localhost:http\n\n", 400),
    "a second, other host": ("GET /healthz HTTP/1.1\nHost: localhost\nHost: evil.example\n\n", 400),
    "a traversal": ("GET /objects/../secret HTTP/1.1\nHost: localhost\n\n", 404),
    "an encoded traversal": ("GET /objects/%2e%2e%2fsecret/x HTTP/1.1\nHost: localhost\n\n", 404),
    "bytes that are no text": ("GET /api/tasks/%ff%00%0d%0a HTTP/1.1\nHost: localhost\n\n", 404),
    "an unknown method": ("BREW /api/tasks HTTP/1.1\nHost: localhost\n\n", 400),
    "declared over the limit": (
        f"POST /api/tasks HTTP/1.1\n{HOST}\n{JSON}\nContent-Length: 1000001\n\n",
        413,
    ),
    "votes declared over the limit": (
        f"POST /api/votes HTTP/1.1\n{HOST}\n{JSON}\nContent-Length: 999999999999\n\n",
        413,
    ),
    "detection declared over the limit": (
        f"POST /api/object_detection HTTP/1.1\n{HOST}\n{JSON}\nContent-Length: 170000\n\n",
        413,
    ),
    "an old shape declared over the limit": (
        f"PATCH /api/subtasks/x HTTP/1.1\n{HOST}\n{JSON}\nContent-Length: 2000000\n\n",
        413,
    ),
}


@pytest.mark.parametrize(("head", "status"), HEADS.values(), ids=HEADS)
def test_refused_before_any_body(server: Server, http: httpx.Client, head, status):
    answer = server.exchange(head)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) >= {"type", "title", "status", "detail", "instance", "request_id", "errors"}


@pytest.mark.parametrize("content_type", [MULTIPART, JSON])
def test_an_upload_declared_over_the_limit_is_refused_before_its_body(server: Server, http, content_type):
    task_id = new_task(http)
    head = f"POST /api/tasks/{task_id}/images HTTP/1.1\n{HOST}\n{content_type}\nContent-Length: 999999999999\n\n"
    assert_problem(server.exchange(head), 413)
    assert http.post(f"/api/tasks/{task_id}/seal").status_code == 200


BODIES = {
    "a task": ("/api/tasks", JSON),
    "votes": ("/api/votes", JSON),
    "a picture to detect": ("/api/object_detection", JSON),
    "a picture": ("/api/tasks/{}/images", JSON),
}


@pytest.mark.parametrize(("path", "content_type"), BODIES.values(), ids=BODIES)
def test_chunks_over_the_limit_are_refused(server: Server, http, path, content_type):
    task_id = new_task(http)
    head = f"POST {path.format(task_id)} HTTP/1.1\n{HOST}\n{content_type}\nTransfer-Encoding: chunked\n\n"
    pieces = [b'{"id": "a", "image": "', *[b"a" * 50_000] * 40, b'"}']
    assert_problem(server.exchange(head, chunked(pieces)), 413)


def test_an_endless_form_is_refused(server: Server, http):
    task_id = new_task(http)
    head = f"POST /api/tasks/{task_id}/images HTTP/1.1\n{HOST}\n{MULTIPART}\nTransfer-Encoding: chunked\n\n"
    opening = b'--bdry\r\nContent-Disposition: form-data; name="images"; filename="a.png"\r\n\r\n'
    endless = (opening if n == 0 else bytes(1_000_000) for n in range(260))
    assert_problem(server.exchange(head, chunked(endless)), 413)
    assert results(http, task_id) == []


def test_an_archive_over_the_limit_is_not_kept(server: Server, http):
    task_id = new_task(http)
    heavy = archive.zipped(("heavy.bmp", bytes(3_000_000)))
    assert_problem(http.post(f"/api/tasks/{task_id}/images", files={"images": ("a.zip", heavy)}), 413)


def test_a_missing_final_boundary(server: Server, http):
    task_id = new_task(http)
    body = form(named(b"a.png", png(1)), is_ended=False)
    head = f"POST /api/tasks/{task_id}/images HTTP/1.1\n{HOST}\n{MULTIPART}\nContent-Length: {len(body)}\n\n"
    assert_problem(server.exchange(head, [body]), 400)
    assert http.post(f"/api/tasks/{task_id}/seal").status_code == 200


def test_a_compressed_body(server: Server, http):
    body = gzip.compress(json.dumps({"name": "n", "labels": ["a"]}).encode())
    head = f"POST /api/tasks HTTP/1.1\n{HOST}\n{JSON}\nContent-Encoding: gzip\nContent-Length: {len(body)}\n\n"
    assert_problem(server.exchange(head, [body]), 415)


@pytest.mark.parametrize("is_reset", [False, True])
@pytest.mark.parametrize("is_archive", [False, True])
def test_a_client_that_goes_away_in_mid_upload(server: Server, http, is_reset, is_archive):
    """What was stored stays, nothing else is visible, and the same upload can be sent again."""
    task_id = new_task(http)
    pictures = [(f"{n}.png", png(n)) for n in range(80)]
    whole = [("all.zip", archive.zipped(*pictures))] if is_archive else pictures
    body = form(*(named(name.encode(), data) for name, data in whole))
    head = f"POST /api/tasks/{task_id}/images HTTP/1.1\n{HOST}\n{MULTIPART}\nContent-Length: {len(body)}\n\n"
    with server.connect() as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + body[: len(body) * 3 // 4])
        if is_reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    while (sealed := http.post(f"/api/tasks/{task_id}/seal")).status_code == 409:
        assert "under way" in sealed.text
    kept = {image["filename"] for image in results(http, task_id)}
    assert kept <= {name for name, _ in pictures}
    assert len(kept) in ({0} if is_archive else {0, 32})
    other = new_task(http)
    for expected in ("accepted", "duplicates"):
        files = [("images", one) for one in whole]
        assert http.post(f"/api/tasks/{other}/images", files=files).json()[expected] == 80


def test_a_client_that_goes_away_while_it_watches(server: Server, http):
    task_id = new_task(http)
    with http.stream("GET", f"/api/tasks/{task_id}/events") as answer:
        line = next(answer.iter_lines())
    assert line == "retry: 2000"


def test_it_ends_well_when_told_to_while_it_works(tmp_path):
    with Server(tmp_path, log_level="error") as server, httpx.Client(base_url=server.url) as http:
        task_id = new_task(http)
        http.post(f"/api/tasks/{task_id}/images", files=[("images", (f"{n}.png", png(n))) for n in range(40)])
        assert server.stop() == 0


@pytest.mark.parametrize(
    ("settings", "saying"),
    [
        ({"port": 99999}, "QUORATE_PORT"),
        ({"lease_s": 0}, "QUORATE_LEASE_S"),
        ({"auth": "maybe"}, "QUORATE_AUTH"),
        ({"host": "0.0.0.0"}, "QUORATE_AUTH=on, so that people sign in, or QUORATE_AUTH=off"),
        ({"model": "/nowhere/model.cfg"}, "/nowhere/model.cfg"),
    ],
)
def test_it_says_what_is_wrong_with_its_settings(tmp_path, settings, saying):
    with pytest.raises(PlatformFailed, match="did not start") as failed, Server(tmp_path, **settings):
        raise AssertionError("it started")
    assert saying in str(failed.value)
    assert "Traceback" not in str(failed.value)


def test_two_do_not_share_a_folder(server: Server, http, tmp_path):
    other = Server(tmp_path, data_dir=server.data_dir)
    with pytest.raises(PlatformFailed, match="another quorate is running"), other:
        raise AssertionError("it started")


def test_only_the_owner_can_read_the_secret(server: Server, http):
    assert (server.data_dir / "secret").stat().st_mode & 0o777 == 0o600


def test_a_registration_ends_with_its_connection(server: Server, http: httpx.Client):
    """Whoever hangs up within an upload keeps nobody from sealing the task, and its first batch is there."""
    task = http.post("/api/tasks", json={"name": "n", "labels": ["a"], "detector": {"mode": "off"}}).json()
    path = f"/api/tasks/{task['id']}"
    head = f"POST {path}/images HTTP/1.1\r\n{HOST}\r\n{MULTIPART}\r\nContent-Length: 900000\r\n\r\n"
    with server.connect() as connection:
        connection.sendall(head.encode() + b"".join(named(b"a.png", png(number)) for number in range(BATCH_FILES + 1)))
        while http.get(path).json()["counts"]["images"] < BATCH_FILES:
            time.sleep(0.01)
        assert_problem(http.post(f"{path}/seal"), 409, saying="under way")
    while http.post(f"{path}/seal").status_code == 409:
        time.sleep(0.01)
    assert http.get(path).json()["state"] == "sealed"


def test_a_folder_that_others_could_look_into_is_closed(tmp_path):
    for mode in (0o755, 0o777):
        with Server(tmp_path, log_level="error") as server:
            assert server.data_dir.stat().st_mode & 0o777 == 0o700
        server.data_dir.chmod(mode)
