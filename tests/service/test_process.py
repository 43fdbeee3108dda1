"""The predecessor's own request, as its clients send it, and the files of tasks."""

import asyncio
import contextlib
import io
import json
import math
import zipfile
from urllib.parse import unquote

import cv2
import httpx
import numpy as np
import pytest

from services.task_manager.pipelines import files, process_routes, processing
from tests.service.picture_samples import png, turned_jpeg
from tests.service.running import Api, as_user, assert_problem

ACTIONS = {
    "operations": [["resize", "200x300"], ["split", True], ["blur", "gaussian"]],
    "output": "png",
}


def picture(number: int, height: int = 48, width: int = 64) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 256, (height, width, 3), np.uint8)
    return cv2.imencode(".png", pixels)[1].tobytes()


def direct(data: bytes) -> list[bytes]:
    """The example by OpenCV alone."""
    p = cv2.resize(
        cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), (200, 300), interpolation=cv2.INTER_AREA
    )
    quarters = (p[:150, :100], p[:150, 100:], p[150:, :100], p[150:, 100:])
    return [cv2.imencode(".png", cv2.GaussianBlur(one, (5, 5), 0))[1].tobytes() for one in quarters]


async def sent(api: Api, *files: tuple[str, bytes], actions=ACTIONS, field: str = "files", **more) -> httpx.Response:
    form = [("actions", (None, actions if isinstance(actions, str) else json.dumps(actions)))]
    return await api.http.post("/process", files=[*form, *((field, one) for one in files)], **more)


async def fetched(api: Api, shown: dict) -> dict[str, bytes]:
    found = {}
    for file in shown["files"]:
        answer = await api.http.get(file["url"])
        assert answer.status_code == 200, answer.text
        assert unquote(file["url"].rpartition("/")[2]) == file["filename"]
        found[file["filename"]] = answer.content
    return found


async def test_its_example_is_the_direct_chain_byte_for_byte(api: Api):
    files = [("dog.png", picture(1)), ("cat.png", picture(2, 51, 33))]
    answer = await sent(api, *files)
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert (shown["status"], shown["failed"], shown["rejected"], shown["more"]) == ("done", [], [], False)
    found = await fetched(api, shown)
    assert list(found.values()) == [*direct(files[0][1]), *direct(files[1][1])]
    assert [name.rpartition("-")[0] for name in found] == [f"{one}-1.{n}" for one in ("dog", "cat") for n in range(4)]
    archive = zipfile.ZipFile(io.BytesIO((await api.http.get(shown["zip"])).content))
    assert {name: archive.read(name) for name in archive.namelist()} == found
    again = await api.http.get(f"/process/{shown['task_id']}")
    assert again.json() == {name: value for name, value in shown.items() if name != "rejected"}


async def test_files_may_come_before_the_actions_and_in_a_zip(api: Api):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("folder/one.png", picture(1))
    form = [
        ("file", ("two.png", picture(2))),
        ("files", ("all.zip", packed.getvalue())),
        ("actions", (None, json.dumps(ACTIONS))),
        ("files", ("three.png", picture(3))),
    ]
    shown = (await api.http.post("/process", files=form)).json()
    assert list((await fetched(api, shown)).values()) == [*direct(picture(2)), *direct(picture(1)), *direct(picture(3))]
    assert api.temporary_files() == []


async def test_equal_names_stay_apart(api: Api):
    files = [("../../a b?.png", picture(n)) for n in range(5)]
    shown = (await sent(api, *files, actions={"operations": [["grayscale", True]], "output": "jpg"})).json()
    found = await fetched(api, shown)
    assert len(found) == len(set(found.values())) == 5
    assert all(name.startswith("a b_-") and name.endswith(".jpg") for name in found)


async def test_who_does_not_wait_asks_later(api: Api):
    async with api.platform.worker.places, api.platform.worker.places:  # all that it has
        answer = await sent(api, ("a.png", picture(1)), params={"wait": 0})
    assert answer.status_code == 202
    place = answer.headers["location"]
    assert place == f"/process/{answer.json()['task_id']}"
    await api.settled()
    later = await api.http.get(place)
    assert (later.status_code, later.json()["status"], len(later.json()["files"])) == (200, "done", 4)


async def test_the_same_request_under_a_key_is_the_same_task(api: Api):
    key = {"Idempotency-Key": "k-1"}
    files = [("a.png", picture(1)), ("no.txt", b"text"), ("b.png", turned_jpeg())]
    first, second = await asyncio.gather(sent(api, *files, headers=key), sent(api, *files, headers=key))
    assert {first.json()["task_id"]} == {second.json()["task_id"]}
    await api.settled()
    third = await sent(api, *files, headers=key)
    assert third.status_code == 200, third.text
    assert [one["filename"] for one in third.json()["rejected"]] == ["no.txt"]
    assert len(third.json()["files"]) == 8
    assert_problem(await sent(api, ("c.png", picture(3)), headers=key), 422, saying="Idempotency-Key")
    other = {"operations": [["split", True]], "output": "png"}
    assert_problem(await sent(api, *files, actions=other, headers=key), 422, saying="Idempotency-Key")
    assert len(await api.tasks()) == 1


@pytest.mark.parametrize(
    ("actions", "pointer"),
    [
        ({"operations": [["resize", "200x"]], "output": "jpg"}, "/actions/operations/0/1"),
        ({"operations": [["split", True], ["sharpen", True]]}, "/actions/operations/1/0"),
        ({"operations": [["split", True]] * 6}, "/actions/operations/5/1"),
        ({"operations": [["tile", "9x9"]]}, "/actions/operations/0/1"),
        ({"operations": [["split", True]], "output": "gif"}, "/actions/output"),
        ({"operations": []}, "/actions/operations"),
        ({"output": "png"}, "/actions/operations"),
        ({"operations": [["hide", {"labels": ["person"]}]]}, "/actions/operations/0/1/labels"),
        (f'{{"operations": [["split", true]]{" " * 33_000}}}', "/actions"),
    ],
)
async def test_wrong_actions_are_pointed_at_and_nothing_is_kept(api: Api, actions, pointer):
    assert_problem(await sent(api, ("a.png", picture(1)), actions=actions), 422, pointer=pointer)
    assert await api.tasks() == []
    assert [key async for key in api.platform.objects.keys("", stored_before=math.inf)] == []


async def test_wrong_forms_are_refused(api: Api):
    assert_problem(await api.http.post("/process", files={"files": ("a.png", png(1))}), 422, pointer="/actions")
    assert_problem(await sent(api, ("a.png", png(1)), actions="{"), 400, saying="not JSON")
    assert_problem(await api.http.post("/process", json=ACTIONS), 415, saying="multipart/form-data")
    assert_problem(await sent(api), 422, saying="no file")
    assert_problem(await sent(api, ("a.txt", b"text")), 422, saying="not a picture")
    assert_problem(await sent(api, ("a.png", png(1)), field="photos"), 422, saying="'files' or 'file'")
    assert api.temporary_files() == []


async def test_pictures_that_cannot_be_worked_on_are_named(api: Api):
    crop = {"operations": [["crop", {"left": 60, "top": 0, "width": 9, "height": 9}]], "output": "png"}
    shown = (await sent(api, ("small.png", png(1)), ("large.png", picture(1)), actions=crop)).json()
    assert shown["status"] == "done"
    assert [one["filename"].rpartition("-")[0] for one in shown["files"]] == ["large"]
    told = shown["failed"] + shown["rejected"]
    assert [one["filename"] for one in told] == ["small.png"]
    assert "no pixel" in told[0]["reason"]


async def test_a_file_has_its_place_until_it_is_sent(api: Api, monkeypatch):
    told, in_pieces, sending = [], process_routes.in_pieces, files.Files.sending

    async def watched(data):
        async for piece in in_pieces(data):
            yield piece
            told.append(len(piece))

    @contextlib.contextmanager
    def placed(self, holder):
        with sending(self, holder):
            told.append("taken")
            yield
            told.append("given back")

    monkeypatch.setattr(process_routes, "in_pieces", watched)
    monkeypatch.setattr(files.Files, "sending", placed)
    actions = {"operations": [["rotate", 90]], "output": "png"}
    shown = (await sent(api, ("a.png", picture(1, 200, 200)), actions=actions)).json()
    [data] = (await fetched(api, shown)).values()
    first, *pieces, last = told
    assert (first, last) == ("taken", "given back")
    assert (len(pieces), sum(pieces)) == (2, len(data))


async def test_a_request_that_breaks_off_leaves_no_task(api: Api):
    form = httpx.Request("POST", "http://x", files=[("actions", (None, json.dumps(ACTIONS))), ("files", ("a", b"x"))])
    broken = form.read().rpartition(b"--")[0][:-20]
    headers = {"Content-Type": form.headers["content-type"]}
    assert_problem(await api.http.post("/process", content=broken, headers=headers), 400)
    assert_problem(await sent(api, ("a.txt", b"text")), 422)
    assert [one["state"] for one in await api.tasks()] == ["cancelled"] * 2
    assert_problem(await sent(api, ("a.txt", b"text"), headers={"Idempotency-Key": "k-1"}), 422)
    assert sorted(one["state"] for one in await api.tasks()) == ["cancelled", "cancelled", "completed"]


async def test_a_long_answer_is_cut_and_says_so(api: Api, monkeypatch):
    monkeypatch.setattr(processing, "LISTED", 3)
    shown = (await sent(api, ("a.png", picture(1)))).json()
    assert (len(shown["files"]), shown["more"]) == (3, True)
    assert len(zipfile.ZipFile(io.BytesIO((await api.http.get(shown["zip"])).content)).namelist()) == 4


async def test_files_that_are_not_there(api: Api):
    shown = (await sent(api, ("a.png", picture(1)))).json()
    folder = f"/static/processed/{shown['task_id']}"
    name = shown["files"][0]["filename"]
    for wrong in (f"x{name}", name.replace(".png", ".jpg"), "nothing.png", f"a-1.0-{'0' * 12}.png", "a" * 3_000):
        assert_problem(await api.http.get(f"{folder}/{wrong}"), 404)
    assert_problem(await api.http.get(f"/static/processed/{'0' * 32}/{name}"), 404)
    assert_problem(await api.http.get(f"/process/{'0' * 32}"), 404)
    task_id, _ = await api.task_with(1)
    assert_problem(await api.http.get(f"/process/{task_id}"), 404, saying="asks people")


async def test_the_file_of_an_image_by_a_signed_url(api: Api):
    task_id, [image_id] = await api.task_with(1)
    answer = await api.http.get(f"/api/tasks/{task_id}/images/{image_id}/file", headers=as_user("ann"))
    assert answer.status_code == 307
    assert (await api.http.get(answer.headers["location"])).content == png(0)
    for wrong in ("0" * 32, "", image_id[:-1], f"{image_id[:-1]}g"):
        assert (await api.http.get(f"/api/tasks/{task_id}/images/{wrong}/file")).status_code == 404


async def test_after_it_was_cancelled_nothing_is_left(api: Api):
    shown = (await sent(api, ("a.png", picture(1)))).json()
    assert (await api.http.delete(f"/api/tasks/{shown['task_id']}")).status_code == 204
    assert_problem(await api.http.get(shown["files"][0]["url"]), 410)
    assert_problem(await api.http.get(f"/process/{shown['task_id']}"), 410)
    assert_problem(await api.http.get(shown["zip"]), 410)
