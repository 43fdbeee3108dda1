"""In which order operators get a task's images, and clients its results."""

import json

import pytest

from tests.service.running import as_user, assert_problem

NAMES = ["IMG_10.png", "img_9.png", "a.png", "IMG_100.png", "img_2.png"]
SORTED = ["a.png", "img_2.png", "img_9.png", "IMG_10.png", "IMG_100.png"]


async def task_in_order(api, **terms) -> str:
    task_id = await api.task(quorum={"votes_required": 1}, **terms)
    for name in NAMES:
        await api.upload(task_id, (name, api.picture()))
    await api.http.post(f"/api/tasks/{task_id}/seal")
    await api.settled()
    return task_id


async def walked(api, task_id) -> list[str | None]:
    names = []
    while leases := await api.lease("ann", 1, task_id):
        names += [lease["filename"] for lease in leases]
        await api.vote("ann", leases[0]["subtask_id"], "cat", leases[0]["token"])
    return names


@pytest.mark.parametrize(("order", "expected"), [("upload", NAMES), ("name", SORTED)])
async def test_an_operator_gets_the_images_in_the_task_s_order(api, order, expected):
    task_id = await task_in_order(api, order=order)
    assert await walked(api, task_id) == expected
    assert (await api.http.get(f"/api/tasks/{task_id}")).json()["order"] == order


async def test_without_an_order_every_image_comes_once_in_any(api):
    task_id = await task_in_order(api)
    assert sorted(await walked(api, task_id)) == sorted(NAMES)


async def test_a_task_may_hide_names_from_operators(api):
    task_id = await task_in_order(api, hide_names=True)
    (lease,) = await api.lease("ann", 1, task_id)
    assert (lease["filename"], lease["width"], lease["height"]) == (None, 8, 8)
    shown = (await api.http.get(f"/api/subtasks/{lease['subtask_id']}", headers=as_user("owner"))).json()
    assert shown["filename"] in NAMES


@pytest.mark.parametrize("limit", [1, 2, 1000])
@pytest.mark.parametrize(("order", "expected"), [("upload", NAMES), ("name", SORTED)])
async def test_results_and_exports_come_in_an_order(api, order, expected, limit):
    task_id = await task_in_order(api)
    assert [one["filename"] for one in await api.results(task_id, limit, order=order)] == expected
    exported = (await api.http.get(f"/api/tasks/{task_id}/export", params={"order": order})).text
    assert [json.loads(line)["filename"] for line in exported.splitlines()] == expected


async def test_a_cursor_of_one_order_is_none_of_another(api):
    task_id = await task_in_order(api)
    page = (await api.http.get(f"/api/tasks/{task_id}/results", params={"order": "name", "limit": 1})).json()
    query = {"order": "upload", "cursor": page["next_cursor"]}
    assert_problem(await api.http.get(f"/api/tasks/{task_id}/results", params=query), 400)


async def test_an_unknown_order_is_refused(api):
    body = {"name": "animals", "labels": ["cat"], "order": "size"}
    assert_problem(await api.http.post("/api/tasks", json=body), 422, pointer="/order")


async def test_results_are_filtered_and_sorted_by_what_people_and_detector_said(api):
    task_id = await task_in_order(api)
    await walked(api, task_id)
    await api.settled()
    everything = await api.results(task_id)
    assert len(everything) == len(NAMES)

    async def names(**query) -> list[str]:
        return [one["filename"] for one in await api.results(task_id, limit=2, **query)]

    assert await names(order="newest") == NAMES[::-1]
    by_id = [one["filename"] for one in everything]
    assert await names(order="uncertain", agreement_from=1) == by_id, "all of them agree, so they come by id"
    assert await names(order="confident", agreement_below=1) == []
    assert await names(filename="IMG_1", order="name") == ["IMG_10.png", "IMG_100.png"]
    assert await names(decided_by="detector") == []
    assert await names(against_detector="true") == []
    assert await names(suggested="cat") == []
    for query in (
        {"agreement_below": "2"},
        {"agreement_from": "nan"},
        {"decided_by": "chance"},
        {"filename": 201 * "x"},
    ):
        assert_problem(await api.http.get(f"/api/tasks/{task_id}/results", params=query), 422)
    query = {"order": "uncertain"}
    assert_problem(await api.http.get(f"/api/tasks/{task_id}/export", params=query), 422)
