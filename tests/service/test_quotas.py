"""What teams may have: over HTTP."""

import asyncio

import pytest

from shared import quotas
from tests.service.access_table import Pretended
from tests.service.running import LABELS, Api, as_user, assert_problem, running

NONE = {"bytes": None, "images": None, "open_tasks": None}


async def put(api: Api, team: str = "first", **wanted: int | None) -> dict:
    answer = await api.http.put(f"/api/admin/quotas/{team}", json=wanted)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def usage(api: Api) -> dict:
    [first] = (await api.http.get("/api/admin/quotas")).json()["items"]
    return first["usage"]


async def pictures(api: Api, count: int) -> list[tuple[str, bytes]]:
    return [(f"{number}.png", api.picture()) for number in range(count)]


async def create(api: Api):
    body = {"name": "animals", "labels": LABELS, "detector": {"mode": "off"}}
    return await api.http.post("/api/tasks", json=body)


async def test_nothing_is_bounded_where_nothing_is_set(api):
    task_id = await api.task()
    await api.upload(task_id, *await pictures(api, 3))
    [first] = (await api.http.get("/api/admin/quotas")).json()["items"]
    assert (first["team"], first["own"], first["limits"]) == ("first", NONE, NONE)
    assert (first["usage"]["images"], first["usage"]["open_tasks"]) == (3, 1)
    assert first["usage"]["bytes"] > 0


async def test_images_are_taken_up_to_the_quota_and_the_others_say_which_it_is(api):
    task_id = await api.task()
    await put(api, images=2)
    report = (await api.upload(task_id, *await pictures(api, 5))).json()
    assert (report["accepted"], report["rejected"]) == (2, 3)
    assert [one["status"] for one in report["images"]] == ["accepted"] * 2 + ["rejected"] * 3
    assert [one["quota"] for one in report["images"]] == [None, None, "images", "images", "images"]
    assert "quota of images" in report["images"][4]["reason"]
    assert (await usage(api))["images"] == 2
    await api.unharmed()


async def test_an_upload_that_brings_nothing_in_is_403_with_the_quota(api):
    task_id = await api.task()
    await put(api, bytes=0)
    problem = assert_problem(await api.upload(task_id, *await pictures(api, 2)), 403, saying="quota of bytes")
    assert problem["quota"] == "bytes"
    begun = await api.http.post(f"/api/tasks/{task_id}/uploads", json={"files": [{"filename": "a.png"}]})
    assert assert_problem(begun, 403, code="quota-reached")["quota"] == "bytes"
    await api.unharmed()


async def test_what_is_there_already_is_a_duplicate_though_the_quota_is_used_up(api):
    task_id = await api.task()
    [one] = await pictures(api, 1)
    await api.upload(task_id, one)
    await put(api, images=1)
    report = (await api.upload(task_id, one, *await pictures(api, 1))).json()
    assert [one["status"] for one in report["images"]] == ["duplicate", "rejected"]


async def test_uploads_at_once_pass_no_quota_together(api):
    task_ids = [await api.task() for _ in range(4)]
    await put(api, images=10)
    files = {one: await pictures(api, 5) for one in task_ids}
    reports = await asyncio.gather(*(api.upload(one, *files[one]) for one in task_ids))
    assert sum(report.json().get("accepted", 0) for report in reports) <= 10
    assert (await usage(api))["images"] <= 10
    await api.unharmed()


async def test_erasing_a_task_makes_room(api):
    task_id = await api.task()
    await put(api, images=1, open_tasks=1)
    await api.upload(task_id, *await pictures(api, 1))
    assert assert_problem(await create(api), 403, code="quota-reached")["quota"] == "open_tasks"
    await api.http.delete(f"/api/tasks/{task_id}")
    await api.platform.collector.sweep()
    assert await usage(api) == {"bytes": 0, "images": 0, "open_tasks": 0}
    other = await api.task()
    assert (await api.upload(other, *await pictures(api, 1))).json()["accepted"] == 1


async def test_a_task_that_was_created_before_is_answered_and_one_that_ended_is_not_reopened(api):
    key = {"Idempotency-Key": "k"}
    body = {"name": "animals", "labels": LABELS}
    first = await api.http.post("/api/tasks", json=body, headers=key)
    await put(api, open_tasks=1)
    assert (await api.http.post("/api/tasks", json=body, headers=key)).json()["id"] == first.json()["id"]
    await api.http.post(f"/api/tasks/{first.json()['id']}/seal")
    await create(api)
    reopened = await api.http.post(f"/api/tasks/{first.json()['id']}/reopen")
    assert assert_problem(reopened, 403)["quota"] == "open_tasks"


async def test_a_quota_may_be_taken_back_and_the_defaults_are_those_of_the_settings(tmp_path):
    async with running(tmp_path, quota_images=5, quota_live_leases=7) as api:
        assert (await put(api))["limits"] == NONE | {"images": 5}
        shown = await put(api, images=9)
        assert (shown["own"]["images"], shown["limits"]["images"]) == (9, 9)
        assert (await put(api, images=None))["limits"]["images"] == 5
        leases = (await api.http.get("/api/leases/quotas")).json()
        assert leases == {"defaults": {"live_leases": 7}, "items": [], "next_cursor": None}


@pytest.mark.parametrize("wanted", [{"bytes": -1}, {"images": 1.5}, {"images": "5"}, {"pictures": 5}, {"bytes": 2**53}])
async def test_what_is_no_quota_is_refused(api, wanted):
    assert_problem(await api.http.put("/api/admin/quotas/first", json=wanted), 422)
    assert_problem(await api.http.put("/api/admin/quotas/..x", json={}), 404)


# Leases


async def lease(api: Api, count: int, user: str = "ann", **wanted: object):
    return await api.http.post("/api/leases", json={"count": count, **wanted}, headers=as_user(user))


async def test_an_operator_holds_no_more_leases_than_the_quota_says(api):
    task_id, _ = await api.task_with(6)
    other, _ = await api.task_with(3)
    await api.http.put("/api/leases/quotas/first", json={"live_leases": 4})
    assert len((await lease(api, 100, task_id=task_id)).json()["leases"]) == 4
    assert len((await lease(api, 100)).json()["leases"]) == 4
    refused = await lease(api, 1, task_id=other)
    assert assert_problem(refused, 403, code="quota-reached")["quota"] == "live_leases"
    assert len((await lease(api, 100, "ben")).json()["leases"]) == 4
    [one, *_] = (await lease(api, 4)).json()["leases"]
    await api.vote("ann", one["subtask_id"], "cat", one["token"])
    assert len((await lease(api, 5, task_id=other)).json()["leases"]) == 1


async def test_a_lease_quota_counts_at_once_and_can_be_taken_back(api):
    await api.task_with(3)
    await api.http.put("/api/leases/quotas/first", json={"live_leases": 0})
    assert_problem(await lease(api, 1), 403)
    listed = (await api.http.get("/api/leases/quotas")).json()["items"]
    assert listed == [{"team": "first", "own": {"live_leases": 0}, "limits": {"live_leases": 0}}]
    await api.http.put("/api/leases/quotas/first", json={})
    assert len((await lease(api, 3)).json()["leases"]) == 3
    assert (await api.http.get("/api/leases/quotas")).json()["items"] == []


# Teams


async def test_each_team_has_quotas_of_its_own_and_is_listed_where_it_has_anything(tmp_path, monkeypatch):
    monkeypatch.setattr(quotas, "KNOWN_S", 0.0)
    async with running(tmp_path, auth="on") as api:
        api.app.front._authenticator = Pretended()
        api.http.headers["x-as"] = "client@first"
        mine = await api.task()
        theirs, unused = "a" * 32, "b" * 32
        api.http.headers["x-as"] = f"client@{theirs}"
        other = await api.task()
        api.http.headers["x-as"] = "admin@first"
        await put(api, theirs, images=0)
        await put(api, unused, images=5)
        pages = [(await api.http.get("/api/admin/quotas", params={"limit": 2})).json()]
        pages.append((await api.http.get("/api/admin/quotas", params={"cursor": pages[0]["next_cursor"]})).json())
        assert [one["team"] for page in pages for one in page["items"]] == [theirs, unused, "first"]
        assert pages[1]["next_cursor"] is None
        api.http.headers["x-as"] = f"client@{theirs}"
        assert_problem(await api.upload(other, *await pictures(api, 1)), 403)
        api.http.headers["x-as"] = "client@first"
        assert (await api.upload(mine, *await pictures(api, 1))).json()["accepted"] == 1
        for who in ("admin@" + theirs, "client@first"):
            answer = await api.http.get("/api/admin/quotas", headers={"x-as": who})
            assert_problem(answer, 403)
