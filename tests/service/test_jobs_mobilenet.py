"""MobileNet V2 through the paths of jobs: what it calls photographs whose subject is known."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.service.running import Api, running

ASSETS = Path(__file__).parents[3] / "shared/assets"
MODEL = ASSETS / "models/mobilenet/mobilenet_v2_1.0_224.onnx"
IMAGES = ASSETS / "images"
pytestmark = pytest.mark.skipif(not ASSETS.is_dir(), reason=f"the test assets are not at {ASSETS}")

SURE = {
    "photos/eagle.jpg": "bald eagle",
    "photos/dog.jpg": "malamute",
    "coco_val128/000000000285.jpg": "brown bear",
    "coco_val128/000000001818.jpg": "zebra",
    "coco_val128/000000005477.jpg": "airliner",
}
"""One thing each that ImageNet has a class for; it has none for what the other photographs show."""
PICTURES, TOP_ONE, TOP_FIVE = 40, 24, 30
ALIKE = {
    "aeroplane": "airliner|warplane|wing",
    "apple": "Granny Smith",
    "banana": "banana",
    "baseball glove": "ballplayer|baseball",
    "bear": "American black bear|brown bear|ice bear|sloth bear",
    "bed": "four-poster|quilt|studio couch",
    "bench": "park bench",
    "bicycle": "bicycle-built-for-two|mountain bike",
    "broccoli": "broccoli",
    "bus": "minibus|school bus|trolleybus",
    "car": "ambulance|beach wagon|cab|convertible|jeep|limousine|minivan|racer|sports car",
    "cat": "Egyptian cat|Persian cat|Siamese cat|tabby|tiger cat",
    "cell phone": "cellular telephone",
    "cup": "coffee mug|cup",
    "elephant": "African elephant|Indian elephant|tusker",
    "horse": "sorrel",
    "hot dog": "hotdog",
    "keyboard": "computer keyboard",
    "laptop": "laptop|notebook",
    "microwave": "microwave",
    "motorbike": "moped|motor scooter",
    "mouse": "mouse",
    "orange": "orange",
    "parking meter": "parking meter",
    "pizza": "pizza",
    "refrigerator": "refrigerator",
    "sheep": "ram",
    "skis": "ski",
    "sofa": "studio couch",
    "stop sign": "street sign",
    "teddy bear": "teddy",
    "tennis racket": "racket",
    "tie": "bow tie|Windsor tie",
    "toilet": "toilet seat",
    "traffic light": "traffic light",
    "train": "bullet train|electric locomotive|freight car|passenger car|steam locomotive|streetcar",
    "truck": "fire engine|garbage truck|moving van|pickup|snowplow|tow truck|trailer truck",
    "tvmonitor": "desktop computer|monitor|screen|television",
    "umbrella": "umbrella",
    "wine glass": "goblet|red wine",
    "zebra": "zebra",
}
"""What ImageNet calls what COCO has boxes of, where both mean about the same."""


@pytest.fixture
async def recognising(tmp_path: Path) -> AsyncIterator[Api]:
    async with running(tmp_path / "data", model=MODEL) as started:
        yield started


def shown(picture: Path, names: list[str]) -> tuple[float, set[str]]:
    """How much of a picture the largest of its boxes covers that has a class in ImageNet, and all such classes."""
    labels = IMAGES / "coco_val128_labels" / f"{picture.stem}.txt"
    rows = [line.split() for line in labels.read_text().splitlines()] if labels.exists() else []
    boxes = [(float(row[3]) * float(row[4]), names[int(row[0])]) for row in rows]
    known = [(area, name) for area, name in boxes if name in ALIKE]
    return max(known, default=(0.0, ""))[0], {one for _, name in known for one in ALIKE[name].split("|")}


def clearest() -> dict[str, set[str]]:
    """The pictures in which such a thing is largest, each with what it may be called: chosen without the model."""
    names = (ASSETS / "models/coco.names").read_text().splitlines()
    found = [(*shown(one, names), one) for one in sorted((IMAGES / "coco_val128").glob("*.jpg"))]
    largest = sorted(found, key=lambda one: -one[0])[:PICTURES]
    return {f"coco_val128/{one.name}": classes for _, classes, one in largest}


async def recognised(api: Api, names: list[str]) -> dict[str, list[str]]:
    """What each picture is called, the surest first; of classes with several names the first."""
    files = [("image", (name, (IMAGES / name).read_bytes())) for name in names]
    report = (await api.http.post("/jobs/submit", files=files)).json()
    assert report["accepted"] == len(names)
    await api.settled()
    jobs = await asyncio.gather(*(api.http.get(f"/jobs/item/{one['id']}") for one in report["jobs"]))
    assert {job.json()["state"] for job in jobs} == {"finished"}
    called = [[one["label"].split(",")[0] for one in job.json()["classes"]] for job in jobs]
    return dict(zip(names, called, strict=True))


async def test_pictures_of_one_known_thing_are_called_by_its_name(recognising: Api):
    called = await recognised(recognising, list(SURE))
    assert {name: classes[0] for name, classes in called.items()} == SURE
    assert {len(classes) for classes in called.values()} == {5}


async def test_the_things_in_coco_pictures_are_among_the_classes(recognising: Api):
    right = clearest()
    called = await recognised(recognising, list(right))
    top_one = sum(called[name][0] in right[name] for name in right)
    top_five = sum(not right[name].isdisjoint(called[name]) for name in right)
    assert (top_one >= TOP_ONE, top_five >= TOP_FIVE) == (True, True), (top_one, top_five)
