"""Exports in the formats of those who train: what loaders find in them, in which order, and what is refused."""

import asyncio
import csv
import hashlib
import importlib
import io
import json
import re
import threading
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from services.task_manager.exports import Exports, Wanted
from services.task_manager.refusals import Erased
from shared import export_formats
from shared.cells import cell
from shared.errors import NotFound
from tests.service.export_samples import NASTY, PLAIN, download, exported_task
from tests.service.running import Api, assert_problem, running

DATASETS = ["imagefolder", "parquet", "labelstudio", "coco", "yolo"]
ALL = ["jsonl", "csv", *DATASETS]


def opened(content: bytes) -> zipfile.ZipFile:
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert archive.testzip() is None
    for entry in archive.infolist():
        assert (entry.flag_bits, entry.compress_type, entry.date_time) == (0x800, 0, (1980, 1, 1, 0, 0, 0))
        assert entry.external_attr >> 16 == 0o100644
        assert ".." not in entry.filename.split("/")
    assert len({name.casefold() for name in archive.namelist()}) == len(archive.namelist())
    return archive


async def until(stream: AsyncIterator[bytes], error: type[Exception]) -> bytes:
    """What comes of a stream until it breaks off, which it has to."""
    pieces = bytearray()
    try:
        async for piece in stream:
            pieces += piece
    except error:
        return bytes(pieces)
    raise AssertionError("the stream ended well")


async def completed(api: Api, task_id: str) -> dict[str, dict]:
    """The completed images, in the order of their ids."""
    rows = [json.loads(line) for line in (await download(api, task_id, "jsonl")).splitlines()]
    return {row["image_id"]: row for row in rows if row["state"] == "completed"}


@pytest.mark.parametrize("with_images", [False, True])
@pytest.mark.parametrize("labels", [PLAIN, NASTY])
async def test_coco(api: Api, labels, with_images):
    task_id = await exported_task(api, labels, images=40, boxes=100)
    content = await download(api, task_id, "coco", images=str(with_images).lower())
    if with_images:
        archive = opened(content)
        content = archive.read("annotations/instances.json")
    document = json.loads(content)
    rows = await completed(api, task_id)
    assert [one["name"] for one in document["categories"]] == labels
    for kind in ("categories", "images", "annotations"):
        assert [one["id"] for one in document[kind]] == list(range(1, len(document[kind]) + 1))
    assert [one["quorate"]["image_id"] for one in document["images"]] == list(rows)
    assert [one["file_name"] for one in document["images"]] == [f"{image_id}.png" for image_id in rows]
    assert len(document["annotations"]) == 100
    for one in document["annotations"]:
        left, top, width, height = one["bbox"]
        image = document["images"][one["image_id"] - 1]
        assert min(left, top) >= 0
        assert (left + width <= image["width"], top + height <= image["height"]) == (True, True)
        assert (one["area"], one["iscrowd"], one["segmentation"]) == (width * height, 0, [])
        assert one["quorate"]["source"] == "prediction"
    if with_images:
        for image in document["images"]:
            stored = archive.read(f"images/{image['file_name']}")
            assert hashlib.sha256(stored).hexdigest() == rows[image["quorate"]["image_id"]]["stored_sha256"]


@pytest.mark.parametrize("labels", [PLAIN, NASTY])
async def test_yolo(api: Api, labels):
    task_id = await exported_task(api, labels, images=40, boxes=100)
    archive = opened(await download(api, task_id, "yolo", images="true", split="0.7"))
    data = yaml.safe_load(archive.read("data.yaml"))
    assert data == {
        "train": "images/train",
        "val": "images/val",
        "nc": len(labels),
        "names": dict(enumerate(labels)),
    }
    rows = await completed(api, task_id)
    pictures = {name for name in archive.namelist() if name.startswith("images/")}
    texts = {f"{name.replace('images/', 'labels/').rpartition('.')[0]}.txt" for name in pictures}
    assert {Path(name).stem for name in pictures} == set(rows)
    assert texts == {name for name in archive.namelist() if name.startswith("labels/")}
    lines = [line for name in texts for line in archive.read(name).decode().splitlines()]
    assert len(lines) == 100
    for line in lines:
        number, *numbers = line.split(" ")
        assert int(number) in range(len(labels))
        x, y, width, height = map(float, numbers)
        assert all(0 <= share <= 1 for share in (x - width / 2, x + width / 2, y - height / 2, y + height / 2))
        assert min(width, height) > 0
    parts = [name.split("/")[1] for name in pictures]
    assert 20 < parts.count("train") < 36


@pytest.mark.parametrize("labels", [PLAIN, NASTY])
async def test_imagefolder(api: Api, labels):
    task_id = await exported_task(api, labels, images=60)
    archive = opened(await download(api, task_id, "imagefolder"))
    rows = await completed(api, task_id)
    classes = list(csv.DictReader(io.StringIO(archive.read("classes.csv").decode(), newline="")))
    assert [row["label"].removeprefix("'") for row in classes] == [label.removeprefix("'") for label in labels]
    folder_of = {label: row["folder"] for label, row in zip(labels, classes, strict=True)}
    if labels == PLAIN:
        assert folder_of == {label: label for label in PLAIN}
    for folder in folder_of.values():
        assert re.fullmatch(r'[^/\\:*?"<>|\x00-\x1f]{1,100}', folder)
        assert folder[0] not in ". "
        assert not folder.startswith("__")
        assert cell(folder) == folder
        assert folder[-1] not in ". "
    metadata = [json.loads(line) for line in archive.read("train/metadata.jsonl").splitlines()]
    assert [one["image_id"] for one in metadata] == list(rows)
    for one in metadata:
        assert one["file_name"] == f"{folder_of[one['label']]}/{one['image_id']}.png"
        stored = archive.read(f"train/{one['file_name']}")
        assert hashlib.sha256(stored).hexdigest() == rows[one["image_id"]]["stored_sha256"]


async def test_labelstudio(api: Api):
    task_id = await exported_task(api, NASTY, images=40, boxes=100)
    tasks = json.loads(await download(api, task_id, "labelstudio"))
    rows = await completed(api, task_id)
    assert [task["data"]["image_id"] for task in tasks] == list(rows)
    of_people = [p for task in tasks for p in task["predictions"] if p["model_version"] == "quorate"]
    assert [p["result"][0]["value"]["choices"] for p in of_people] == [[row["label"]] for row in rows.values()]
    found = [r for task in tasks for p in task["predictions"] for r in p["result"] if r["type"] == "rectanglelabels"]
    assert len(found) == 100
    for one in found:
        value = one["value"]
        assert {"rotation", "x", "y", "width", "height", "rectanglelabels"} == set(value)
        assert value["x"] + value["width"] <= 100.000001
    archive = opened(await download(api, task_id, "labelstudio", images="true"))
    assert json.loads(archive.read("tasks.json")) == tasks
    assert archive.namelist()[-2:] == ["quorate.json", "votes.jsonl"]


@pytest.mark.parametrize("form", ["imagefolder", "yolo", "coco"])
async def test_an_archive_says_where_it_comes_from(api: Api, form):
    task_id = await exported_task(api, PLAIN, images=5, boxes=9)
    archive = opened(await download(api, task_id, form, images="true"))
    assert archive.namelist()[-2:] == ["quorate.json", "votes.jsonl"]
    said = json.loads(archive.read("quorate.json"))
    assert (said["task_id"], said["labels"], said["images"]) == (task_id, PLAIN, {"completed": 5})
    votes = [json.loads(line) for line in archive.read("votes.jsonl").splitlines()]
    assert votes == list((await completed(api, task_id)).values())


@pytest.mark.parametrize("form", ALL)
async def test_a_task_at_rest_gives_the_same_bytes_on_any_replica(api: Api, tmp_path, form):
    task_id = await exported_task(api, NASTY, images=30, boxes=50)
    query = {} if form in ("jsonl", "csv") else {"images": "true"}
    first = await download(api, task_id, form, **query)
    assert first == await download(api, task_id, form, **query)
    api.clock.ahead_s += 10_000
    tasks = api.platform.tasks
    spool = tmp_path / "spool"
    spool.mkdir()
    other = Exports(tasks.store, tasks.objects, spool)
    wanted = Wanted(form=form, images=True if query else None)
    assert first == b"".join([piece async for piece in other.file(await tasks.store.task(task_id), wanted)])
    assert list(spool.iterdir()) == []


@pytest.mark.parametrize("form", ALL)
async def test_nothing_to_export_is_a_whole_file(api: Api, form):
    task_id = await api.task(detector={"mode": "suggest"})
    content = await download(api, task_id, form)
    assert form == "jsonl" or content


@pytest.mark.parametrize("form", DATASETS)
async def test_only_wanted_states(api: Api, form):
    task_id = await exported_task(api, PLAIN, images=5, boxes=9, open_images=2, disputed=3)
    url = f"/api/tasks/{task_id}/export"
    if form == "imagefolder":
        answer = await api.http.get(url, params={"format": form, "state": "disputed"})
        assert_problem(answer, 422, pointer="state")
    elif form == "coco":
        document = json.loads(await download(api, task_id, form, state="disputed"))
        assert (len(document["images"]), document["annotations"]) == (3, [])
    for rows, count in (({}, 10), ({"state": "open"}, 2), ({"state": "completed"}, 5)):
        assert len((await download(api, task_id, "jsonl", **rows)).splitlines()) == count


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"format": "coco", "order": "name"}, "order"),
        ({"format": "jsonl", "images": "true"}, "images"),
        ({"format": "csv", "split": "0.5"}, "split"),
        ({"format": "imagefolder", "images": "false"}, "images"),
        ({"format": "yolo", "split": "0"}, "split"),
        ({"format": "voc"}, "format"),
    ],
)
async def test_what_no_export_can_be(api: Api, query, pointer):
    task_id = await api.task(detector={"mode": "suggest"})
    assert_problem(await api.http.get(f"/api/tasks/{task_id}/export", params=query), 422, pointer=pointer)


@pytest.mark.parametrize("form", ["coco", "yolo"])
async def test_a_task_without_a_detector_has_no_boxes(api: Api, form):
    task_id = await api.task(detector={"mode": "off"})
    answer = await api.http.get(f"/api/tasks/{task_id}/export", params={"format": form})
    assert_problem(answer, 422, pointer="format", saying="imagefolder")


@pytest.mark.parametrize("form", DATASETS)
async def test_a_stream_that_breaks_off_is_no_whole_file(api: Api, tmp_path, form):
    """The task is erased, or a picture is gone, while its file is written."""
    task_id = await exported_task(api, PLAIN, images=12, boxes=20)
    tasks = api.platform.tasks
    task = await tasks.store.task(task_id)
    exports = Exports(tasks.store, tasks.objects, tmp_path)
    [image, *_] = await tasks.store.images(task_id, state="completed", label=None, after="", limit=1)
    await tasks.objects.delete([image.object_key])
    content = await until(exports.file(task, Wanted(form=form, images=True)), NotFound)
    if form != "imagefolder":
        stream = exports.file(task, Wanted(form=form, images=False))
        first = await anext(stream)
        await api.http.delete(f"/api/tasks/{task_id}")
        content = first + await until(stream, Erased)
    if form in ("coco", "labelstudio"):
        with pytest.raises(ValueError, match="Expecting"):
            json.loads(content or b"[")
    elif form == "parquet":
        assert not content.endswith(b"PAR1") or len(content) == 4
    else:
        with pytest.raises(zipfile.BadZipFile):
            zipfile.ZipFile(io.BytesIO(content))


@pytest.mark.parametrize("with_images", [False, True])
@pytest.mark.parametrize("form", ["coco", "labelstudio"])
async def test_an_image_that_completes_meanwhile_is_in_all_of_the_file_or_in_none(
    api: Api, tmp_path, monkeypatch, form, with_images
):
    task_id = await exported_task(api, PLAIN, images=5, boxes=9)
    tasks = api.platform.tasks
    late = list(await completed(api, task_id))[-1]
    walks = 0
    images_of = tasks.store.images

    async def images(*args, after, **kwargs):
        nonlocal walks
        walks += after == ""
        found = await images_of(*args, after=after, **kwargs)
        return [one for one in found if walks > 1 or one.id != late]

    monkeypatch.setattr(tasks.store, "images", images)
    exports = Exports(tasks.store, tasks.objects, tmp_path)
    stream = exports.file(await tasks.store.task(task_id), Wanted(form=form, images=with_images))
    content = b"".join([piece async for piece in stream])
    pictures = None
    if with_images:
        archive = opened(content)
        pictures = {Path(name).stem for name in archive.namelist() if name.startswith("images/")}
        content = archive.read("annotations/instances.json" if form == "coco" else "tasks.json")
    document = json.loads(content)
    told = document if form == "labelstudio" else [one["quorate"] for one in document["images"]]
    assert len(told) == 4
    assert pictures in (None, {one.get("data", one)["image_id"] for one in told})
    if form == "coco":
        assert {one["image_id"] for one in document["annotations"]} <= {one["id"] for one in document["images"]}


async def test_so_many_exports_at_a_time(api: Api, monkeypatch):
    """Of four places one caller gets two, and a place is free again however its export ends. Rows need none."""
    task_id = await exported_task(api, PLAIN, images=3)
    objects = api.platform.tasks.objects
    begun, go_on = asyncio.Semaphore(0), asyncio.Event()
    read = objects.get

    async def get(*args, **kwargs):
        begun.release()
        await go_on.wait()
        return await read(*args, **kwargs)

    monkeypatch.setattr(objects, "get", get)
    waiting = [asyncio.create_task(download(api, task_id, "imagefolder")) for _ in range(2)]
    for _ in range(2 * 3):
        await begun.acquire()
    url = f"/api/tasks/{task_id}/export"
    refused = await api.http.get(url, params={"format": "parquet"})
    assert_problem(refused, 503, saying="too many exports")
    assert refused.headers["Retry-After"] == "10"
    assert "Content-Disposition" not in refused.headers
    await download(api, task_id, "jsonl")
    waiting[0].cancel()
    await asyncio.gather(waiting[0], return_exceptions=True)
    await download(api, task_id, "parquet")
    go_on.set()
    assert opened(await waiting[1])
    for _ in range(5):
        await download(api, task_id, "yolo", images="true")


async def test_parquet_is_begun_in_a_thread(api: Api, monkeypatch):
    """The first import of its library takes seconds, in which the event loop would stand still."""
    begun_in = []
    parquet = importlib.import_module("services.task_manager.exports.parquet")
    table = parquet._Table

    def noted(*args, **kwargs):
        begun_in.append(threading.current_thread())
        return table(*args, **kwargs)

    monkeypatch.setattr(parquet, "_Table", noted)
    await download(api, await api.task(), "parquet")
    assert [thread is threading.main_thread() for thread in begun_in] == [False]


async def test_parquet_needs_its_library(tmp_path, monkeypatch):
    async with running(tmp_path / "data") as api:
        task_id = await api.task()
        monkeypatch.setattr(export_formats, "here", lambda: ("jsonl",))
        monkeypatch.setattr("services.task_manager.exports.here", lambda: ("jsonl",))
        assert (await api.http.get("/api/me")).json()["exports"] == ["jsonl"]
        answer = await api.http.get(f"/api/tasks/{task_id}/export", params={"format": "parquet"})
        assert_problem(answer, 422, pointer="format", saying="quorate[parquet]")
