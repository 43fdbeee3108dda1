"""What pipelines can do, and what one would make of a sample, through HTTP."""

import asyncio
import base64
import json
import threading

import cv2
import numpy as np
import pytest
import pytest_asyncio

from services.worker import preview as previews
from services.worker.preview import Previews
from services.worker.threads import PictureThreads
from shared.errors import Invalid, Unavailable
from shared.pictures import DecodingBudget, PictureLimits
from shared.pipelines import Operation
from shared.pipelines.arguments import argument_of
from shared.shares import Holder
from tests.service.running import Api, assert_problem, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

SAMPLE = {
    "size": "20x10",
    "integer": 0,
    "number": 1,
    "labels": ["person"],
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(tmp_path_factory):
    async with running(tmp_path_factory.mktemp("previews")) as started:
        yield started


def picture(height: int, width: int) -> bytes:
    pixels = np.random.default_rng(3).integers(0, 256, (height, width, 3), np.uint8)
    return cv2.imencode(".png", pixels)[1].tobytes()


async def previewed(api: Api, operations, image: bytes, field: str = "image"):
    form = {"operations": operations if isinstance(operations, str) else json.dumps(operations)}
    return await api.http.post("/api/pipelines/preview", data=form, files={field: ("sample.png", image)})


async def steps(api: Api, operations, image: bytes) -> list[dict]:
    answer = await previewed(api, operations, image)
    assert answer.status_code == 200, answer.text
    return answer.json()["steps"]


async def test_every_operation_has_a_form_that_its_argument_follows(api: Api):
    told = (await api.http.get("/api/pipelines/operations")).json()
    assert told["max_operations"] == 10
    assert [one["name"] for one in told["operations"]] == [
        "resize",
        "fit",
        "split",
        "tile",
        "crop",
        "rotate",
        "grayscale",
        "blur",
        "hide",
    ]
    for one in told["operations"]:
        values = {
            form["name"]: form["choices"][0] if form["choices"] else SAMPLE[form["kind"]] for form in one["arguments"]
        }
        argument = {"true": True, "value": next(iter(values.values()), None), "object": values}[one["form"]]
        argument_of(Operation(name=one["name"], argument=argument))
        for form in one["arguments"]:
            if one["form"] == "object" and form["default"] is None:
                with pytest.raises(Invalid):
                    argument_of(Operation(name=one["name"], argument={**values, form["name"]: None}))


async def test_each_step_shows_what_it_made(api: Api):
    found = await steps(api, [["resize", "640x400"], ["split", True], ["blur", "median"]], picture(500, 700))
    assert [one["count"] for one in found] == [1, 4, 4]
    assert [one["error"] for one in found] == [None] * 3
    assert [(image["width"], image["height"]) for image in found[1]["images"]] == [(320, 200)] * 4
    small = cv2.imdecode(np.frombuffer(base64.b64decode(found[0]["images"][0]["data"]), np.uint8), cv2.IMREAD_COLOR)
    assert small.shape == (200, 320, 3)


async def test_a_step_that_cannot_be_done_says_so_and_is_the_last(api: Api):
    crop = {"left": 50, "top": 0, "width": 5, "height": 5}
    found = await steps(api, [["grayscale", True], ["crop", crop], ["split", True]], picture(40, 50))
    assert [one["count"] for one in found] == [1, 0]
    assert "no pixel" in found[1]["error"]


async def test_many_pictures_are_counted_and_the_first_shown(api: Api):
    found = await steps(api, [["split", True]] * 5, picture(64, 64))
    assert [one["count"] for one in found] == [4, 16, 64, 256, 1_024]
    assert [len(one["images"]) for one in found] == [4, 16, 16, 16, 16]
    assert "1,024" in (await steps(api, [["split", True]] * 6, picture(64, 64)))[5]["error"]


async def test_hiding_is_told_and_passed_over(api: Api):
    found = await steps(api, [["hide", {"labels": ["person"]}], ["rotate", 90]], picture(30, 40))
    assert "a detector does" in found[0]["error"]
    assert [(one["images"][0]["width"], one["images"][0]["height"]) for one in found] == [(40, 30), (30, 40)]


async def test_what_takes_long_is_not_previewed(api: Api, monkeypatch):
    monkeypatch.setattr(previews, "MAX_WORKED_PIXELS", 40 * 50 * 3)
    found = await steps(api, [["blur", "gaussian"]] * 5, picture(40, 50))
    assert [one["error"] for one in found] == [None, None, None, previews.TOO_MUCH]


async def test_cutting_a_large_picture_up_costs_no_more_than_reading_it(api: Api, monkeypatch):
    monkeypatch.setattr(previews, "MAX_WORKED_PIXELS", 40 * 60 * 2)
    found = await steps(api, [["tile", {"size": "20x20", "overlap": 0}], ["split", True]], picture(40, 60))
    assert [(one["count"], one["error"]) for one in found] == [(6, None), (24, None)]


@pytest.mark.parametrize(
    ("operations", "pointer"),
    [
        ([], "/operations"),
        ([["split", True]] * 11, "/operations"),
        ({"split": True}, "/operations"),
        ([["split"]], "/operations/0"),
        ([["grayscale", True], ["sharpen", True]], "/operations/1/0"),
        ([[["split"], True]], "/operations/0/0"),
        ([["resize", "0x9"]], "/operations/0/1"),
        ([["tile", {"size": "9x9", "overlap": 5}]], "/operations/0/1/overlap"),
        (" " * 33_000, "/operations"),
    ],
)
async def test_wrong_operations_are_pointed_at(api: Api, operations, pointer):
    assert_problem(await previewed(api, operations, picture(4, 4)), 422, pointer=pointer)


async def test_wrong_forms_are_refused(api: Api):
    assert_problem(await previewed(api, "[[", picture(4, 4)), 400, saying="not JSON")
    assert_problem(await previewed(api, [["split", True]], picture(4, 4), field="photo"), 422, saying="one picture")
    assert_problem(await previewed(api, [["split", True]], b"no picture"), 422, saying="not a picture")
    answer = await api.http.post("/api/pipelines/preview", json={"operations": []})
    assert_problem(answer, 415, saying="multipart/form-data")


async def test_previews_wait_for_each_other_and_only_so_many(monkeypatch):
    gate = threading.Event()
    monkeypatch.setattr(previews, "preview", lambda *_: gate.wait(10) and [])
    threads = PictureThreads(1, "previews")
    waiting = Previews(threads, PictureLimits(), DecodingBudget(1))
    asked = [asyncio.create_task(waiting.preview(b"", [], Holder("here", "ann"))) for _ in range(20)]
    await asyncio.sleep(0)
    refused = [one for one in asked if one.done()]
    assert [type(one.exception()) for one in refused] == [Unavailable] * 12
    gate.set()
    assert await asyncio.gather(*(one for one in asked if one not in refused)) == [[]] * 8
    await threads.close()
