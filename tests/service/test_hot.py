"""Hot routes answer alike whether a request goes straight to them or, being unusual, through the framework."""

import json

import httpx
import pytest

from shared.errors import StorageFull, Unavailable
from tests.service.running import Api, as_user, assert_problem

STRAIGHT = "application/json"
THROUGH_FASTAPI = "application/json; charset=utf-8"
OWN = ("request_id", "x-request-id")


async def answered(api: Api, path: str, body: bytes, user: str, media_type: str) -> httpx.Response:
    return await api.http.post(path, content=body, headers={"Content-Type": media_type} | as_user(user))


def told(answer: httpx.Response) -> tuple[object, ...]:
    """An answer without the id of its request."""
    body = json.loads(answer.content)
    headers = {name: value for name, value in answer.headers.items() if name not in OWN}
    return answer.status_code, headers, {name: value for name, value in body.items() if name not in OWN}


async def alike(api: Api, path: str, body: object, user: str = "ann") -> httpx.Response:
    """The answer of both ways."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    straight = await answered(api, path, sent, user, STRAIGHT)
    assert told(straight) == told(await answered(api, path, sent, user, THROUGH_FASTAPI))
    return straight


async def test_work_is_answered_alike(api: Api):
    task_id, _ = await api.task_with(3)
    await api.lease("ann", 2, task_id)
    leased = (await alike(api, "/api/leases", {"count": 2, "task_id": task_id})).json()["leases"]
    assert len(leased) == 2
    first, second = ({"label": "cat", "token": lease["token"]} for lease in leased)
    voted = await alike(api, f"/api/subtasks/{leased[0]['subtask_id']}/vote", first)
    assert voted.json()["detail"] == "counted"
    votes = {"votes": [{"subtask_id": leased[1]["subtask_id"], **second}]}
    assert (await alike(api, "/api/votes", votes)).json()["outcomes"][0]["status"] == 200


VOTE = {"label": "cat", "token": "t"}
REFUSED = {
    "no such subtask": ("/api/subtasks/x/vote", VOTE, "ann", 404),
    "an unknown field": ("/api/subtasks/x/vote", VOTE | {"note": 1}, "ann", 422),
    "a missing field": ("/api/subtasks/x/vote", {"label": "cat"}, "ann", 422),
    "a number for a string": ("/api/leases", {"task_id": 5}, "ann", 422),
    "a string for a number": ("/api/leases", {"count": "1"}, "ann", 422),
    "too many": ("/api/leases", {"count": 101}, "ann", 422),
    "no vote": ("/api/votes", {"votes": []}, "ann", 422),
    "no body": ("/api/leases", b"", "ann", 422),
    "no JSON": ("/api/leases", b"{", "ann", 400),
    "NaN": ("/api/leases", b'{"count": NaN}', "ann", 400),
    "a body that is too large": ("/api/leases", b" " * 1_000_001, "ann", 413),
    "a name that nobody has": ("/api/leases", {}, "detector:x", 422),
    "a name and a field": ("/api/leases", {"count": 0}, "detector:x", 422),
}


@pytest.mark.parametrize(("path", "body", "user", "status"), REFUSED.values(), ids=REFUSED)
async def test_refusals_are_alike(api: Api, path, body, user, status):
    assert_problem(await alike(api, path, body, user), status)


async def test_a_refused_vote_is_answered_alike(api: Api):
    _, [subtask_id] = await api.task_with(1)
    path = f"/api/subtasks/{subtask_id}/vote"
    assert_problem(await alike(api, path, VOTE), 409)
    assert_problem(await alike(api, path, VOTE | {"label": "zebra"}), 422, pointer="/label")


@pytest.mark.parametrize(("error", "status"), [(Unavailable, 503), (StorageFull, 507)])
async def test_storage_that_does_not_answer_is_told_alike(api: Api, monkeypatch, error, status):
    async def fails(*_arguments: object, **_more: object) -> None:
        raise error("planted")

    monkeypatch.setattr(api.platform.subtasks.store, "claim", fails)
    answer = await alike(api, "/api/leases", {})
    assert_problem(answer, status)
    assert ("retry-after" in answer.headers) is (status == 503)
    monkeypatch.undo()


async def test_a_defect_is_told_alike(api: Api, monkeypatch):
    async def fails(*_arguments: object, **_more: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(api.platform.subtasks.store, "claim", fails)
    api.http._transport.raise_app_exceptions = False  # as a server does, which has no one to raise to
    answer = await alike(api, "/api/leases", {})
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "planted" not in answer.text
    monkeypatch.undo()


async def test_both_ways_are_counted_by_the_same_route(api: Api):
    await alike(api, "/api/leases", {})
    lines = (await api.http.get("/metrics")).text.splitlines()
    counted = 'quorate_http_request_seconds_count{method="POST",route="/api/leases",status="200"} 2.0'
    assert counted in lines
    assert "quorate_http_requests_in_flight 1.0" in lines  # this one


async def test_a_picture_and_its_head_are_answered_alike(api: Api):
    await api.task_with(1)
    [lease] = await api.lease("ann")
    picture, head = await api.http.get(lease["image_url"]), await api.http.head(lease["image_url"])
    assert (picture.status_code, head.status_code) == (200, 200)
    assert {**head.headers, "x-request-id": ""} == {**picture.headers, "x-request-id": ""}
    url = lease["image_url"]
    for changed in (f"{url}0", url.replace("expires=", "expires=9"), url.partition("&")[0], url.partition("?")[0]):
        assert_problem(await api.http.get(changed), 404)
    other_order = "&".join(reversed(url.partition("?")[2].split("&")))
    assert (await api.http.get(f"{url.partition('?')[0]}?{other_order}")).content == picture.content
