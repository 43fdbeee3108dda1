"""Files of labels taken in over HTTP: what operators see of them, what exports carry, and what every row is told."""

import asyncio
import io
import itertools
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from quorate.label_imports import EXTENSIONS
from services.subtask_manager.refusals import Early
from services.subtask_manager.tasks import open_subtask, remove_image, take_import
from services.task_manager.label_imports import READERS, rules
from services.task_manager.label_imports.rows import Row
from shared.errors import Unavailable
from shared.event_data import ImagePrelabeled, ImageRemoved, ImageToLabel
from shared.events import ImagePrelabeledV1, ImageReadyV2, ImageRemovedV1, envelope
from shared.results import Imported, Prelabel
from tests.service.export_samples import NASTY, PLAIN, download, exported_task
from tests.service.label_files import SUGGEST, sent, zipped
from tests.service.picture_samples import png
from tests.service.running import LABELS, Api
from tests.unit import house


async def imported(api: Api, task_id: str, form: str, content: bytes | str) -> tuple[list[dict], dict]:
    """The report, by rows, and its summary without what did not happen."""
    answer = await sent(api, task_id, form, content)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    *rows, last = [json.loads(line) for line in answer.text.splitlines()]
    summary = {name: count for name, count in last["summary"].items() if count}
    assert summary.pop("rows", 0) == len(rows) == sum(summary.values())
    await api.settled()
    return rows, summary


async def suggest_task(api: Api, names: list[str], **terms: object) -> tuple[str, dict[str, str]]:
    """An open task with an image of each name; returns its id, and theirs by name."""
    task_id = await api.task(**{"detector": SUGGEST} | terms)
    answer = await api.upload(task_id, *((name, api.picture()) for name in names))
    await api.settled()
    return task_id, {one["filename"]: one["image_id"] for one in answer.json()["images"]}


async def suggestions(api: Api, task_id: str, operator: str = "ann") -> dict[str, dict | None]:
    return {one["subtask_id"]: one["prelabel"] for one in await api.lease(operator, 50, task_id)}


async def test_a_table_becomes_suggestions_and_every_row_is_answered(api: Api):
    task_id, ids = await suggest_task(api, ["a.png", "b.png", "c.png", "d.png"])
    (image,) = [one for one in await api.results(task_id) if one["filename"] == "c.png"]
    table = (
        "filename,id,sha256,label,confidence\r\n"
        f"a.png,,,cat,0.75\r\n,{ids['b.png']},,Dog,\r\n,,{image['sha256']},bird,1\r\n"
        "d.png,,,horse,\r\nnowhere.png,,,cat,\r\na.png,,,dog,\r\nd.png,,,,\r\nd.png,,,cat,1.5\r\nd.png,cat\r\n"
    )
    rows, summary = await imported(api, task_id, "csv", table)
    assert [(one["row"], one["status"]) for one in rows] == [
        (2, "applied"),
        (3, "applied"),
        (4, "applied"),
        (5, "unknown_label"),
        (6, "unknown_image"),
        (7, "duplicate"),
        (8, "skipped"),
        (9, "malformed"),
        (10, "malformed"),
    ]
    assert summary["applied"] == 3
    assert [one["reason"] for one in rows[:3]] == [None] * 3
    assert all(one["reason"] for one in rows[3:])
    seen = await suggestions(api, task_id)
    assert (seen[ids["a.png"]]["label"], seen[ids["a.png"]]["confidence"]) == ("cat", 0.75)
    assert seen[ids["b.png"]]["label"] == "dog"
    assert seen[ids["a.png"]]["model"].startswith("import:")
    assert seen[ids["d.png"]] is None
    results = {one["filename"]: one for one in await api.results(task_id)}
    assert (results["a.png"]["imported"]["label"], results["d.png"]["imported"]) == ("cat", None)
    again, summary = await imported(api, task_id, "csv", table)
    assert [one["status"] for one in again[:3]] == ["unchanged"] * 3
    assert summary["unchanged"] == 3


async def test_what_has_ended_stays_and_a_later_file_replaces_an_earlier_one(api: Api):
    task_id, ids = await suggest_task(api, ["a.png", "b.png"], quorum={"votes_required": 1})
    await imported(api, task_id, "csv", "filename,label\na.png,cat\nb.png,cat\n")
    (lease,) = await api.lease("ann", 1, task_id)
    await api.vote("ann", lease["subtask_id"], "dog", lease["token"])
    await api.settled()
    rows, summary = await imported(api, task_id, "csv", "filename,label\na.png,bird\nb.png,bird\n")
    assert summary == {"applied": 1, "ended": 1}
    (ended,) = [one["image_id"] for one in rows if one["status"] == "ended"]
    assert ended == lease["subtask_id"]
    (other,) = [one for one in ids.values() if one != ended]
    assert (await suggestions(api, task_id, "bob"))[other]["label"] == "bird"
    results = {one["image_id"]: one for one in await api.results(task_id)}
    assert (results[ended]["label"], results[ended]["imported"]["label"]) == ("dog", "cat")


async def test_names_that_are_not_unique_are_told_apart_by_their_folders_or_not_at_all(api: Api):
    task_id = await api.task(detector=SUGGEST)
    files = ["x/1.png", "y/1.png", "Deep/2.PNG", "3.png", "3.png"]
    archives = []
    for name in files:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr(name, api.picture())
        archives.append((f"{len(archives)}.zip", out.getvalue()))
    assert (await api.upload(task_id, *archives)).json()["accepted"] == 5
    table = "filename,label\n1.png,cat\nsome/y/1.png,dog\n2.png,cat\n3.png,cat\n"
    rows, _ = await imported(api, task_id, "csv", table)
    assert [one["status"] for one in rows] == ["ambiguous_name", "applied", "applied", "ambiguous_name"]
    results = {one["image_id"]: one["filename"] for one in await api.results(task_id)}
    assert results[rows[1]["image_id"]] == "y/1.png"


async def test_lines_of_json_with_objects(api: Api):
    task_id, ids = await suggest_task(api, ["a.png", "b.png", "c.png"])
    image = (await api.results(task_id))[0]
    width, height = image["width"], image["height"]
    place = {"left": -5, "top": 0, "width": 5 + width // 2, "height": height}
    outside = {"left": width + 1, "top": 0, "width": 5, "height": 5}
    lines = [
        {"filename": "a.png", "objects": [{"label": "dog", "confidence": 0.5, "rectangle": place}]},
        {"filename": "b.png", "objects": []},
        {"filename": "c.png", "objects": [{"label": "dog", "rectangle": outside}]},
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines) + "[]\n{\n" + '{"filename":"c.png","label":NaN}\n'
    rows, summary = await imported(api, task_id, "jsonl", text)
    assert summary == {"applied": 2, "malformed": 4}
    assert rows[0]["notes"] == ["1 object reached beyond the picture: clipped"]
    seen = await suggestions(api, task_id)
    inside = {"left": 0, "top": 0, "width": width // 2, "height": height}
    assert seen[ids["a.png"]]["objects"] == [{"label": "dog", "confidence": 0.5, "rectangle": inside}]
    assert (seen[ids["b.png"]]["label"], seen[ids["b.png"]]["objects"]) == (None, [])


def coco(images: list[dict], annotations: list[dict], names: dict[object, str]) -> str:
    categories = [{"id": number, "name": name, "supercategory": ""} for number, name in names.items()]
    return json.dumps({"annotations": annotations, "images": images, "info": {"a": ["]"]}, "categories": categories})


async def test_coco_whose_ids_have_gaps(api: Api):
    task_id, ids = await suggest_task(api, ["a.png", "b.png", "c.png"])
    size = {"width": (one := (await api.results(task_id))[0])["width"], "height": one["height"]}
    twice = {name: 2 * side for name, side in size.items()}
    turned = {"width": size["height"] * 3, "height": size["width"]}
    images = [
        {"id": 0, "file_name": "train/a.png", **size},
        {"id": 77, "file_name": "b.png", **twice},
        {"id": "x", "file_name": "c.png", **turned},
    ]
    annotations = [
        {"id": 5, "image_id": 77, "category_id": 90, "bbox": [0, 0, 8.4, 7.6], "score": 0.25, "segmentation": []},
        {"id": 6, "image_id": 0, "category_id": 0, "bbox": [1, 1, 2, 2]},
        {"id": 7, "image_id": 0, "category_id": 3, "bbox": [1, 1, 2, 2]},
        {"id": 8, "image_id": 1, "category_id": 0, "bbox": [1, 1, 2, 2]},
        {"id": 9, "image_id": "x", "category_id": 0, "bbox": [1, 1, 2, 2]},
    ]
    rows, _ = await imported(api, task_id, "coco", coco(images, annotations, {0: "cat", 3: "tree", 90: "DOG"}))
    assert [one["status"] for one in rows] == ["applied", "applied", "malformed", "malformed"]
    assert rows[0]["notes"] == ["the task has no label 'tree'"]
    assert rows[3]["name"] == "annotation 4"
    seen = await suggestions(api, task_id)
    assert seen[ids["a.png"]]["label"] == "cat"
    assert seen[ids["b.png"]]["objects"] == [
        {"label": "dog", "confidence": 0.25, "rectangle": {"left": 0, "top": 0, "width": 4, "height": 4}}
    ]


NAME_FILES = [
    {"data.yaml": "nc: 3\nnames: [cat, 'dog', no]\n"},
    {"x/data.yaml": "names:\n  0: cat\n  2: no\n  1: dog\n"},
    {"classes.txt": "cat\r\ndog\r\nno\r\n"},
    {"obj.names": "cat\ndog\nno"},
]


async def test_yolo(api: Api):
    labels = ["no", "cat", "dog"]
    task_id, ids = await suggest_task(api, ["a.png", "b.jpg.png", "c.png", "d.png"], labels=labels)
    image = (await api.results(task_id))[0]
    files = {
        "labels/train/a.txt": "1 0.5 0.5 1.0004 1.0\n\n0 0.25 0.25 0.5 0.5 0.875\n",
        "labels/train/b.jpg.txt": "",
        "labels/val/c.txt": "2 0 0 1 0 1 1 0 1\n",
        "labels/val/d.txt": "3 0.5 0.5 1 1\n",
        "labels/val/e.txt": "0 0.5 0.5 1 1\n",
        "images/train/a.png": png(1),
        "README.txt": "hello",
    }
    for names in NAME_FILES:
        rows, _ = await imported(api, task_id, "yolo", zipped(files | names))
        assert [one["status"] for one in rows] == ["applied", "applied", "applied", "malformed", "unknown_image"]
        assert "3" in rows[3]["reason"]
    seen = await suggestions(api, task_id)
    whole = {"left": 0, "top": 0, "width": image["width"], "height": image["height"]}
    assert [one["label"] for one in seen[ids["a.png"]]["objects"]] == ["dog", "cat"]
    assert seen[ids["a.png"]]["objects"][0]["rectangle"] == whole
    assert seen[ids["b.jpg.png"]]["objects"] == []
    assert seen[ids["c.png"]]["objects"] == [{"label": "no", "confidence": 1.0, "rectangle": whole}]


async def test_an_imagefolder_by_the_bytes_of_its_pictures_or_their_names(api: Api):
    task_id = await api.task(detector=SUGGEST)
    pictures = [api.picture() for _ in range(3)]
    answer = await api.upload(task_id, *((f"{n}.png", one) for n, one in enumerate(pictures)))
    ids = [one["image_id"] for one in answer.json()["images"]]
    files = {
        "set/train/cat/other-name.png": pictures[0],
        "set/train/dog/1.png": png(900),
        f"set/train/bird/{ids[2]}.jpg": png(901),
        "set/train/fish/9.png": png(902),
        "loose.png": png(903),
        "notes.md": "hello",
        "__MACOSX/cat/x.png": "",
    }
    rows, _ = await imported(api, task_id, "imagefolder", zipped(files))
    statuses = [one["status"] for one in rows]
    assert statuses == ["applied", "applied", "applied", "unknown_image", "malformed", "skipped"]
    seen = await suggestions(api, task_id)
    assert [seen[one]["label"] for one in ids] == ["cat", "dog", "bird"]


async def test_an_error_that_nobody_expected_in_the_rule_of_one_row_concerns_no_other(api: Api, monkeypatch, caplog):
    task_id, ids = await suggest_task(api, ["a.png", "b.png"])
    taking = rules.taking

    def failing(row: Row, **of: Any):
        if row.label == "bird":
            raise ArithmeticError
        return taking(row, **of)

    monkeypatch.setattr(rules, "taking", failing)
    rows, _ = await imported(api, task_id, "csv", "filename,label\na.png,bird\nb.png,cat\n")
    assert [(one["status"], one["image_id"]) for one in rows] == [
        ("malformed", ids["a.png"]),
        ("applied", ids["b.png"]),
    ]
    assert "ArithmeticError" in caplog.text


async def test_an_import_while_people_vote_takes_no_vote_away(api: Api):
    names = [f"{n}.png" for n in range(30)]
    task_id, _ = await suggest_task(api, names, quorum={"votes_required": 1})
    leases = await api.lease("ann", 30, task_id)
    table = "filename,label\n" + "".join(f"{name},cat\n" for name in names)
    votes = (api.vote("ann", one["subtask_id"], "dog", one["token"]) for one in leases)
    *answers, (_, summary) = await asyncio.gather(*votes, imported(api, task_id, "csv", table))
    assert [answer.status_code for answer in answers] == [200] * 30
    assert sum(summary.values()) == 30
    await api.settled()
    assert [one["label"] for one in await api.results(task_id)] == ["dog"] * 30
    assert LABELS[0] == "cat"


@pytest.mark.parametrize("labels", [PLAIN, NASTY], ids=["plain", "nasty"])
async def test_what_is_exported_comes_back_in_another_task(api: Api, labels: list[str]):
    first = await exported_task(api, labels, images=40, boxes=100)
    rows = {
        one["stored_sha256"]: one
        for line in (await download(api, first, "jsonl")).splitlines()
        if (one := json.loads(line))["state"] == "completed"
    }
    folder = zipfile.ZipFile(io.BytesIO(await download(api, first, "imagefolder")))
    pictures = [(name.rpartition("/")[2], folder.read(name)) for name in folder.namelist() if name.endswith(".png")]
    second = await api.task(labels=labels, detector=SUGGEST)
    assert (await api.upload(second, *pictures)).json()["accepted"] == len(rows) == len(pictures)
    for form, images in (("csv", None), ("jsonl", None), ("imagefolder", None), ("coco", "true"), ("yolo", "false")):
        content = await download(api, first, form, **({} if images is None else {"images": images}))
        _, summary = await imported(api, second, form, content)
        assert summary.pop("skipped", 0) + summary.pop("unknown_image", 0) == (form in ("csv", "jsonl")) * (
            len((await download(api, first, "jsonl")).splitlines()) - len(rows)
        )
        assert summary == {"applied": len(rows)}, form
        for one in await api.results(second):
            exported = rows[one["stored_sha256"]]
            if form != "yolo":
                assert one["imported"]["label"] == exported["label"], form
            if form in ("coco", "yolo"):
                assert places(one["imported"], one) == places(exported["prelabel"], exported), form


def places(prelabel: dict | None, one: dict) -> list[tuple]:
    """The objects of an image, clipped, in an order of their own."""
    found = set()
    for seen in prelabel["objects"] if prelabel else ():
        place = seen["rectangle"]
        left, top = max(0, place["left"]), max(0, place["top"])
        right = min(one["width"], place["left"] + place["width"])
        bottom = min(one["height"], place["top"] + place["height"])
        if left < right and top < bottom:
            found.add((seen["label"], left, top, right, bottom))
    return sorted(found)


async def test_every_snippet_of_the_page_writes_what_is_taken(api: Api, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = (house.ROOT / "docs/imports.md").read_text(encoding="utf-8")
    found = re.findall(
        r"`quorate import-labels TASK (\S+)(?: --format (\w+))?`\n\n```python\n(.*?)```", page, re.DOTALL
    )
    assert len(found) == page.count("```python") == len(READERS)
    task_id = await api.task(labels=["cat", "dog"], detector=SUGGEST)
    for number, name in enumerate(("a.jpg", "b.jpg")):
        (tmp_path / name).write_bytes(cv2.imencode(".jpg", np.full((80, 60, 3), 99 * number, np.uint8))[1].tobytes())
    await api.upload(task_id, *((name, (tmp_path / name).read_bytes()) for name in ("a.jpg", "b.jpg")))
    for name, form, code in found:
        exec(compile(code, name, "exec"), {})
        named = form or EXTENSIONS[Path(name).suffix]
        _, summary = await imported(api, task_id, named, (tmp_path / name).read_bytes())
        assert summary == {"applied": 2}, name
        results = {one["filename"]: one["imported"]["label"] for one in await api.results(task_id)}
        assert results == {"a.jpg": "cat", "b.jpg": "dog"}, name


async def test_an_import_that_broke_off_goes_on_when_it_is_sent_again(api: Api, monkeypatch):
    names = [f"{n}.png" for n in range(100)]
    task_id, _ = await suggest_task(api, names)
    table = "filename,label\n" + "".join(f"{name},cat\n" for name in names)
    change, calls = api.platform.task_store.change_image, itertools.count()

    async def failing(*args):
        if next(calls) >= 80:
            raise Unavailable("the database is away")
        return await change(*args)

    monkeypatch.setattr(api.platform.task_store, "change_image", failing)
    with pytest.raises(RuntimeError, match="response already started"):  # a server breaks the connection off then
        await sent(api, task_id, "csv", table)
    monkeypatch.undo()
    _, summary = await imported(api, task_id, "csv", table)
    assert (summary["unchanged"], summary["applied"]) == (80, 20)
    assert not list(api.platform.tasks.spool.glob("*"))


async def test_an_import_that_is_heard_before_its_image_opens_it(api: Api):
    task_id, image_id = await api.task(detector=SUGGEST), "ab" * 16
    await api.settled()

    def heard(of_task: str, subject: str) -> ImagePrelabeledV1:
        said = Imported(prelabel=Prelabel(model="import:1", label="cat", confidence=0.5), revision=1)
        key = f"{of_task}/{subject}-000000000000.png"
        about = {"task_id": of_task, "image_id": subject, "object_key": key, "media_type": "image/png"}
        data = ImagePrelabeled(**about, width=4, height=4, imported=said)
        return ImagePrelabeledV1(**envelope(event_id="e", source="tests", subject=subject, at=1.0), data=data)

    for _ in range(2):
        await take_import(api.platform.subtasks, heard(task_id, image_id))
    subtask, _ = await api.platform.subtasks.store.find(image_id)
    assert (subtask.state, subtask.imported and subtask.imported.prelabel.label) == ("open", "cat")
    with pytest.raises(Early):
        await take_import(api.platform.subtasks, heard("11" * 16, "cd" * 16))


@pytest.mark.parametrize("first", [take_import, open_subtask])
async def test_an_image_that_is_stored_anew_waits_for_the_removal_of_the_earlier_one(api: Api, first):
    task_id, image_id = await api.task(detector=SUGGEST), "ab" * 16
    await api.settled()
    here = api.platform.subtasks

    def told(kind, data_kind, nonce: str, time: float, **more: object):
        about = {"task_id": task_id, "image_id": image_id, "object_key": f"{task_id}/{image_id}-{nonce}-0.png", **more}
        return kind(**envelope(event_id="e", source="tests", subject=image_id, at=time), data=data_kind(**about))

    picture = {"media_type": "image/png", "width": 4, "height": 4}
    said = Imported(prelabel=Prelabel(model="import:1", label="cat", confidence=0.5), revision=1)
    old, new, began = "0" * 12, "1" * 12, here.clock()
    await open_subtask(here, told(ImageReadyV2, ImageToLabel, old, began, **picture))
    opened = here.clock()
    anew = {
        open_subtask: told(ImageReadyV2, ImageToLabel, new, opened, **picture),
        take_import: told(ImagePrelabeledV1, ImagePrelabeled, new, opened, imported=said, **picture),
    }
    for handle, event in anew.items():
        with pytest.raises(Early):
            await handle(here, event)
    await remove_image(here, told(ImageRemovedV1, ImageRemoved, old, opened, at=opened))
    for handle, event in sorted(anew.items(), key=lambda one: one[0] is not first):
        await handle(here, event)
    subtask, _ = await here.store.find(image_id)
    assert (subtask.object_key, subtask.imported) == (anew[first].data.object_key, said)
    await open_subtask(here, told(ImageReadyV2, ImageToLabel, old, began, **picture))
    await take_import(here, told(ImagePrelabeledV1, ImagePrelabeled, old, began, imported=said, **picture))
    assert (await here.store.find(image_id))[0] == subtask
