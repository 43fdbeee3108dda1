"""Uploads: every picture decoded, checked, stored and synced before its request is answered."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from loadtest.bench.errors import BenchFailed
from loadtest.bench.http_client import Caller, connect
from loadtest.bench.platform_process import PlatformProcess
from loadtest.bench.report import Numbers, median

PER_REQUEST = 25
AT_A_TIME = 4
RUNS = 3
TASKS_PER_RUN = 2
LABELS = ("cat", "dog", "bird")
OPEN_S = 60
BOUNDARY = "quorate-bench-2f1c9d"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


@dataclass(frozen=True, slots=True)
class Form:
    """A request's body, and how many pictures it holds."""

    body: bytes
    count: int


def forms(pictures: Sequence[bytes]) -> list[Form]:
    """The pictures in requests of 25."""
    groups = [range(at, min(at + PER_REQUEST, len(pictures))) for at in range(0, len(pictures), PER_REQUEST)]
    return [Form(_form({f"{number:03}.jpg": pictures[number] for number in group}), len(group)) for group in groups]


async def measure(platform: PlatformProcess, requests: Sequence[Form]) -> Numbers:
    """Pictures per second, the median of three runs."""
    rates: list[float] = []
    server_s, began_all = platform.cpu_s(), time.perf_counter()
    client_s = time.process_time()
    for run in range(RUNS):
        began = time.perf_counter()
        count = await upload(platform, requests, [f"uploads {run}.{number}" for number in range(TASKS_PER_RUN)])
        rates.append(count / (time.perf_counter() - began))
    wall = time.perf_counter() - began_all
    return {
        "uploads_per_s": median(rates),
        "uploads_server_cores": (platform.cpu_s() - server_s) / wall,
        "uploads_client_cores": (time.process_time() - client_s) / wall,
    }


async def upload(platform: PlatformProcess, requests: Sequence[Form], names: Sequence[str]) -> int:
    """Upload the pictures to a new task for each name; returns how many there are when all subtasks are open."""
    callers = [await connect(platform.port, "client") for _ in range(AT_A_TIME)]
    try:
        tasks = [(await callers[0].post("/api/tasks", _terms(name))).json()["id"] for name in names]
        work = [(task, form) for task in tasks for form in requests]
        ids: list[str] = []
        async with asyncio.TaskGroup() as group:
            for caller in callers:
                group.create_task(_send_all(caller, work, ids))
        return len(ids)
    finally:
        for caller in callers:
            caller.close()


async def wait_until_open(platform: PlatformProcess, task_ids: Sequence[str]) -> None:
    """Wait until operators can work on everything that was uploaded to these tasks."""
    caller = await connect(platform.port, "client")
    deadline = time.monotonic() + OPEN_S
    try:
        for task_id in task_ids:
            cursor = ""
            while cursor is not None:
                page = (await caller.get(f"/api/tasks/{task_id}/images?limit=1000{cursor}")).json()
                for image in page["items"]:
                    while await caller.status_of(f"/api/subtasks/{image['image_id']}") != 200:
                        if time.monotonic() > deadline:
                            raise BenchFailed("uploaded pictures do not become subtasks")
                        await asyncio.sleep(0.05)
                cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    finally:
        caller.close()


async def task_ids(platform: PlatformProcess) -> list[str]:
    """The tasks there are, the newest first; not more than 1,000."""
    caller = await connect(platform.port, "client")
    try:
        return [task["id"] for task in (await caller.get("/api/tasks?limit=1000")).json()["items"]]
    finally:
        caller.close()


async def _send_all(caller: Caller, work: list[tuple[str, Form]], ids: list[str]) -> None:
    while work:
        task_id, form = work.pop()
        report = (await caller.post_bytes(f"/api/tasks/{task_id}/images", form.body, FORM)).json()
        if report["accepted"] != form.count:
            raise BenchFailed(f"not every picture was accepted: {report['accepted']} of {form.count}")
        ids += [image["image_id"] for image in report["images"]]


def _terms(name: str) -> dict[str, object]:
    return {"name": name, "labels": list(LABELS), "detector": {"mode": "off"}}


def _form(files: dict[str, bytes]) -> bytes:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="images"; filename="{name}"\r\n'
        f"Content-Type: image/jpeg\r\n\r\n".encode()
        + data
        + b"\r\n"
        for name, data in files.items()
    ]
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
