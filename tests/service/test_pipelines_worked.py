"""Pipelines with a worker, in one process: messages doubled and reordered, tasks cancelled while they are worked on."""

import math
from collections import Counter

import cv2
import numpy as np
import pytest

from shared.pipelines import derived_id
from tests.service.running import Api, running

TWO_DAYS_S = 2 * 86_400
NOBODY = {"votes_required": 0}
PIPELINE = {"operations": [["split", True], ["blur", "median"], ["rotate", 90]], "output": "png"}


@pytest.fixture(params=[True, False], ids=["fused", "apart"])
async def platform(tmp_path, request):
    async with running(tmp_path / "data", pipeline_fuse=request.param) as started:
        yield started


def picture(number: int) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 256, (31, 42, 3), np.uint8)
    return cv2.imencode(".png", pixels)[1].tobytes()


def direct(data: bytes) -> list[bytes]:
    p = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    quarters = (p[:15, :21], p[:15, 21:], p[15:, :21], p[15:, 21:])
    made = (cv2.rotate(cv2.medianBlur(one.copy(), 5), cv2.ROTATE_90_CLOCKWISE) for one in quarters)
    return [cv2.imencode(".png", one)[1].tobytes() for one in made]


async def uploaded(api: Api, count: int) -> tuple[str, dict[str, bytes]]:
    """A sealed task with so many pictures, and those by the ids of their images."""
    task_id = await api.task(labels=[], quorum=NOBODY, pipeline=PIPELINE)
    pictures = [picture(number) for number in range(count)]
    report = (await api.upload(task_id, *((f"{n}.png", data) for n, data in enumerate(pictures)))).json()
    await api.http.post(f"/api/tasks/{task_id}/seal")
    return task_id, {one["image_id"]: data for one, data in zip(report["images"], pictures, strict=True)}


async def stored(api: Api) -> list[str]:
    return [key async for key in api.platform.objects.keys("", stored_before=math.inf)]


async def test_doubled_and_reordered_messages_change_nothing(platform: Api, monkeypatch):
    """Nor does how many operations are done in a visit."""
    bus, sent = platform.platform.bus, Counter()
    publish = bus.publish

    async def twice_and_backwards(messages):
        sent.update(message.type for message in messages)
        await publish([*reversed(messages), *messages])

    monkeypatch.setattr(bus, "publish", twice_and_backwards)
    task_id, pictures = await uploaded(platform, 6)
    await platform.settled()
    task = (await platform.http.get(f"/api/tasks/{task_id}")).json()
    assert (task["state"], task["counts"]["images"], task["counts"]["completed"]) == ("completed", 24, 24)
    expected = {
        derived_id(image_id, ((0, place),)): data
        for image_id, picture_ in pictures.items()
        for place, data in enumerate(direct(picture_))
    }
    found = {
        one["image_id"]: (await platform.http.get(one["image_url"])).content for one in await platform.results(task_id)
    }
    assert found == expected
    assert sent["step.finished.v1"] >= 12, "every step was told twice"

    platform.clock.ahead_s = TWO_DAYS_S
    await platform.platform.collector._collect()
    left = await stored(platform)
    assert len(left) == len(expected) + len(pictures)
    assert (await platform.http.get("/api/admin/dead")).json() == {"items": []}


async def test_cancelled_while_it_is_worked_on_it_leaves_nothing(platform: Api):
    places = platform.platform.worker.places
    async with places, places:  # all that the worker has
        task_id, _ = await uploaded(platform, 4)
    assert (await platform.http.delete(f"/api/tasks/{task_id}")).status_code == 204
    await platform.settled()
    await platform.platform.collector._erase_cancelled()
    platform.clock.ahead_s = TWO_DAYS_S
    await platform.platform.collector._collect()
    assert await stored(platform) == []
    assert (await platform.http.get("/api/admin/dead")).json() == {"items": []}
    assert (await platform.http.get(f"/api/tasks/{task_id}/results")).status_code == 410
