"""Pictures, good and bad, by every way in."""

import base64
from collections.abc import AsyncIterator

import cv2
import httpx
import numpy as np
import pytest
import pytest_asyncio

from tests.service import archive_samples as archive
from tests.service.picture_samples import BAD, GOOD, deep_png, png, turned_jpeg
from tests.service.running import Api, assert_problem, running
from tests.unit.test_pictures_samples import GPS_IFD, encoded, scene

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory, model) -> AsyncIterator[Api]:
    async with running(tmp_path_factory.mktemp("images"), model=model) as started:
        yield started


async def as_file(api: Api, name: str, data: bytes) -> httpx.Response:
    return await api.upload(await api.task(), (name, data))


async def as_json(api: Api, name: str, data: bytes) -> httpx.Response:
    body = {"id": name, "image": base64.b64encode(data).decode()}
    return await api.http.post(f"/api/tasks/{await api.task()}/images", json=body)


async def in_archive(api: Api, name: str, data: bytes) -> httpx.Response:
    return await api.upload(await api.task(), ("a.zip", archive.zipped((name, data))))


async def detected(api: Api, name: str, data: bytes) -> httpx.Response:
    body = {"id": name, "image": base64.b64encode(data).decode()}
    return await api.http.post("/api/object_detection", json=body)


WAYS = [as_file, as_json, in_archive]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("name", "data", "status", "reason"), BAD.values(), ids=BAD)
async def test_bad_pictures_are_rejected_with_the_reason(api: Api, way, name, data, status, reason):
    if way is in_archive and status == 413:
        reason = "entry is over the limit"
    assert_problem(await way(api, name, data), status, saying=reason)
    await api.unharmed()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD)
async def test_good_pictures_are_shown_upright_in_a_form_that_browsers_know(api: Api, way, data):
    answer = await way(api, "a.picture", data)
    assert answer.status_code == 200, answer.text
    await api.settled()
    tasks = await api.tasks()
    (image,) = await api.results(tasks[0]["id"])
    served = await api.http.get(image["image_url"])
    assert served.status_code == 200
    assert served.headers["content-type"] in {"image/jpeg", "image/png", "image/webp", "image/bmp"}
    assert served.headers["x-content-type-options"] == "nosniff"
    pixels = cv2.imdecode(np.frombuffer(served.content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert (pixels.shape[1], pixels.shape[0]) == (image["width"], image["height"])
    assert pixels.dtype == np.uint8
    await api.unharmed()


async def test_orientation_is_applied_and_the_place_is_not_served(api: Api):
    data = turned_jpeg()
    assert GPS_IFD in data
    report = (await as_file(api, "holiday.jpg", data)).json()["images"][0]
    (image,) = await api.results((await api.tasks())[0]["id"])
    assert (image["width"], image["height"]) == (9, 17)
    assert (image["sha256"], image["sha256"] == image["stored_sha256"]) == (report["sha256"], False)
    served = (await api.http.get(image["image_url"])).content
    assert GPS_IFD not in served
    assert b"Exif" not in served


@pytest.mark.parametrize(("name", "data", "status", "reason"), BAD.values(), ids=BAD)
async def test_the_detector_refuses_bad_pictures(api: Api, name, data, status, reason):
    assert_problem(await detected(api, name, data), status, saying="empty" if not data else reason)


@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD)
async def test_the_detector_looks_at_good_pictures(api: Api, data):
    answer = await detected(api, "a", data)
    assert answer.status_code == 200, answer.text
    assert answer.json()["id"] == "a"


@pytest.mark.parametrize("encode", [base64.encodebytes, lambda data: base64.encodebytes(data).replace(b"\n", b"\r\n")])
async def test_base64_in_lines_is_read(api: Api, encode):
    body = {"id": "a", "image": encode(GOOD["progressive"]).decode()}
    report = (await api.http.post(f"/api/tasks/{await api.task()}/images", json=body)).json()
    assert report["accepted"] == 1
    assert (await api.http.post("/api/object_detection", json=body)).status_code == 200


NOTED = {
    "no end marker": (encoded(scene(), "jpg")[:-2], "the end marker was missing and was added"),
    "a tail": (encoded(scene(), "bmp") + b"<script>", "8 bytes after the picture's end were left out"),
    "12 bits in 16": (deep_png(4095), "samples of 12 bits in 16 were stretched and became samples of 8 bits"),
    "turned": (turned_jpeg(), "the picture was turned upright"),
    "CMYK": (GOOD["CMYK"], "its inks (CMYK) became colours"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("data", "note"), NOTED.values(), ids=NOTED)
async def test_what_is_changed_on_the_way_in_is_said(api: Api, way, data, note):
    assert (await way(api, "a.picture", data)).json()["images"][0]["notes"] == [note]
    (image,) = await api.results((await api.tasks())[0]["id"])
    served = (await api.http.get(image["image_url"])).content
    assert b"<script>" not in served
    assert cv2.imdecode(np.frombuffer(served, np.uint8), cv2.IMREAD_GRAYSCALE).max() == 255 or "12" not in note


NOT_BASE64 = {
    "data URL": "data:image/png;base64," + base64.b64encode(png(1)).decode(),
    "DATA URL": "DATA:,x",
    "no base64": "!!!!",
    "bad padding": "abcde",
    "URL-safe": base64.urlsafe_b64encode(b"\xff\xfe\xfd" * 9).decode(),
    "tabs": "aGVs\tbG8=",
    "not ASCII": "aGVsbG8é",
    "blank": " ",
}


@pytest.mark.parametrize("path", ["/api/tasks/{}/images", "/api/object_detection"])
@pytest.mark.parametrize("text", NOT_BASE64.values(), ids=NOT_BASE64)
async def test_what_is_not_plain_base64(api: Api, path, text):
    url = path.format(await api.task())
    assert_problem(await api.http.post(url, json={"id": "a", "image": text}), 422, pointer="/image")
    await api.unharmed()


NOT_A_REQUEST = {
    "empty": (b"", 422),
    "truncated": (b'{"id": "a"', 400),
    "null": (b"null", 422),
    "array": (b"[]", 422),
    "deep": (b"[" * 10_000 + b"]" * 10_000, 400),
    "NaN": (b'{"id": NaN, "image": "aaaa"}', 400),
    "400 digits": (b'{"id": ' + b"9" * 400 + b', "image": "aaaa"}', 422),
    "no image": (b'{"id": "a"}', 422),
    "no id": (b'{"image": "aaaa"}', 422),
    "unknown field": (b'{"id": "a", "image": "aaaa", "owner": "me"}', 422),
    "object for the image": (b'{"id": "a", "image": {"$gt": ""}}', 422),
    "object for the id": (b'{"id": {"$gt": ""}, "image": "aaaa"}', 422),
    "true for the id": (b'{"id": true, "image": "aaaa"}', 422),
    "float for the id": (b'{"id": 1.5, "image": "aaaa"}', 422),
    "null for the id": (b'{"id": null, "image": "aaaa"}', 422),
    "a long id": (b'{"id": "' + b"i" * 1_001 + b'", "image": "aaaa"}', 422),
}


@pytest.mark.parametrize("path", ["/api/tasks/{}/images", "/api/object_detection"])
@pytest.mark.parametrize(("body", "status"), NOT_A_REQUEST.values(), ids=NOT_A_REQUEST)
async def test_bodies_that_are_no_picture(api: Api, path, body, status):
    url = path.format(await api.task())
    answer = await api.http.post(url, content=body, headers={"Content-Type": "application/json"})
    assert_problem(answer, status)
    await api.unharmed()


@pytest.mark.parametrize("path", ["/api/tasks/{}/images", "/api/object_detection"])
async def test_json_over_the_limit(api: Api, path):
    body = b'{"id": "a", "image": "' + b"a" * 27_000_000 + b'"}'
    url = path.format(await api.task())
    answer = await api.http.post(url, content=body, headers={"Content-Type": "application/json"})
    assert_problem(answer, 413)


async def test_the_same_bytes_are_one_image_in_a_task_and_another_in_the_next(api: Api):
    one, other = await api.task(), await api.task()
    reports = [
        (await api.upload(one, ("a.png", png(5)))).json()["images"][0],
        (await api.upload(one, ("b.png", png(5)))).json()["images"][0],
        (await api.upload(one, ("c.zip", archive.zipped(("d.png", png(5)))))).json()["images"][0],
        (
            await api.http.post(f"/api/tasks/{one}/upload", json={"id": 7, "image": base64.b64encode(png(5)).decode()})
        ).json()["images"][0],
        (await api.upload(other, ("a.png", png(5)))).json()["images"][0],
    ]
    assert [one["status"] for one in reports] == ["accepted", "duplicate", "duplicate", "duplicate", "accepted"]
    assert [one["filename"] for one in reports] == ["a.png", "b.png", "d.png", "7", "a.png"]
    assert len({one["image_id"] for one in reports[:4]}) == 1
    assert reports[4]["image_id"] != reports[0]["image_id"]
    assert len({one["sha256"] for one in reports}) == 1
    assert [image["filename"] for image in await api.results(one)] == ["a.png"]
    await api.unharmed()
