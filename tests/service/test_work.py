"""What operators are told of their own votes, and of what there is to work on."""

import datetime as dt

import pytest

from tests.service.running import LABELS, Api, as_user, assert_problem

EXACT = {"quorum": {"votes_required": 3, "stop": "exact"}}


async def activity(api: Api, user: str, **query: object) -> dict:
    answer = await api.http.get("/api/me/activity", params=query, headers=as_user(user))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def work(api: Api, user: str) -> dict[str, dict]:
    answer = await api.http.get("/api/work", headers=as_user(user))
    assert answer.status_code == 200, answer.text
    return {one.pop("task_id"): one for one in answer.json()["items"]}


async def test_who_has_not_voted_is_told_of_nothing(api: Api):
    await api.task_with(2)
    assert await activity(api, "ada") == {"today": 0, "votes_per_minute": 0.0, "recent": []}


async def test_own_votes_are_told_of_and_nothing_of_others(api: Api):
    task_id, _ = await api.task_with(3, allow_unsure=True, **EXACT)
    voted = []
    for label in ("cat", "unsure"):
        (lease,) = await api.lease("ada", 1, task_id)
        await api.vote("ada", lease["subtask_id"], label, lease["token"])
        voted.append(lease)
    for lease in await api.lease("bob", 3, task_id):
        await api.vote("bob", lease["subtask_id"], "dog", lease["token"])
    told = await activity(api, "ada")
    assert (told["today"], told["votes_per_minute"]) == (2, 0.4)
    newest, first = told["recent"]
    assert {**newest, "at": "", "thumbnail_url": ""} == {
        "subtask_id": voted[1]["subtask_id"],
        "task_id": task_id,
        "label": None,
        "at": "",
        "can_undo": True,
        "thumbnail_url": "",
    }
    assert (first["subtask_id"], first["label"]) == (voted[0]["subtask_id"], "cat")
    assert newest["at"] > first["at"]
    assert (await api.http.get(newest["thumbnail_url"])).headers["content-type"].startswith("image/")
    assert [one["subtask_id"] for one in (await activity(api, "ada", limit=1))["recent"]] == [newest["subtask_id"]]
    assert (await activity(api, "ada", limit=0))["recent"] == []


async def test_can_undo_says_what_undo_does(api: Api):
    """Two votes alike settle an image; one of two that differ has led to a third lease."""
    task_id, ids = await api.task_with(3, quorum={"votes_required": 3, "stop": "settled"})
    settled, asked, free = ids
    for user, label in (("ada", "cat"), ("bob", "dog")):
        for lease in await api.lease(user, 3, task_id):
            if user == "ada" or lease["subtask_id"] != free:
                said = "cat" if lease["subtask_id"] == settled else label
                await api.vote(user, lease["subtask_id"], said, lease["token"])
    assert len(await api.lease("eve", 1, task_id)) == 1
    told = {one["subtask_id"]: one["can_undo"] for one in (await activity(api, "ada"))["recent"]}
    assert told.keys() == {*ids}
    assert (told[settled], told[free]) == (False, True)
    for subtask_id, can_undo in told.items():
        undone = await api.http.delete(f"/api/subtasks/{subtask_id}/vote", headers=as_user("ada"))
        assert undone.status_code == (200 if can_undo else 409), subtask_id
    left = {one["subtask_id"] for one in (await activity(api, "ada"))["recent"]}
    assert left == {one for one, can_undo in told.items() if not can_undo}
    assert asked in told


async def test_what_is_removed_or_erased_is_told_of_no_more(api: Api):
    task_id, ids = await api.task_with(2, **EXACT)
    for lease in await api.lease("ada", 2, task_id):
        await api.vote("ada", lease["subtask_id"], "cat", lease["token"])
    await api.http.delete(f"/api/tasks/{task_id}/images/{ids[0]}")
    await api.settled()
    told = await activity(api, "ada")
    assert (told["today"], [one["subtask_id"] for one in told["recent"]]) == (1, [ids[1]])
    await api.http.delete(f"/api/tasks/{task_id}")
    await api.settled()
    assert await activity(api, "ada") == {"today": 0, "votes_per_minute": 0.0, "recent": []}


async def test_today_begins_where_the_caller_says_and_ends_after_a_day(api: Api):
    task_id, _ = await api.task_with(1, **EXACT)
    await api.lease_and_vote("ada", task_id, "cat")
    now = dt.datetime.fromtimestamp(api.clock(), dt.UTC)
    hour = dt.timedelta(hours=1)
    assert (await activity(api, "ada", since=(now - hour).isoformat()))["today"] == 1
    assert (await activity(api, "ada", since=(now + hour).isoformat()))["today"] == 0
    assert (await activity(api, "ada", since="0001-01-01T00:00:00+00:00"))["today"] == 1
    api.clock.ahead_s += 26 * 3600
    assert await activity(api, "ada", since="0001-01-01T00:00:00Z") == {
        "today": 0,
        "votes_per_minute": 0.0,
        "recent": [],
    }


@pytest.mark.parametrize(
    "query",
    [
        {"since": "1764300000"},
        {"since": "2026-11-28"},
        {"since": "2026-11-28T00:00:00"},
        {"since": "2026-13-28T00:00:00Z"},
        {"limit": 101},
        {"limit": -1},
        {"user": "bob"},
    ],
)
async def test_what_cannot_be_asked_for_is_refused(api: Api, query: dict):
    assert_problem(await api.http.get("/api/me/activity", params=query), 422)


async def test_tasks_are_told_of_with_what_is_there_for_the_caller(api: Api):
    first, _ = await api.task_with(2, name="animals", **EXACT)
    second, _ = await api.task_with(1, name="more", labels=["a", "b"], hide_names=True, detector={"mode": "suggest"})
    await api.task(name="empty")
    for lease in await api.lease("ada", 2, first):
        await api.vote("ada", lease["subtask_id"], "cat", lease["token"])
    assert list((await work(api, "bob")).values()) == list((await work(api, "eve")).values())
    assert await work(api, "ada") == {
        first: {
            "name": "animals",
            "labels": len(LABELS),
            "open_for_me": False,
            "waiting_for_others": 2,
            "has_suggestions": False,
        },
        second: {
            "name": "more",
            "labels": 2,
            "open_for_me": True,
            "waiting_for_others": 0,
            "has_suggestions": True,
        },
    }


async def test_a_task_goes_by_its_new_name_at_once(api: Api):
    task_id, _ = await api.task_with(1)
    renamed = await api.http.patch(f"/api/tasks/{task_id}", json={"name": "beasts"})
    assert renamed.json()["name"] == "beasts"
    answer = await api.http.get("/api/work")
    assert answer.headers["x-quorate-up-to-date"] == "yes"
    assert [one["name"] for one in answer.json()["items"]] == ["beasts"]
    await api.unharmed()
