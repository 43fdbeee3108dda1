"""A task's statistics over HTTP: computed off the request, and again when they are out of date."""

import asyncio

from tests.service.running import Api, assert_problem


async def first(api: Api, task_id: str) -> dict:
    """The statistics, once they are there."""
    for _ in range(200):
        answer = await api.http.get(f"/api/tasks/{task_id}/statistics")
        if answer.status_code == 200:
            return answer.json()
        assert (answer.status_code, answer.headers["retry-after"], answer.text) == (202, "1", "")
        await asyncio.sleep(0.02)
    raise AssertionError("they were never computed")


async def test_they_are_computed_when_they_are_asked_for_and_once_at_rest(api: Api):
    task_id, _ = await api.task_with(2, quorum={"votes_required": 1})
    assert (await api.http.get(f"/api/tasks/{task_id}/statistics")).status_code == 202
    told = await first(api, task_id)
    assert (told["open"], told["settled"], told["is_final"]) == (2, 0, False)
    await api.lease_and_vote("ada", task_id, "cat")
    await api.settled()
    await asyncio.sleep(0.1)
    assert await first(api, task_id) == told, "not twice within a minute"
    await api.lease_and_vote("ada", task_id, "dog")
    await api.settled()
    assert (await first(api, task_id))["is_final"] is False, "what was saved is answered at once"
    for _ in range(200):
        if (told := await first(api, task_id))["is_final"]:
            break
        await asyncio.sleep(0.02)
    assert (told["settled"], told["votes"], told["votes_per_minute"]) == (2, 2, 2)
    assert [one["count"] for one in told["labels"]] == [1, 1, 0]
    api.clock.ahead_s = 3_600
    await asyncio.sleep(0.1)
    assert await first(api, task_id) == told, "once at rest"
    await asyncio.sleep(0.1)
    assert await first(api, task_id) == told


async def test_there_are_none_of_what_is_not_there(api: Api):
    assert_problem(await api.http.get(f"/api/tasks/{'0' * 32}/statistics"), 404)
    task_id = await api.task()
    await api.http.delete(f"/api/tasks/{task_id}")
    assert_problem(await api.http.get(f"/api/tasks/{task_id}/statistics"), 410)
