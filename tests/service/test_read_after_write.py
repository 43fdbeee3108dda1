"""Reads that follow a caller's own acknowledged write see it, though the caller waits for nothing."""

import asyncio

import pytest

from shared import arrivals
from tests.service.access_table import OURS, THEIRS, Pretended
from tests.service.running import as_user, running

ONE_VOTE = {"votes_required": 1}
REASON = {"reason": "too few people"}
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


@pytest.mark.parametrize("path", ["/api/consensus", "/api/admin/operators"])
async def test_what_counts_votes_counts_those_that_were_acknowledged_before(api, path):
    for _ in range(TIMES):
        answer = await api.http.post(path, json={"task_id": await voted_on(api)})
        assert answer.status_code == 202, answer.text


# What a client orders and changes


async def half_voted(api, images: int = 3, votes: int = 1) -> str:
    """A sealed task whose images ask for one more vote than they have."""
    task_id, _ = await api.task_with(images, quorum={"votes_required": votes + 1, "stop": "exact"})
    for lease in await api.lease("ann", images, task_id):
        await api.vote("ann", lease["subtask_id"], "cat", lease["token"])
    return task_id


@pytest.mark.parametrize("path", ["/export?format=jsonl", "/results", ""])
async def test_what_finishing_a_task_leads_to_is_in_what_is_read_right_after(api, path):
    for _ in range(TIMES):
        task_id = await half_voted(api)
        await api.http.post(f"/api/tasks/{task_id}/finish", json=REASON)
        answer = await api.http.get(f"/api/tasks/{task_id}{path}")
        assert '"state":"completed"' in answer.text
        assert '"state":"open"' not in answer.text
        assert answer.headers["x-quorate-up-to-date"] == "yes"


async def test_images_still_to_be_opened_are_finished_with_the_others(api):
    for _ in range(TIMES):
        task_id = await api.task()
        await api.upload(task_id, *((f"{n}.png", api.picture()) for n in range(5)))
        await api.http.post(f"/api/tasks/{task_id}/finish", json=REASON)
        assert {one["state"] for one in await api.results(task_id)} == {"disputed"}
        disputes = await api.http.get("/api/disputes", params={"task_id": task_id})
        assert len(disputes.json()["items"]) == 5


async def test_what_finishing_an_image_leads_to_is_in_what_is_read_right_after(api):
    for _ in range(TIMES):
        task_id = await half_voted(api, images=1)
        [image] = await api.results(task_id)
        await api.http.post(f"/api/subtasks/{image['image_id']}/finish", json=REASON)
        assert [one["decided_by"] for one in await api.results(task_id)] == ["client"]


async def test_what_new_terms_settle_is_in_what_is_read_right_after(api):
    for _ in range(TIMES):
        task_id = await half_voted(api)
        answer = await api.http.patch(f"/api/tasks/{task_id}", json={"votes_required": 1})
        assert answer.headers["x-quorate-up-to-date"] == "yes"
        assert {one["state"] for one in await api.results(task_id)} == {"completed"}
        listed = (await api.http.get("/api/tasks")).json()["items"]
        assert [one["state"] for one in listed if one["id"] == task_id] == ["completed"]


async def test_new_terms_are_in_what_is_leased_right_after(api):
    for number in range(TIMES):
        task_id, _ = await api.task_with(1)
        await api.http.patch(f"/api/tasks/{task_id}", json={"add_labels": [f"fox {number}"]})
        [lease] = await api.lease("ann", 1, task_id)
        assert lease["labels"][-1] == f"fox {number}"
        assert (await api.vote("ann", lease["subtask_id"], f"fox {number}", lease["token"])).status_code == 200


async def test_a_task_that_was_opened_again_finishes_no_image(api):
    for _ in range(TIMES):
        task_id = await half_voted(api, images=1)
        await api.http.post(f"/api/tasks/{task_id}/finish", json=REASON)
        await api.http.post(f"/api/tasks/{task_id}/reopen")
        await api.upload(task_id, ("late.png", api.picture()))
        assert sorted(one["state"] for one in await api.results(task_id)) == ["completed", "open"]


async def test_an_image_is_there_right_after_its_upload_and_gone_right_after_its_removal(api):
    for _ in range(TIMES):
        task_id = await api.task()
        [image] = (await api.upload(task_id, ("a.png", api.picture()))).json()["images"]
        path = f"/api/subtasks/{image['image_id']}"
        assert (await api.http.get(path)).headers["x-quorate-up-to-date"] == "yes"
        await api.http.delete(f"/api/tasks/{task_id}/images/{image['image_id']}")
        assert (await api.http.get(path)).status_code == 404


async def test_a_cancelled_task_has_no_disputes_right_after(api):
    for _ in range(TIMES):
        task_id, _ = await api.task_with(1)
        await api.http.post(f"/api/tasks/{task_id}/finish", json=REASON)
        await api.http.delete(f"/api/tasks/{task_id}")
        assert (await api.http.get("/api/disputes")).json()["items"] == []


async def test_a_read_before_an_order_has_been_carried_out_says_so(api, monkeypatch):
    monkeypatch.setattr(arrivals, "PATIENCE_S", 0.05)
    task_id = await half_voted(api)
    may_reconsider = asyncio.Event()
    keep = api.platform.subtasks.store.keep_brief

    async def keep_late(brief) -> bool:
        await may_reconsider.wait()
        return await keep(brief)

    monkeypatch.setattr(api.platform.subtasks.store, "keep_brief", keep_late)
    ordered = await api.http.patch(f"/api/tasks/{task_id}", json={"votes_required": 1})
    answer = await api.http.get(f"/api/tasks/{task_id}/results")
    assert {one.headers["x-quorate-up-to-date"] for one in (ordered, answer)} == {"no"}
    may_reconsider.set()
    await api.settled()
    assert (await api.http.get(f"/api/tasks/{task_id}/results")).headers["x-quorate-up-to-date"] == "yes"


# What cannot be waited for


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
    wanted = {"task_id": task_id}
    try:
        await api.upload(task_id, *((f"{n}.png", api.picture()) for n in range(3)))
        await api.platform.task_relay.flush()
        answer = (await api.http.post("/api/leases", json=wanted)).json()
    finally:
        may_open.set()
    assert answer.pop("opening") >= 3  # an event may be on the bus twice
    assert answer == {"leases": [], "more": False, "waiting_for_others": 0, "next_cursor": None}
    await api.settled()
    assert len(await api.lease("ann", 3, task_id)) == 3
    assert (await api.http.post("/api/leases", json=wanted)).json()["opening"] == 0


async def test_what_another_team_has_stored_is_neither_told_nor_waited_for(tmp_path, monkeypatch):
    async with running(tmp_path / "data", auth="on") as api:
        api.app.front._authenticator = Pretended()
        may_open, store = asyncio.Event(), api.platform.subtasks.store
        opened, asked = store.open, []

        async def open_late(brief, decide) -> bool:
            await may_open.wait()
            return await opened(brief, decide)

        async def asking(team, *args, claim=store.claim, **more):
            asked.append(team)
            return await claim(team, *args, **more)

        monkeypatch.setattr(store, "open", open_late)
        monkeypatch.setattr(store, "claim", asking)
        try:
            api.http.headers["x-as"] = f"client@{OURS}"
            await api.upload(await api.task(), *((f"{n}.png", api.picture()) for n in range(3)))
            await api.platform.task_relay.flush()
            told = {}
            for team in (OURS, THEIRS):
                answer = await api.http.post("/api/leases", json={}, headers={"x-as": f"operator@{team}"})
                told[team] = answer.json()["opening"]
        finally:
            may_open.set()
        assert told == {OURS: 3, THEIRS: 0}
        assert (asked.count(OURS), asked.count(THEIRS)) == (6, 2)
