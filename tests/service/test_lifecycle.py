"""A client brings work to an end, and changes what was fixed, over HTTP."""

import pytest

from services.task_manager.exports import Exports, Wanted
from services.task_manager.refusals import Erased
from tests.service.running import Api, as_user, assert_problem

REASON = {"reason": "too few people"}


async def task_of(api: Api, task_id: str) -> dict:
    return (await api.http.get(f"/api/tasks/{task_id}")).json()


async def vote_once(api: Api, user: str, task_id: str, label: str) -> None:
    for lease in await api.lease(user, 10, task_id):
        await api.vote(user, lease["subtask_id"], label, lease["token"])


async def test_an_image_with_too_few_people_is_finished_by_hand(api: Api):
    task_id, (image_id,) = await api.task_with(1)
    await vote_once(api, "ann", task_id, "cat")
    answer = await api.http.post(f"/api/subtasks/{image_id}/finish", json=REASON, headers=as_user("client"))
    assert answer.status_code == 200, answer.text
    shown = answer.json()["result"]
    assert (shown["label"], shown["decided_by"], shown["by"], shown["reason"]) == (
        "cat",
        "client",
        "client",
        "too few people",
    )
    await api.settled()
    (row,) = await api.results(task_id)
    assert (row["state"], row["label"], row["decided_by"], row["by"]) == ("completed", "cat", "client", "client")
    again = await api.http.post(f"/api/subtasks/{image_id}/finish", json=REASON, headers=as_user("client"))
    assert again.json() == answer.json() | {"image_url": again.json()["image_url"]}
    other = await api.http.post(f"/api/subtasks/{image_id}/finish", json=REASON, headers=as_user("eve"))
    assert_problem(other, 409)
    await api.unharmed()


async def test_a_whole_task_is_finished_with_the_votes_there_are(api: Api):
    task_id, _ = await api.task_with(3)
    for lease in await api.lease("ann", 2, task_id):
        await api.vote("ann", lease["subtask_id"], "dog", lease["token"])
    answer = await api.http.post(f"/api/tasks/{task_id}/finish", json=REASON, headers=as_user("client"))
    assert (answer.status_code, answer.json()["state"]) == (200, "completed")
    task = await task_of(api, task_id)
    assert (task["state"], task["counts"]) == (
        "completed",
        {"images": 3, "open": 0, "completed": 2, "disputed": 1, "processing": 0, "failed": 0},
    )
    rows = await api.results(task_id)
    assert sorted((row["label"] or "", row["decided_by"], row["reason"]) for row in rows) == [
        ("", None, "too few people"),
        ("dog", "client", "too few people"),
        ("dog", "client", "too few people"),
    ]
    (dispute,) = (await api.http.get("/api/disputes", params={"task_id": task_id})).json()["items"]
    decided = {"label": "cat", "reason": "I looked"}
    await api.http.post(f"/api/disputes/{dispute['id']}", json=decided, headers=as_user("eve"))
    await api.settled()
    (judged,) = [row for row in await api.results(task_id) if row["image_id"] == dispute["id"]]
    assert [(one["by"], one["reason"], one["label"]) for one in judged["earlier"]] == [
        ("client", "too few people", None)
    ]
    lines = (await api.http.get(f"/api/tasks/{task_id}/export?format=csv")).text
    assert "too few people" in lines, "who decided what before stays visible"
    await api.unharmed()


async def test_a_finished_task_can_be_opened_again_and_goes_on(api: Api):
    task_id, _ = await api.task_with(1)
    await api.http.post(f"/api/tasks/{task_id}/finish", json=REASON)
    await api.settled()
    assert (await task_of(api, task_id))["state"] == "completed"
    answer = await api.http.post(f"/api/tasks/{task_id}/reopen")
    assert (answer.status_code, answer.json()["state"]) == (200, "open")
    assert (await api.upload(task_id, ("new.png", api.picture()))).json()["accepted"] == 1
    await api.settled()
    assert len(await api.lease("ann", 5, task_id)) == 1, "the new image is not finished with the others"
    await api.http.post(f"/api/tasks/{task_id}/seal")
    await vote_once(api, "ann", task_id, "cat")
    await vote_once(api, "bob", task_id, "cat")
    await api.settled()
    assert (await task_of(api, task_id))["state"] == "completed"
    await api.unharmed()


async def test_fewer_votes_settle_what_they_can(api: Api):
    task_id, _ = await api.task_with(2, quorum={"votes_required": 5, "stop": "exact"})
    await vote_once(api, "ann", task_id, "cat")
    answer = await api.http.patch(f"/api/tasks/{task_id}", json={"votes_required": 1})
    assert answer.json()["quorum"] == {
        "votes_required": 1,
        "stop": "exact",
        "lead": 3,
        "min_agreement": 0.0,
        "max_votes": 3,
    }
    await api.settled()
    assert {(row["label"], row["decided_by"]) for row in await api.results(task_id)} == {("cat", "quorum")}
    await api.unharmed()


async def test_labels_are_added_and_shown_by_other_names_and_votes_keep_theirs(api: Api):
    task_id, (image_id,) = await api.task_with(1, quorum={"votes_required": 2, "stop": "exact"})
    await vote_once(api, "ann", task_id, "cat")
    change = {"name": "pets", "instructions": "look", "add_labels": ["fox"], "label_names": {"cat": "Kitty"}}
    answer = await api.http.patch(f"/api/tasks/{task_id}", json=change)
    shown = answer.json()
    assert (shown["name"], shown["instructions"], shown["labels"]) == ("pets", "look", ["cat", "dog", "bird", "fox"])
    assert shown["label_names"] == {"cat": "Kitty"}
    await api.settled()
    (lease,) = await api.lease("bob", 1, task_id)
    assert (lease["labels"][-1], lease["label_names"], lease["instructions"]) == ("fox", {"cat": "Kitty"}, "look")
    await api.vote("bob", image_id, "cat", lease["token"])
    await api.settled()
    assert (await api.results(task_id))[0]["label"] == "cat"
    await api.unharmed()


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"votes_required": 0}, "/votes_required"),
        ({"votes_required": True}, "/votes_required"),
        ({"add_labels": ["Cat"]}, "/labels/3"),
        ({"label_names": {"wolf": "x"}}, "/label_names"),
        ({"labels": ["a"]}, "/labels"),
        ({"state": "open"}, "/state"),
    ],
)
async def test_what_cannot_be_changed_is_refused(api: Api, change, pointer):
    task_id, _ = await api.task_with(1)
    refused = await api.http.patch(f"/api/tasks/{task_id}", json=change)
    assert_problem(refused, 422)
    assert refused.json()["errors"][0]["pointer"] == pointer
    await api.unharmed()


async def test_an_image_is_removed_with_its_votes_and_its_object(api: Api):
    task_id, (first, second) = await api.task_with(2)
    await vote_once(api, "ann", task_id, "cat")
    (url,) = [row["image_url"] for row in await api.results(task_id) if row["image_id"] == first]
    for _ in range(2):
        assert (await api.http.delete(f"/api/tasks/{task_id}/images/{first}")).status_code == 204
    await api.settled()
    assert [row["image_id"] for row in await api.results(task_id)] == [second]
    assert (await api.http.get(url)).status_code == 404
    assert (await api.http.get(f"/api/subtasks/{first}")).status_code == 404
    assert (await task_of(api, task_id))["counts"]["images"] == 1
    other_task = await api.task()
    assert_problem(await api.http.delete(f"/api/tasks/{other_task}/images/{second}"), 404)
    assert_problem(await api.http.delete(f"/api/tasks/{task_id}/images/{'0' * 32}"), 404)
    await api.unharmed()


async def test_the_same_bytes_come_again_after_their_removal(api: Api):
    task_id, data = await api.task(), api.picture()
    (one,) = (await api.upload(task_id, ("a.png", data))).json()["images"]
    await api.settled()
    await api.http.delete(f"/api/tasks/{task_id}/images/{one['image_id']}")
    await api.settled()
    (again,) = (await api.upload(task_id, ("a.png", data))).json()["images"]
    assert (again["status"], again["image_id"]) == ("accepted", one["image_id"])
    await api.settled()
    assert [lease["subtask_id"] for lease in await api.lease("ann", 5, task_id)] == [one["image_id"]]
    await api.unharmed()


async def test_removing_the_last_open_image_completes_the_task(api: Api):
    task_id, (image_id,) = await api.task_with(1)
    await api.http.post(f"/api/tasks/{task_id}/seal")
    await api.http.delete(f"/api/tasks/{task_id}/images/{image_id}")
    await api.settled()
    assert (await task_of(api, task_id))["state"] == "completed"
    await api.unharmed()


@pytest.mark.parametrize("way", ["finish", "reopen", "edit"])
async def test_a_cancelled_task_is_past_all_this(api: Api, way):
    task_id, _ = await api.task_with(1)
    await api.http.delete(f"/api/tasks/{task_id}")
    calls = {
        "finish": lambda: api.http.post(f"/api/tasks/{task_id}/finish", json=REASON),
        "reopen": lambda: api.http.post(f"/api/tasks/{task_id}/reopen"),
        "edit": lambda: api.http.patch(f"/api/tasks/{task_id}", json={"name": "b"}),
    }
    assert_problem(await calls[way](), 409)


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "  \t"}, {"reason": 5}])
async def test_an_order_to_finish_says_why(api: Api, body):
    task_id, (image_id,) = await api.task_with(1)
    for path in (f"/api/tasks/{task_id}/finish", f"/api/subtasks/{image_id}/finish"):
        assert_problem(await api.http.post(path, json=body), 422)


@pytest.mark.parametrize("path", ["results", "images", "export", "export?format=csv", "events"])
async def test_an_erased_task_says_that_it_is_gone(api: Api, path):
    task_id, _ = await api.task_with(1)
    await api.http.delete(f"/api/tasks/{task_id}")
    assert_problem(await api.http.get(f"/api/tasks/{task_id}/{path}"), 410, code="gone")
    assert_problem(await api.http.post(f"/api/tasks/{task_id}/seal"), 409, code="cancelled")
    assert (await task_of(api, task_id))["state"] == "cancelled"


async def test_an_export_does_not_end_like_a_whole_one_when_its_task_is_erased_meanwhile(api: Api):
    task_id, _ = await api.task_with(2)
    tasks = api.platform.tasks
    lines = Exports(tasks.store, tasks.objects, tasks.spool).file(await tasks.store.task(task_id), Wanted(form="csv"))
    assert (await anext(lines)).startswith(b"image_id,")
    await api.http.delete(f"/api/tasks/{task_id}")
    with pytest.raises(Erased):
        _ = [line async for line in lines]
