"""What is exported, loaded by the libraries that people use: in a process of their own, whose warnings are its own."""

import asyncio
import contextlib
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tests.service.export_samples import NASTY, PLAIN, download, exported_task
from tests.service.running import running
from tests.unit import house

IMAGES, BOXES = 128, 898
FILES = {
    "pets.parquet": ("parquet", True),
    "pets.zip": ("imagefolder", None),
    "pets.json": ("coco", None),
    "pets-coco.zip": ("coco", True),
    "pets-yolo.zip": ("yolo", True),
    "pets-tasks.json": ("labelstudio", None),
    "pets.csv": ("csv", None),
    "pets.jsonl": ("jsonl", None),
}
PARQUET = """
from datasets import load_dataset
data = load_dataset("parquet", data_files="pets.parquet", split="train")
label, category = data.features["label"], data.features["objects"]["category"]
category = getattr(category, "feature", category)
rows = [{
    "image_id": row["image_id"], "label": label.int2str(row["label"]), "size": row["image"].size,
    "bbox": row["objects"]["bbox"], "category": row["objects"]["category"],
} for row in data]
result = {"names": label.names, "categories": category.names, "rows": rows}
"""
FOLDER = """
import zipfile
from datasets import load_dataset
zipfile.ZipFile("pets.zip").extractall("folder")
for where in ({"data_dir": "folder"}, {"data_files": "pets.zip"}):
    data = load_dataset("imagefolder", **where)
    assert list(data) == ["train"], list(data)
    rows = [{"image_id": row["image_id"], "label": row["label"], "size": row["image"].size} for row in data["train"]]
    if "data_dir" in where:
        first = rows
    key = lambda row: row["image_id"]
    assert sorted(first, key=key) == sorted(rows, key=key)
result = {"rows": rows}
"""
COCO_SUPERVISION = """
import zipfile, supervision
zipfile.ZipFile("pets-coco.zip").extractall("coco")
data = supervision.DetectionDataset.from_coco("coco/images", "coco/annotations/instances.json")
rows = [[path.rpartition("/")[2], [[*map(float, box), int(one)] for box, one in zip(found.xyxy, found.class_id)]]
        for path, _, found in data]
result = {"names": data.classes, "rows": rows}
"""
YOLO_SUPERVISION = """
import zipfile, supervision
zipfile.ZipFile("pets-yolo.zip").extractall("yolo")
data = supervision.DetectionDataset.from_yolo("yolo/images/train", "yolo/labels/train", "yolo/data.yaml")
rows = [[path.rpartition("/")[2], [[*map(float, box), int(one)] for box, one in zip(found.xyxy, found.class_id)]]
        for path, _, found in data]
result = {"names": data.classes, "rows": rows}
"""


@pytest.fixture(scope="module", params=["plain", "nasty"])
def folder(request, tmp_path_factory) -> tuple[Path, list[str], list[dict]]:
    """A folder with one task in all formats; its labels, and its completed rows."""
    labels = PLAIN if request.param == "plain" else NASTY
    target = tmp_path_factory.mktemp("exported")
    asyncio.run(_export_all(tmp_path_factory.mktemp("platform") / "data", labels, target))
    lines = (target / "pets.jsonl").read_text(encoding="utf-8").splitlines()
    return target, labels, [row for row in map(json.loads, lines) if row["state"] == "completed"]


async def _export_all(data: Path, labels: list[str], target: Path) -> None:
    async with running(data) as api:
        task_id = await exported_task(api, labels, images=IMAGES, boxes=BOXES)
        for name, (form, images) in FILES.items():
            query = {} if images is None else {"images": "true"}
            (target / name).write_bytes(await download(api, task_id, form, **query))


def loaded(folder: Path, code: str, tmp_path: Path) -> dict:
    """What a program with a `result` finds in the folder."""
    return json.loads(ran(folder, f"{code}\nimport json; print('\\n' + json.dumps(result))", tmp_path).splitlines()[-1])


def ran(folder: Path, code: str, tmp_path: Path) -> str:
    environment = {**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, check=False, cwd=folder, env=environment, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def boxes_of(rows: list[dict]) -> dict[str, list[tuple]]:
    """Of each image its objects: label, left, top, width, height."""
    return {
        row["image_id"]: sorted(
            (one["label"], *(one["rectangle"][side] for side in ("left", "top", "width", "height")))
            for one in (row["prelabel"] or {"objects": []})["objects"]
        )
        for row in rows
    }


def test_parquet_in_datasets(folder, tmp_path):
    path, labels, rows = folder
    found = loaded(path, PARQUET, tmp_path)
    assert (found["names"], found["categories"]) == (labels, labels)
    assert [(row["image_id"], row["label"], row["size"]) for row in found["rows"]] == [
        (row["image_id"], row["label"], [row["width"], row["height"]]) for row in rows
    ]
    boxes = {
        row["image_id"]: sorted((labels[n], *box) for box, n in zip(row["bbox"], row["category"], strict=True))
        for row in found["rows"]
    }
    assert boxes == boxes_of(rows)
    assert sum(map(len, boxes.values())) == BOXES


def test_imagefolder_in_datasets(folder, tmp_path):
    path, _, rows = folder
    found = loaded(path, FOLDER, tmp_path)["rows"]
    assert sorted((row["image_id"], row["label"], row["size"]) for row in found) == [
        (row["image_id"], row["label"], [row["width"], row["height"]]) for row in rows
    ]


def test_coco_in_pycocotools(folder):
    path, labels, rows = folder
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(path / "pets.json"))
        scored = truth.loadRes([dict(one) for one in truth.loadAnns(truth.getAnnIds())])
        evaluation = COCOeval(truth, scored, "bbox")
        evaluation.params.maxDets = [1, 10, 1000]
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, :, 0, -1]
    assert np.mean(precision[precision > -1]) == pytest.approx(1.0)
    assert [one["name"] for one in truth.loadCats(truth.getCatIds())] == labels
    found = {
        image["quorate"]["image_id"]: sorted(
            (labels[one["category_id"] - 1], *one["bbox"]) for one in truth.loadAnns(truth.getAnnIds(image["id"]))
        )
        for image in truth.loadImgs(truth.getImgIds())
    }
    assert found == boxes_of(rows)


@pytest.mark.parametrize("code", [COCO_SUPERVISION, YOLO_SUPERVISION], ids=["coco", "yolo"])
def test_objects_in_supervision(folder, code, tmp_path):
    path, labels, rows = folder
    found = loaded(path, code, tmp_path)
    assert found["names"] == labels
    sizes = {row["image_id"]: (row["width"], row["height"]) for row in rows}
    boxes = {}
    for name, objects in found["rows"]:
        image_id = name.partition(".")[0]
        boxes[image_id] = sorted(
            (labels[n], round(left), round(top), round(right - left), round(bottom - top))
            for left, top, right, bottom, n in objects
        )
        assert all(o[2] <= sizes[image_id][0] + 1e-3 and o[3] <= sizes[image_id][1] + 1e-3 for o in objects)
    assert boxes == boxes_of(rows)


def test_yolo_as_ultralytics_pairs_it(folder, tmp_path):
    """Its rules in a few lines: the last /images/ of a path becomes /labels/, and every number is a share."""
    path, _, rows = folder
    zipfile.ZipFile(path / "pets-yolo.zip").extractall(tmp_path)
    pictures = sorted(tmp_path.glob("images/train/*"))
    assert len(pictures) == len(rows)
    for picture in pictures:
        before, _, behind = str(picture).rpartition("/images/")
        label = Path(f"{before}/labels/{behind}").with_suffix(".txt")
        lines = [line.split() for line in label.read_text().splitlines()]
        numbers = np.array(lines, dtype=np.float32).reshape(-1, 5)
        assert (numbers[:, 1:] <= 1).all()
        assert (numbers >= 0).all()
        assert len(np.unique(numbers, axis=0)) == len(lines)


def test_imagefolder_as_torchvision_reads_it(folder, tmp_path):
    """Its rules: folders in their order are the classes, and none of them is empty."""
    path, labels, rows = folder
    zipfile.ZipFile(path / "pets.zip").extractall(tmp_path)
    classes = sorted(one.name for one in (tmp_path / "train").iterdir() if one.is_dir())
    assert len(classes) == len(labels)
    found = {one: [file.stem for file in (tmp_path / "train" / one).iterdir()] for one in classes}
    assert all(found.values())
    labels_of = {row["image_id"]: row["label"] for row in rows}
    assert sum(map(len, found.values())) == len(rows)
    assert all(len({labels_of[image_id] for image_id in ids}) == 1 for ids in found.values())


def test_the_snippets_of_the_page(folder, tmp_path):
    path, _, _ = folder
    page = (house.ROOT / "docs/exports.md").read_text(encoding="utf-8")
    snippets = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(snippets) == len(FILES)
    separate = "\nprint('\\x1f')\n"
    said = ran(path, separate.join(snippets), tmp_path).split("\x1f")
    assert len(said) == len(FILES)
    assert [str(IMAGES) in one for one in said[:6]] == [True] * 6
    assert all(one.strip() for one in said)
