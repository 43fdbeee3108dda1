"""Operators who were invited to a task: who else asks for it gets the answer of another team's."""

from tests.service.running import as_user, assert_problem

TERMS = {"quorum": {"votes_required": 2, "max_votes": 2}}
NOWHERE = "f" * 32


async def change(api, task_id: str, **wanted):
    answer = await api.http.patch(f"/api/tasks/{task_id}/operators", json=wanted)
    await api.settled()
    return answer


async def asked(api, user: str, task_id: str) -> dict:
    body = {"count": 5, "task_id": task_id}
    return (await api.http.post("/api/leases", json=body, headers=as_user(user))).json()


async def work(api, user: str) -> list[str]:
    answer = await api.http.get("/api/work", headers=as_user(user))
    return [one["task_id"] for one in answer.json()["items"]]


async def test_only_the_invited_label_and_the_others_see_nothing_of_it(api):
    task_id, _ = await api.task_with(2, operators=["ann", "ann"], **TERMS)
    assert (await api.http.get(f"/api/tasks/{task_id}")).json()["operators"] == ["ann"]
    assert await asked(api, "bob", task_id) | {"opening": 0} == await asked(api, "bob", NOWHERE) | {"opening": 0}
    assert await work(api, "bob") == []
    assert await work(api, "ann") == [task_id]
    assert len(await api.lease("ann", 2, task_id)) == 2


async def test_who_is_invited_begins_and_who_is_not_any_more_has_nothing_of_it(api):
    task_id, _ = await api.task_with(2, operators=["ann"], **TERMS)
    [first, second] = await api.lease("ann", 2, task_id)
    await api.vote("ann", first["subtask_id"], "cat", first["token"])
    changed = await change(api, task_id, invite=["bob"], uninvite=["ann"])
    assert changed.json()["operators"] == ["bob"]
    late = await api.vote("ann", second["subtask_id"], "cat", second["token"])
    elsewhere = await api.vote("ann", NOWHERE, "cat", "t")
    said = [{**one.json(), "request_id": "", "instance": ""} for one in (late, elsewhere)]
    assert said[0] == said[1]
    undone = await api.http.delete(f"/api/subtasks/{first['subtask_id']}/vote", headers=as_user("ann"))
    assert_problem(undone, 404)
    outcomes = await api.http.post(
        "/api/votes",
        json={"votes": [{"subtask_id": second["subtask_id"], "label": "cat", "token": second["token"]}]},
        headers=as_user("ann"),
    )
    [outcome] = outcomes.json()["outcomes"]
    assert (outcome["status"], outcome["subtask_state"]) == (404, None)
    activity = (await api.http.get("/api/me/activity", headers=as_user("ann"))).json()
    assert (activity["today"], activity["recent"]) == (1, [])  # what they voted counts, but is not shown
    held = await api.lease("bob", 2, task_id)
    assert len(held) == 2
    for lease in held:
        await api.vote("bob", lease["subtask_id"], "cat", lease["token"])
    await api.settled()
    assert [one["state"] for one in await api.results(task_id)].count("completed") == 1


async def test_a_task_is_opened_to_all_and_closed_again(api):
    task_id, _ = await api.task_with(1, **TERMS)
    assert_problem(await change(api, task_id, invite=["ann"]), 409)
    assert (await change(api, task_id, only_invited=True, invite=["ann"])).json()["operators"] == ["ann"]
    assert (await change(api, task_id, only_invited=True)).json()["operators"] == ["ann"]
    assert await work(api, "bob") == []
    assert_problem(await change(api, task_id, only_invited=False, invite=["bob"]), 422)
    assert (await change(api, task_id, only_invited=False)).json()["operators"] is None
    assert await work(api, "bob") == [task_id]


async def test_no_more_than_two_hundred_are_invited(api):
    task_id = await api.task(operators=[f"p{number}" for number in range(200)], **TERMS)
    assert_problem(await change(api, task_id, invite=["one more"]), 422)
    more = {"name": "n", "labels": ["cat"], "operators": [f"p{number}" for number in range(201)]}
    assert_problem(await api.http.post("/api/tasks", json=more), 422)


async def test_a_request_of_before_has_the_identity_that_it_had(api):
    key = {"Idempotency-Key": "k"}
    body = {"name": "n", "labels": ["cat"]}
    first = await api.http.post("/api/tasks", json=body, headers=key)
    again = await api.http.post("/api/tasks", json=body | {"operators": None}, headers=key)
    assert first.json()["id"] == again.json()["id"]
    assert_problem(await api.http.post("/api/tasks", json=body | {"operators": []}, headers=key), 422)
