"""Pipelines on the distributed platform: three workers on real servers, of which one is killed in mid-batch."""

import asyncio
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import cv2
import httpx
import numpy as np
import pytest

from deploy.local import env_file
from deploy.local.errors import ServerNotInstalled
from deploy.local.gateway import Gateway
from deploy.local.packages import need as need_program
from deploy.local.platform import Platform
from shared import events
from shared.bus.rabbitmq import RabbitBus
from shared.event_data import StepOpened
from shared.pipelines import Operation, Origin, derived_id
from tests import servers

PICTURES = 16
PATIENCE_S = 240
OPERATIONS = [["resize", "320x240"], ["split", True], ["blur", "bilateral"]]
TASK = {
    "name": "killed",
    "labels": [],
    "quorum": {"votes_required": 0},
    "detector": {"mode": "off"},
    "pipeline": {"operations": OPERATIONS, "output": "png"},
}


@pytest.fixture
def environment():
    """Where the servers are; without them, or without nginx, the test says what it lacks."""
    for name in servers.NAMES:
        servers.need(name)
    try:
        need_program(Gateway)
    except ServerNotInstalled as lack:
        servers.lacks(str(lack))
    return env_file.read(servers.ENV_FILE.parent)


def picture(number: int) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 256, (300, 400, 3), np.uint8)
    return cv2.imencode(".png", pixels)[1].tobytes()


@pytest.mark.long
@pytest.mark.timeout(600)
def test_with_a_worker_killed_and_messages_doubled_every_picture_comes_once(environment, tmp_path):
    platform = Platform(folder=tmp_path / "platform", environment=environment, replicas=1, workers=3)
    try:
        with httpx.Client(base_url=platform.start(), timeout=60) as http, ThreadPoolExecutor(1) as threads:
            task_id = http.post("/api/tasks", json=TASK).raise_for_status().json()["id"]
            files = [("images", (f"{n}.png", picture(n))) for n in range(PICTURES)]
            report = http.post(f"/api/tasks/{task_id}/images", files=files).raise_for_status().json()
            uploaded = [one["image_id"] for one in report["images"]]
            assert http.post(f"/api/tasks/{task_id}/seal").is_success
            told_again = threads.submit(asyncio.run, doubled(environment["QUORATE_AMQP_URL"], http, task_id))
            until(http, task_id, lambda counts: counts["completed"] >= 4)
            [killed, *_] = [one for one in platform.members() if one.service == "worker"]
            os.kill(killed.process.pid(), signal.SIGKILL)
            assert told_again.result() == PICTURES
            done = until(http, task_id, lambda counts: counts["completed"] == 4 * PICTURES)
            results = [one for page in pages(http, task_id) for one in page]
            stored = {one["image_id"]: http.get(one["image_url"]).content for one in results}
    finally:
        platform.stop()
    assert done["state"] == "completed"
    assert done["counts"] == {
        "images": 4 * PICTURES,
        "open": 0,
        "completed": 4 * PICTURES,
        "disputed": 0,
        "processing": 0,
        "failed": 0,
    }
    expected = {derived_id(one, ((1, place),)) for one in uploaded for place in range(4)}
    assert sorted(one["image_id"] for one in results) == sorted(expected)
    assert {cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape for data in stored.values()} == {
        (120, 160, 3)
    }


def until(http: httpx.Client, task_id: str, reached) -> dict:
    """The task, once its counts are so."""
    longest = time.monotonic() + PATIENCE_S
    while not reached((task := http.get(f"/api/tasks/{task_id}").raise_for_status().json())["counts"]):
        assert time.monotonic() < longest, task["counts"]
        time.sleep(0.1)
    return task


def pages(http: httpx.Client, task_id: str, **more):
    cursor = None
    while True:
        params = {"limit": 50} | more | ({"cursor": cursor} if cursor else {})
        page = http.get(f"/api/tasks/{task_id}/results", params=params).raise_for_status().json()
        yield page["items"]
        if (cursor := page["next_cursor"]) is None:
            return


async def doubled(amqp_url: str, http: httpx.Client, task_id: str) -> int:
    """Open the first step of every picture once more, the last first, whatever it has come to by now; how many."""
    listed = await asyncio.to_thread(lambda: [*pages(http, task_id, include="parents")])
    parents = [one for page in listed for one in page if one["origin"] is None]
    bus = RabbitBus(amqp_url, time.time, service="test", delivery_limit=3)
    await bus.open()
    for one in reversed(parents):
        await bus.publish([opened_again(task_id, one)])
    await bus.close()
    return len(parents)


def opened_again(task_id: str, image: dict):
    [name, argument] = OPERATIONS[0]
    data = StepOpened(
        task_id=task_id,
        image_id=image["image_id"],
        step=0,
        operations=(Operation(name=name, argument=argument),),
        object_key=httpx.URL(image["image_url"]).path.split("/", 2)[2],
        width=image["width"],
        height=image["height"],
        origin=Origin(image_id=image["image_id"], width=image["width"], height=image["height"]),
        is_last=False,
        output="png",
        quality=95,
    )
    attributes = events.envelope(event_id=f"{image['image_id']}/step/0", source="test", subject="x", at=time.time())
    return events.message(events.StepOpenedV1(**attributes, type=f"step.opened.{name}.v1", data=data))
