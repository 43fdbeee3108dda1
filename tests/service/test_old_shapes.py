"""The wire of the systems that came before: their clients run unchanged."""

import json

import pytest

from tests.service import archive_samples as archive
from tests.service.picture_samples import png
from tests.service.running import Api, assert_problem

JSON = {"Content-Type": "application/json"}


async def old_task(api: Api, count: int = 2) -> str:
    created = await api.http.post("/api/tasks", json={"name": "pets", "labels": ["cat", "dog"]})
    assert created.status_code == 201
    task_id = created.json()["id"]
    photos = archive.zipped(*((f"{n}.png", png(n)) for n in range(count)))
    uploaded = await api.http.post(f"/api/tasks/{task_id}/upload", files={"images": ("photos.zip", photos)})
    assert uploaded.status_code == 200
    await api.settled()
    return task_id


@pytest.mark.parametrize("headers", [JSON, {}, {"Content-Type": "text/plain; charset=utf-8"}])
@pytest.mark.parametrize("way", ["body", "query"])
async def test_a_batch_is_labeled_in_the_old_shapes(api: Api, way, headers):
    task_id = await old_task(api)
    wanted = {"userId": "ann", "numberOfSubtasks": 2}
    sent = {"content": json.dumps(wanted)} if way == "body" else {"params": wanted}
    answer = await api.http.request("GET", "/api/subtasks", headers=headers, **sent)
    assert answer.status_code == 200, answer.text
    subtasks = answer.json()["subtasks"]
    assert [set(one) for one in subtasks] == [{"id", "labels"}] * 2
    assert subtasks[0]["labels"] == ["cat", "dog"]
    for total, user in enumerate(("ann", "ben"), 1):
        await api.http.request("GET", "/api/subtasks", content=json.dumps(wanted | {"userId": user}))
        for one in subtasks:
            vote = json.dumps({"userId": user, "assignedLabel": "dog"})
            for _ in range(2):
                patched = await api.http.patch(f"/api/subtasks/{one['id']}", content=vote, headers=headers)
                assert (patched.status_code, patched.json()) == (200, {"newTotal:": total})
    await api.settled()
    assert {(one["label"], one["votes"]["dog"]) for one in await api.results(task_id)} == {("dog", 2)}
    await api.unharmed()


async def test_an_old_vote_needs_a_live_lease(api: Api):
    task_id = await old_task(api, 1)
    (image,) = await api.results(task_id)
    url = f"/api/subtasks/{image['image_id']}"
    assert_problem(await api.http.patch(url, json={"userId": "ann", "assignedLabel": "cat"}), 409)
    await api.http.get("/api/subtasks", params={"userId": "ann", "numberOfSubtasks": 1})
    assert_problem(await api.http.patch(url, json={"userId": "ben", "assignedLabel": "cat"}), 409)
    api.clock.ahead_s = 301
    assert_problem(await api.http.patch(url, json={"userId": "ann", "assignedLabel": "cat"}), 409)
    await api.http.get("/api/subtasks", params={"userId": "ann", "numberOfSubtasks": 1})
    assert (await api.http.patch(url, json={"userId": "ann", "assignedLabel": "cat"})).json() == {"newTotal:": 1}
    assert_problem(await api.http.patch(url, json={"userId": "ann", "assignedLabel": "dog"}), 409)
    await api.unharmed()


REFUSED = {
    "nothing": (b"", 422),
    "null": (b"null", 422),
    "array": (b"[]", 422),
    "truncated": (b'{"userId": "u"', 400),
    "deep": (b"[" * 10_000 + b"]" * 10_000, 400),
    "NaN": (b'{"userId": "u", "numberOfSubtasks": NaN}', 400),
    "no user": (b'{"numberOfSubtasks": 1}', 422),
    "no number": (b'{"userId": "u"}', 422),
    "zero": (b'{"userId": "u", "numberOfSubtasks": 0}', 422),
    "minus one": (b'{"userId": "u", "numberOfSubtasks": -1}', 422),
    "a half": (b'{"userId": "u", "numberOfSubtasks": 1.5}', 422),
    "far too many": (b'{"userId": "u", "numberOfSubtasks": 1000000000}', 422),
    "400 digits": (b'{"userId": "u", "numberOfSubtasks": ' + b"9" * 400 + b"}", 422),
    "a string for a number": (b'{"userId": "u", "numberOfSubtasks": "5"}', 422),
    "true for a number": (b'{"userId": "u", "numberOfSubtasks": true}', 422),
    "an object for a string": (b'{"userId": {"$gt": ""}, "numberOfSubtasks": 1}', 422),
    "an unknown field": (b'{"userId": "u", "numberOfSubtasks": 1, "_id": 1}', 422),
    "an empty user": (b'{"userId": "", "numberOfSubtasks": 1}', 422),
    "a user as a detector": (b'{"userId": "detector:x", "numberOfSubtasks": 1}', 422),
    "a user with a line break": (b'{"userId": "a\\nb", "numberOfSubtasks": 1}', 422),
    "too large": (b'{"userId": "' + b"u" * 1_000_001 + b'", "numberOfSubtasks": 1}', 413),
}


@pytest.mark.parametrize(("body", "status"), REFUSED.values(), ids=REFUSED)
async def test_old_requests_that_are_refused(api: Api, body, status):
    await old_task(api, 1)
    assert_problem(await api.http.request("GET", "/api/subtasks", content=body, headers=JSON), status)
    await api.unharmed()


@pytest.mark.parametrize(
    "number", ["0", "-1", "1.5", "1000000000", "x", "", "9" * 400, "9" * 5_000, "\u0663", "\u00b2"]
)
async def test_old_numbers_in_the_query(api: Api, number):
    params = {"userId": "u", "numberOfSubtasks": number}
    answer = await api.http.get("/api/subtasks", params=params)
    if number == "\u0663":  # a three, in Arabic digits
        assert answer.status_code in {200, 422}
    else:
        assert_problem(answer, 422)


async def test_old_votes_that_are_refused(api: Api):
    task_id = await old_task(api, 1)
    (image,) = await api.results(task_id)
    bodies = [{}, {"userId": "u"}, {"assignedLabel": "cat"}, {"userId": "u", "assignedLabel": 5}, []]
    for body in bodies:
        assert_problem(await api.http.patch(f"/api/subtasks/{image['image_id']}", json=body), 422)
    unknown = {"userId": "u", "assignedLabel": "cat"}
    assert_problem(await api.http.patch("/api/subtasks/nothing", json=unknown), 404)
    await api.unharmed()
