"""Reads that follow a caller's own acknowledged write see it, though the caller waits for nothing."""

import asyncio

import pytest

from services.task_manager import arrivals
from tests.service.running import as_user

ONE_VOTE = {"votes_required": 1}
TIMES = 5


async def task_with_one(api) -> str:
    """A sealed task with an image that was uploaded a moment ago."""
    task_id = await api.task(quorum=ONE_VOTE)
    await api.upload(task_id, ("a.png", api.picture()))
    await api.http.post(f"/api/tasks/{task_id}/seal")
    return task_id


async def voted_on(api) -> str:
    """The same with a vote that ended the image a moment ago."""
    task_id = await task_with_one(api)
    answer = await api.lease_and_vote("ann", task_id, "cat")
    assert answer.json()["subtask_state"] == "completed"
    return task_id


@pytest.mark.parametrize("path", ["/export?format=jsonl", "/results", ""])
async def test_a_vote_that_ended_an_image_is_in_what_is_read_right_after(api, path):
    for _ in range(TIMES):
        task_id = await voted_on(api)
        answer = await api.http.get(f"/api/tasks/{task_id}{path}")
        assert '"state":"completed"' in answer.text
        assert answer.headers["x-quorate-up-to-date"] == "yes"


async def test_an_adjudication_is_in_what_is_read_right_after(api):
    task_id = await voted_on(api)
    (image,) = await api.results(task_id)
    for label in ("dog", "bird", "cat"):
        body = {"label": label, "reason": "it barks"}
        await api.http.post(f"/api/disputes/{image['image_id']}", json=body, headers=as_user("eve"))
        assert [one["label"] for one in await api.results(task_id)] == [label]


async def test_a_read_that_could_not_wait_for_all_says_so(api, monkeypatch):
    monkeypatch.setattr(arrivals, "PATIENCE_S", 0.05)
    task_id = await task_with_one(api)
    handed_over = asyncio.Event()
    publish = api.platform.bus.publish

    async def publish_late(messages) -> None:
        await handed_over.wait()
        await publish(messages)

    (lease,) = await api.lease("ann", 1, task_id)
    monkeypatch.setattr(api.platform.bus, "publish", publish_late)
    await api.vote("ann", lease["subtask_id"], "cat", lease["token"])
    answer = await api.http.get(f"/api/tasks/{task_id}/results")
    assert answer.headers["x-quorate-up-to-date"] == "no"
    assert [one["state"] for one in answer.json()["items"]] == ["open"]
    handed_over.set()


async def test_a_lease_asked_for_right_after_an_upload_is_granted(api):
    for _ in range(TIMES):
        task_id = await task_with_one(api)
        assert len(await api.lease("ann", 1, task_id)) == 1


async def test_a_lease_request_says_how_many_images_are_still_to_be_opened(api, monkeypatch):
    may_open = asyncio.Event()
    opened = api.platform.subtasks.store.open

    async def open_late(brief, decide) -> bool:
        await may_open.wait()
        return await opened(brief, decide)

    monkeypatch.setattr(api.platform.subtasks.store, "open", open_late)
    task_id = await api.task(quorum=ONE_VOTE)
    await api.upload(task_id, *((f"{n}.png", api.picture()) for n in range(3)))
    wanted = {"task_id": task_id}
    answer = (await api.http.post("/api/leases", json=wanted)).json()
    assert answer == {"leases": [], "more": False, "waiting_for_others": 0, "opening": 3}
    may_open.set()
    await api.settled()
    assert len(await api.lease("ann", 3, task_id)) == 3
    assert (await api.http.post("/api/leases", json=wanted)).json()["opening"] == 0
