"""The detection API through HTTP: what it takes, what it refuses, and what happens when there is too much of it."""

import asyncio
import base64
import json
import re
import struct
import threading
import zlib
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from loadtest.samples import CLASSES, draw
from services.detector.app import create_api, load
from services.detector.settings import DetectorSettings
from tests.service.running import assert_problem
from tests.unit.onnx_samples import write_constant_model

PATH = "/api/object_detection"


@pytest.fixture
async def http(model: Path):
    """A detector by itself."""
    settings = DetectorSettings(model=model, detector_threads=2)
    pool = load(settings)
    app = create_api(settings, pool).app
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=60) as client,
    ):
        client.pool = pool  # pyright: ignore[reportAttributeAccessIssue]
        yield client
        assert (await client.get("/readyz")).json() == {"status": "ok"}
        sample = await client.post(PATH, content=picture(), headers={"Content-Type": "image/png"})
        assert sample.status_code == 200


def picture(side: int = 192, *, extension: str = ".png", **options: int) -> bytes:
    """A red square of 24 pixels, a cell from the corner, on dark ground."""
    bgr = np.full((side, side, 3), 20, np.uint8)
    bgr[36:60, 36:60] = 0, 0, 255
    return cv2.imencode(extension, bgr)[1].tobytes()


def body(data: bytes, request_id: object = "a") -> dict[str, object]:
    return {"id": request_id, "image": base64.b64encode(data).decode()}


def png_header(width: int, height: int, data: bytes) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


async def test_the_answer(http):
    answer = await http.post(PATH, json=body(picture()))
    assert answer.status_code == 200
    (found,) = answer.json()["objects"]
    assert answer.json()["id"] == "a"
    assert (found["label"], set(found)) == ("red square", {"label", "accuracy", "rectangle"})
    assert all(type(value) is int for value in found["rectangle"].values())
    assert found["rectangle"] == {"left": 36, "top": 36, "width": 24, "height": 24}


async def test_the_answer_says_how_long_each_stage_took(http):
    answer = await http.post(PATH, json=body(picture()))
    assert re.fullmatch(r"decode;dur=\d+\.\d, queue;dur=\d+\.\d, model;dur=\d+\.\d", answer.headers["server-timing"])


@pytest.mark.parametrize("request_id", ["a", "", 7, -3, 1.5, "7"])
async def test_json_that_was_encoded_twice(http, request_id):
    twice = json.dumps(json.dumps(body(picture(), request_id)))
    answer = await http.post(PATH, content=twice, headers={"Content-Type": "application/json"})
    once = await http.post(PATH, json=body(picture(), request_id))
    assert answer.json() == once.json()
    assert answer.json()["id"] == request_id
    assert type(answer.json()["id"]) is type(request_id)


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "image/x-whatever", "application/octet-stream"])
async def test_bare_bytes(http, media_type):
    headers = {"Content-Type": media_type}
    expected = (await http.post(PATH, json=body(picture()))).json()["objects"]
    answer = await http.post(PATH, content=picture(), headers=headers)
    assert answer.json() == {"id": None, "objects": expected}
    named = await http.post(PATH, content=picture(), headers=headers, params={"id": "x 7"})
    assert named.json() == {"id": "x 7", "objects": expected}


async def test_thresholds(http, tmp_path):
    names = [truth.filename for truth in draw(tmp_path, 16, 3) if truth.is_faint]
    data = (tmp_path / names[0]).read_bytes()

    async def found(**query: float) -> list[float]:
        answer = await http.post(PATH, json=body(data), params=query)
        assert answer.status_code == 200
        return [one["accuracy"] for one in answer.json()["objects"]]

    assert await found() == []
    everything = await found(confidence=0)
    assert everything
    assert everything == sorted(everything, reverse=True)
    assert await found(confidence=everything[0] + 0.01) == []
    assert await found(confidence=0, nms=1) >= everything


@pytest.mark.parametrize("name", ["confidence", "nms"])
@pytest.mark.parametrize("value", ["-0.1", "1.1", "nan", "inf", "x", ""])
async def test_thresholds_that_cannot_be(http, name, value):
    assert_problem(await http.post(PATH, json=body(picture()), params={name: value}), 422, pointer=name)


async def test_what_it_runs(http, model):
    (loaded,) = (await http.get("/api/models")).json()["models"]
    assert loaded["name"] == "tiny"
    assert loaded["family"] == "darknet"
    assert loaded["classes"] == list(CLASSES)
    assert (loaded["input_width"], loaded["input_height"]) == (192, 192)
    assert loaded["voter"] == f"detector:tiny@{loaded['sha256'][:12]}"
    load = (await http.get("/api/models")).json()["load"]
    assert (load["threads"], load["waiting"], load["failed"]) == (2, 0, 0)


PNG = picture()
JPEG = picture(extension=".jpg")
REFUSED = {
    "nothing": (b"", 422, "empty"),
    "text": (b"hello there", 422, "not a picture"),
    "a truncated JPEG": (JPEG[: len(JPEG) // 2], 422, "truncated"),
    "a JPEG with a broken middle": (JPEG[:200], 422, ""),
    "a header of 65,535 x 65,535": (png_header(65_535, 65_535, b""), 422, "limit"),
    "zero width": (png_header(0, 10, b""), 422, "empty"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "SVG"),
    "HTML": (b"<!doctype html><script>1</script>", 415, "HTML"),
    "GIF": (b"GIF89a" + bytes(30), 415, "GIF"),
    "too many bytes": (PNG + bytes(20_000_001), 413, "limit"),
}


@pytest.mark.parametrize(("data", "status", "saying"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("is_bare", [False, True])
async def test_pictures_that_are_refused(http, data, status, saying, is_bare):
    if is_bare:
        answer = await http.post(PATH, content=data, headers={"Content-Type": "application/octet-stream"})
    else:
        answer = await http.post(PATH, json=body(data))
    assert_problem(answer, status, saying=saying)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 422),
        (b"{", 400),
        (b'"{"', 400),
        (b"null", 422),
        (b"[]", 422),
        (b'"x', 400),
        (b"[" * 10_000, 400),
        (b'{"id": NaN, "image": "x"}', 400),
        (b'{"id": 1' + b"0" * 400 + b', "image": "x"}', 422),
        (b'{"id": true, "image": "x"}', 422),
        (b'{"id": {"$gt": ""}, "image": "x"}', 422),
        (b'{"id": "a", "image": {"$gt": ""}}', 422),
        (b'{"id": "a", "image": "x", "_id": 1}', 422),
        (b'{"id": "a", "image": "data:image/png;base64,AAAA"}', 422),
        (b'{"id": "a", "image": "AA-_"}', 422),
        (b'{"id": "a", "image": "AAA"}', 422),
        (b'{"id": "a", "image": "AA\\u0041A\\n"}', 422),
    ],
)
async def test_bodies_that_are_refused(http, content, status):
    answer = await http.post(PATH, content=content, headers={"Content-Type": "application/json"})
    assert_problem(answer, status)


@pytest.mark.parametrize("field", ["image", "images", "file"])
async def test_forms_as_most_clients_send_them(http, field):
    answer = await http.post(PATH, files={field: ("red.png", picture(), "image/png")}, data={"id": "7"})
    assert answer.status_code == 200
    assert answer.json() == (await http.post(PATH, json=body(picture(), "7"))).json()
    assert answer.headers["Server-Timing"].startswith("decode;dur=")
    bare = await http.post(f"{PATH}?id=b", files={field: ("red.png", picture(), "image/png")})
    assert (bare.status_code, bare.json()["id"]) == (200, "b")


async def test_a_classifier_answers_with_its_five_best_however_unsure(tmp_path):
    path = write_constant_model(tmp_path / "some.onnx", [[0.1, 0.2, 0.15, 0.05, 0.12, 0.18, 0.2]])
    path.with_suffix(".names").write_text("\n".join("abcdefg"))
    settings = DetectorSettings(model=path, detector_threads=1)
    pool = load(settings)
    app = create_api(settings, pool).app
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
    ):
        for query, labels in (("", "bgfce"), ("?confidence=0.18", "bgf")):
            answer = await client.post(PATH + query, content=picture(), headers={"Content-Type": "image/png"})
            assert [one["label"] for one in answer.json()["objects"]] == list(labels)


@pytest.mark.parametrize("media_type", ["multipart/form-data", "multipart/form-data; boundary=x"])
async def test_forms_that_are_none(http, media_type):
    assert_problem(await http.post(PATH, content=b"x", headers={"Content-Type": media_type}), 400)


@pytest.mark.parametrize("media_type", [None, "text/plain", "multipart/mixed; boundary=x", "video/mp4"])
async def test_other_media_types(http, media_type):
    headers = {} if media_type is None else {"Content-Type": media_type}
    assert_problem(await http.post(PATH, content=b"x", headers=headers), 415)


async def test_compressed_bodies(http):
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert_problem(await http.post(PATH, content=b"x", headers=headers), 415)


@pytest.mark.parametrize("way", range(1, 9))
async def test_turned_pictures_are_seen_upright(http, way):
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01" + struct.pack(">HH", way, 0) + bytes(4)
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    wide = np.full((192, 384, 3), 20, np.uint8)
    wide[36:60, 72:120] = 0, 0, 255
    data = cv2.imencode(".jpg", wide)[1].tobytes()
    answer = await http.post(PATH, json=body(data[:2] + segment + data[2:]))
    assert answer.status_code == 200
    width, height = (192, 384) if way > 4 else (384, 192)
    for one in answer.json()["objects"]:
        place = one["rectangle"]
        assert 0 <= place["left"] < place["left"] + place["width"] <= width
        assert 0 <= place["top"] < place["top"] + place["height"] <= height
        assert place["width"] * (1 if way <= 4 else 4) == pytest.approx(place["height"] * 2, rel=0.2)


class Gate:
    """Holds every decode until it opens."""

    def __init__(self, pool, monkeypatch) -> None:
        self.opened = threading.Event()
        self.entered = 0
        decode = pool.decode

        def gated(data: bytes):
            self.entered += 1
            assert self.opened.wait(20)
            return decode(data)

        monkeypatch.setattr(pool, "decode", gated)


async def until(condition) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  (what is waited for happens in other threads)
            await asyncio.sleep(0.001)


async def test_past_its_bound_it_says_when_to_come_back(http, monkeypatch):
    monkeypatch.setattr(http.pool, "_max_waiting", 5)
    gate = Gate(http.pool, monkeypatch)
    asked = [asyncio.create_task(http.post(PATH, json=body(PNG, number))) for number in range(20)]
    await until(lambda: sum(one.done() for one in asked) == 13)
    assert http.pool.waiting == 5
    assert (await http.get("/healthz")).status_code == 200  # the loop is free
    gate.opened.set()
    answers = await asyncio.gather(*asked)
    assert sorted(one.status_code for one in answers) == [200] * 7 + [503] * 13
    for number, one in enumerate(answers):
        if one.status_code == 503:
            assert_problem(one, 503)
            assert int(one.headers["retry-after"]) >= 1
        else:
            assert one.json()["id"] == number
    assert http.pool.load.refused == 13


async def test_who_hangs_up_leaves_the_queue(http, monkeypatch):
    gate = Gate(http.pool, monkeypatch)
    asked = [asyncio.create_task(http.post(PATH, json=body(PNG))) for _ in range(6)]
    await until(lambda: gate.entered == 2 and http.pool.waiting == 4)
    for one in asked[2:5]:
        one.cancel()
    await until(lambda: http.pool.waiting == 1)
    gate.opened.set()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [one.status_code for one in answers if isinstance(one, httpx.Response)] == [200] * 3
    assert gate.entered == 3


async def test_a_model_that_fails_is_answered_with_come_back(http, monkeypatch):
    def fail(_data: bytes) -> object:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(http.pool, "decode", fail)
        answer = await http.post(PATH, json=body(PNG))
        assert_problem(answer, 503, saying="could not look")
        assert int(answer.headers["retry-after"]) >= 1
    assert http.pool.load.failed == 1


async def test_bodies_under_way_are_bounded_together(model: Path, monkeypatch):
    settings = DetectorSettings(model=model, detector_threads=1, max_image_bytes=100_000, max_bodies_bytes=1)
    pool = load(settings)
    app = create_api(settings, pool).app
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=60) as client,
    ):
        gate = Gate(pool, monkeypatch)
        large = picture() + bytes(60_000)
        first = asyncio.create_task(client.post(PATH, json=body(large)))
        await until(lambda: gate.entered == 1)
        assert_problem(await client.post(PATH, json=body(large)), 503, saying="under way")
        gate.opened.set()
        assert (await first).status_code in (200, 422)
        assert (await client.post(PATH, json=body(large))).status_code in (200, 422)
