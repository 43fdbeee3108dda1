"""What a task's owner does: makes tasks, and uploads pictures to them."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import httpx

from loadtest.crowd.connection import Caller, all_of, connected
from loadtest.errors import MeasurementFailed

OWNER = "client"
PER_REQUEST = 25
AT_A_TIME = 4
OPEN_S = 60
LABELS = ("cat", "dog", "bird")


@dataclass(frozen=True, slots=True)
class Form:
    """A request's body with its media type, and how many pictures it holds."""

    body: bytes
    media_type: str
    count: int


def forms(pictures: Sequence[bytes]) -> list[Form]:
    """The pictures in requests of 25."""
    return [_form(pictures[at : at + PER_REQUEST]) for at in range(0, len(pictures), PER_REQUEST)]


def _form(pictures: Sequence[bytes]) -> Form:
    files = [("images", (f"{number:03}.jpg", data, "image/jpeg")) for number, data in enumerate(pictures)]
    request = httpx.Request("POST", "http://platform", files=files)
    return Form(request.read(), request.headers["Content-Type"], len(pictures))


async def create(caller: Caller, name: str, **terms: object) -> str:
    """A new task, without the detector unless the terms say otherwise; returns its id."""
    asked = {"name": name, "labels": LABELS, "detector": {"mode": "off"}} | terms
    return (await caller.post("/api/tasks", asked)).json()["id"]


async def upload(
    port: int,
    forms: Sequence[Form],
    task_ids: Sequence[str],
    timed: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> list[str]:
    """Upload the pictures to each task, with a few requests under way at a time; returns the images' ids."""
    left = [(task_id, form) for task_id in task_ids for form in forms]
    ids: list[str] = []

    async def send(caller: Caller) -> None:
        while left:
            task_id, form = left.pop()
            with timed():
                answer = await caller.post_bytes(f"/api/tasks/{task_id}/images", form.body, form.media_type)
            report = answer.json()
            if report["accepted"] != form.count:
                raise MeasurementFailed(f"not every picture was accepted: {report['accepted']} of {form.count}")
            ids.extend(image["image_id"] for image in report["images"])

    async with connected(port, [OWNER] * AT_A_TIME) as callers:
        await all_of([send(caller) for caller in callers])
    return ids


async def until_open(port: int, image_ids: Sequence[str]) -> None:
    """Wait until operators can work on all of these. Raises MeasurementFailed."""
    deadline = time.monotonic() + OPEN_S
    async with connected(port, [OWNER]) as (caller,):
        for image_id in image_ids:
            while await caller.status_of(f"/api/subtasks/{image_id}") != 200:
                if time.monotonic() > deadline:
                    raise MeasurementFailed("uploaded pictures do not become subtasks")
                await asyncio.sleep(0.05)
