"""The embedded platform as tests drive it: over ASGI, with its inside at hand to see that nothing is left behind."""

import asyncio
import contextlib
import itertools
import math
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from fastapi import FastAPI

from embedded.app import Platform, assemble
from embedded.settings import Settings
from shared.fetching import Fetcher
from shared.objects.keys import is_staged, rendition_of
from tests.service.picture_samples import png

LABELS = ["cat", "dog", "bird"]
INTERNALS = (
    "Traceback",
    "sqlite",
    "SELECT ",
    "services.",
    "shared.",
    "embedded.",
    ".py",
    "pydantic",
    "errno",
    " at 0x",
)
"""What an answer must never hold."""


class ShiftedClock:
    """The time of day, moved on by hand."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_s


class Inside:
    """What tests look at, and break, within a running platform."""

    def __init__(self, platform: Platform) -> None:
        self.bus, self.objects, self.files = platform.bus, platform.objects, platform.files
        self.tasks_file, self.subtasks_file = platform.files["tasks"], platform.files["subtasks"]
        self.consensus_file = platform.files["consensus"]
        task_manager, subtask_manager = platform.parts["task_manager"], platform.parts["subtask_manager"]
        self.tasks, self.subtasks = task_manager.resources, subtask_manager.resources
        self.task_store = self.tasks.store
        self.task_relay, self.subtask_relay = self.tasks.relay, self.subtasks.relay
        self.collector, self.statistician, self.eraser, self.importer = task_manager.workers
        self.pool = platform.parts["detector"].resources
        self.worker = platform.parts["worker"].resources
        self.webhooks = platform.parts["notifier"].resources
        [self.sender] = platform.parts["notifier"].workers
        self.consensus = platform.parts["consensus"].resources
        self.consensus_worker, _ = platform.parts["consensus"].workers


@dataclass(kw_only=True)
class Api:
    """A running platform. `http` is a client on its `app`; `as_user` gives headers that name a caller."""

    app: FastAPI
    http: httpx.AsyncClient
    folder: Path
    platform: Inside
    clock: ShiftedClock
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def picture(self) -> bytes:
        """A picture like no other."""
        return png(next(self.numbers))

    async def task(self, **terms: object) -> str:
        """A new task's id; without a detector unless asked for."""
        body = {"name": "animals", "labels": LABELS, "detector": {"mode": "off"}} | terms
        answer = await self.http.post("/api/tasks", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    async def upload(self, task_id: str, *files: tuple[str, bytes], field: str = "images") -> httpx.Response:
        return await self.http.post(f"/api/tasks/{task_id}/images", files=[(field, one) for one in files])

    async def task_with(self, count: int = 1, **terms: object) -> tuple[str, list[str]]:
        """A sealed task with so many images, all of them open; returns its id and theirs."""
        task_id = await self.task(**terms)
        answer = await self.upload(task_id, *((f"{n}.png", self.picture()) for n in range(count)))
        assert answer.json()["accepted"] == count, answer.text
        assert (await self.http.post(f"/api/tasks/{task_id}/seal")).status_code == 200
        await self.settled()
        return task_id, [image["image_id"] for image in answer.json()["images"]]

    async def lease(self, user: str, count: int = 1, task_id: str | None = None) -> list[dict]:
        body = {"count": count, "task_id": task_id}
        answer = await self.http.post("/api/leases", json=body, headers=as_user(user))
        assert answer.status_code == 200, answer.text
        return answer.json()["leases"]

    async def vote(self, user: str, subtask_id: str, label: str, token: str) -> httpx.Response:
        body = {"label": label, "token": token}
        return await self.http.post(f"/api/subtasks/{subtask_id}/vote", json=body, headers=as_user(user))

    async def lease_and_vote(self, user: str, task_id: str, label: str) -> httpx.Response:
        (lease,) = await self.lease(user, 1, task_id)
        return await self.vote(user, lease["subtask_id"], label, lease["token"])

    async def results(self, task_id: str, limit: int = 1000, **query: object) -> list[dict]:
        """All results, page by page."""
        items: list[dict] = []
        params = {"limit": limit, **query}
        while True:
            answer = await self.http.get(f"/api/tasks/{task_id}/results", params=params)
            assert answer.status_code == 200, answer.text
            items += answer.json()["items"]
            if answer.json()["next_cursor"] is None:
                return items
            params["cursor"] = answer.json()["next_cursor"]

    async def tasks(self) -> list[dict]:
        return (await self.http.get("/api/tasks", params={"limit": 1000})).json()["items"]

    async def settled(self) -> None:
        """Wait until every event has been handled, and so have those that came of it."""
        at, calm = self.platform, 0
        while calm < 3:
            under_way = (
                sum((await at.bus.depths()).values())
                + await at.tasks_file.read(_outbox_length)
                + await at.subtasks_file.read(_outbox_length)
                + await at.consensus_file.read(_outbox_length)
            )
            calm = 0 if under_way else calm + 1
            await asyncio.sleep(0.005 if under_way else 0)

    async def unharmed(self) -> None:
        """Healthy, counts equal to a recount, no dead letter, no temporary file, and no object that nobody names."""
        await self.settled()
        assert (await self.http.get("/healthz")).json() == {"status": "ok"}
        assert (await self.http.get("/api/admin/dead")).json() == {"items": []}
        images = 0
        for task in await self.tasks():
            rows = [] if task["state"] == "cancelled" else await self.results(task["id"])
            states = [row["state"] for row in rows]
            images += len(states)
            recount = {
                state: states.count(state) for state in ("open", "completed", "disputed", "processing", "failed")
            }
            assert task["counts"] == {"images": len(states), **recount}
        keys = [key async for key in self.platform.objects.keys("", stored_before=math.inf)]
        assert len([key for key in keys if not is_staged(key) and rendition_of(key) is None]) == images
        assert self.temporary_files() == []

    def temporary_files(self) -> list[str]:
        """What lies in the folders for work under way, files without a name included."""
        folders = [self.folder / "spool", self.folder / "incoming"]
        lying = [str(path) for folder in folders for path in folder.iterdir()]
        return lying + [path for path in _open_files() if path.startswith(tuple(map(str, folders)))]


def as_user(name: str) -> dict[str, str]:
    return {"X-Quorate-User": name}


def assert_problem(
    answer: httpx.Response, status: int, *, saying: str = "", pointer: str | None = None, code: str | None = None
) -> dict:
    """The answer is a whole problem document and tells nothing of the inside; returns it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["type"].startswith("/problems/")
    assert problem["title"]
    assert re.fullmatch("[a-z]+(-[a-z]+)*", problem["code"])
    assert code in (None, problem["code"])
    assert problem["detail"]
    assert problem["instance"] == answer.request.url.path
    assert problem["request_id"] == answer.headers["x-request-id"] != ""
    assert [word for word in INTERNALS if word in answer.text] == []
    assert saying in answer.text
    for error in problem["errors"]:
        assert set(error) == {"pointer", "detail"}
    if pointer is not None:
        assert pointer in [error["pointer"] for error in problem["errors"]], problem["errors"]
    return problem


@contextlib.asynccontextmanager
async def running(
    folder: Path, *, fetcher: Fetcher | None = None, at: float | None = None, **settings: object
) -> AsyncIterator[Api]:
    """The platform in a folder, from its start to its end. at: what time it is when it starts, if not now."""
    clock = ShiftedClock()
    clock.ahead_s = 0.0 if at is None else at - time.time()
    platform = assemble(Settings(data_dir=folder, **settings), clock=clock, fetcher=fetcher)
    app = platform.deployable.app
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=60) as http,
    ):
        api = Api(app=app, http=http, folder=folder, platform=Inside(platform), clock=clock)
        yield api
        await api.settled()


def _outbox_length(db) -> int:
    return db.execute("SELECT count(*) FROM outbox").fetchone()[0]


def _open_files() -> list[str]:
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(str(descriptor.readlink()))
    return found
