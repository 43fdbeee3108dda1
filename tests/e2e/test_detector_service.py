"""The detector as a process: right under many clients, small in memory, and as accurate as its model."""

import base64
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from loadtest.command import ASSETS, PHOTOGRAPHS
from loadtest.platform_process import DETECTOR, PlatformProcess
from loadtest.samples import draw, write_model

PATH = "/api/object_detection"
CLIENTS, REQUESTS = 32, 2_000
MAP_TOOL = ASSETS.parent / "tools/coco_map.py"


@contextmanager
def detecting(model: Path, **settings: object):
    """The detector in a folder of its own, which is removed with it."""
    with (
        TemporaryDirectory() as folder,
        PlatformProcess(Path(folder), command=DETECTOR, model=model, **settings) as started,
    ):
        yield started


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def detector(model: Path):
    with detecting(model, detector_threads=2) as started:
        yield started


def body(data: bytes) -> dict[str, str]:
    return {"id": "a", "image": base64.b64encode(data).decode()}


def answers_in_turn(http: httpx.Client, pictures: list[bytes]) -> list[bytes]:
    answers = [http.post(PATH, json=body(picture)) for picture in pictures]
    assert {one.status_code for one in answers} == {200}
    return [one.content for one in answers]


def test_many_clients_get_the_answers_of_one(detector: PlatformProcess, tmp_path):
    pictures = [(tmp_path / truth.filename).read_bytes() for truth in draw(tmp_path, 40, 11)]
    with httpx.Client(base_url=detector.url, timeout=60) as http:
        expected = answers_in_turn(http, pictures)
    assert len(set(expected)) > 30
    wrong: list[str] = []

    def client(number: int) -> int:
        with httpx.Client(base_url=detector.url, timeout=60) as http:
            for step in range(REQUESTS // CLIENTS + 1):
                at = (number * 5 + step) % len(pictures)
                answer = http.post(PATH, json=body(pictures[at]))
                if answer.status_code != 200 or answer.content != expected[at]:
                    wrong.append(f"{number}, picture {at}: {answer.status_code} {answer.text[:200]}")
        return step + 1

    with ThreadPoolExecutor(CLIENTS) as threads:
        asked = sum(threads.map(client, range(CLIENTS)))
    assert asked >= REQUESTS
    assert wrong == []


def bomb() -> bytes:
    """12,000 x 12,000 pixels in a few hundred kB."""
    rows = zlib.compressobj(9)
    data = b"".join(rows.compress(bytes(12_000 // 8 + 1)) for _ in range(12_000)) + rows.flush()

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    filler = chunk(b"prVt", bytes(215_000 - len(data)))
    head = struct.pack(">IIBBBBB", 12_000, 12_000, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + filler + chunk(b"IEND", b"")


def test_a_picture_that_would_not_fit_costs_next_to_nothing(detector: PlatformProcess, tmp_path):
    good = (tmp_path / draw(tmp_path, 1, 1)[0].filename).read_bytes()
    with httpx.Client(base_url=detector.url, timeout=60) as http:
        answers_in_turn(http, [good] * 4)
        detector.forget_peak()
        before = detector.peak_mib()
        for _ in range(4):
            assert http.post(PATH, json=body(bomb())).status_code == 422
        assert detector.peak_mib() - before < 30


def test_who_hangs_up_leaves(detector: PlatformProcess, tmp_path):
    good = (tmp_path / draw(tmp_path, 1, 1)[0].filename).read_bytes()
    url = httpx.URL(detector.url)
    content = json.dumps(body(good)).encode()
    head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
    for sent in (content, content[:100]):
        for _ in range(20):
            with socket.create_connection((url.host, url.port), timeout=10) as connection:
                connection.sendall(f"{head}{len(content)}\r\n\r\n".encode() + sent)
    with httpx.Client(base_url=detector.url, timeout=60) as http:
        answers_in_turn(http, [good])
        deadline = time.monotonic() + 10
        while http.get("/api/models").json()["load"]["waiting"]:
            assert time.monotonic() < deadline


def test_it_is_ready_once_it_answers(model: Path):
    with detecting(model) as started, httpx.Client(base_url=started.url) as http:
        for path in ("/readyz", "/healthz"):
            assert http.get(path).json() == {"status": "ok"}
        assert http.get("/api/models").json()["load"]["threads"] >= 1
        assert http.get("/api/tasks").status_code == 404
        assert http.get("/healthz", headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize(
    ("settings", "saying"),
    [
        ({}, "QUORATE_MODEL"),
        ({"QUORATE_MODEL": "/nowhere/tiny.cfg"}, "/nowhere/tiny.cfg"),
        ({"QUORATE_MODEL": "no-such-model"}, "no-such-model"),
        ({"QUORATE_MODEL": "tiny", "QUORATE_HOST": "0.0.0.0"}, "QUORATE_AUTH"),
        ({"QUORATE_DETECTOR_THREADS": "0"}, "QUORATE_DETECTOR_THREADS"),
    ],
)
def test_it_says_why_it_does_not_start(settings, saying, tmp_path):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("QUORATE_")}
    env = clean | {"QUORATE_PORT": "0", "QUORATE_MODEL_DIR": str(tmp_path)} | settings
    done = subprocess.run(DETECTOR, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert saying in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.long
@pytest.mark.parametrize(
    ("model", "nms", "least"),
    [("yolo-fastest/yolo-fastest-1.1-xl.cfg", 0.45, 0.385), ("yolox/yolox_nano.onnx", 0.65, 0.495)],
)
def test_it_is_as_accurate_as_its_model(model, nms, least, tmp_path):
    path = ASSETS / "models" / model
    if not (path.exists() and PHOTOGRAPHS.is_dir() and MAP_TOOL.exists()):
        pytest.skip(f"the shared assets are not here: {path}")
    photographs = sorted(PHOTOGRAPHS.glob("*.jpg"))
    query = {"confidence": 0.005, "nms": nms}
    with detecting(path) as started, httpx.Client(base_url=started.url, timeout=60) as http:
        found = {
            one.name: http.post(PATH, json=body(one.read_bytes()), params=query).json()["objects"]
            for one in photographs
        }
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps(found))
    scored = subprocess.run(
        [sys.executable, str(MAP_TOOL), str(answers)], capture_output=True, text=True, timeout=120, check=True
    )
    words = scored.stdout.split()
    assert float(words[words.index("AP50") + 1]) >= least, scored.stdout


def test_it_serves_on_while_a_slow_client_sends(detector: PlatformProcess, tmp_path):
    good = (tmp_path / draw(tmp_path, 1, 1)[0].filename).read_bytes()
    url = httpx.URL(detector.url)
    stop = threading.Event()
    with ThreadPoolExecutor(8) as threads:
        for _ in range(8):
            threads.submit(_trickle, (url.host, url.port), stop)
        try:
            with httpx.Client(base_url=detector.url, timeout=10) as http:
                answers_in_turn(http, [good] * 20)
        finally:
            stop.set()


def _trickle(address: tuple[str, int], stop: threading.Event) -> None:
    """Send a large body that never ends."""
    head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 15000000\r\n\r\n"
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(head.encode())
        while not stop.wait(0.05):
            connection.sendall(bytes(10_000))
