"""Tasks with a pipeline, through HTTP. What a worker would tell is told here, by the sizes that the operations give."""

import json
from contextlib import AsyncExitStack

import pytest

from services.task_manager.collector import GRACE_S, STEP_GRACE_S
from services.worker.handlers import PICTURES_AT_ONCE
from shared import events
from shared.event_data import StepFinished, StepOutput
from shared.flat import flattened
from shared.objects.keys import image_key, work_key
from tests.service.running import Api, assert_problem
from tests.unit.step_builders import step_of

SPLIT = {"operations": [["split", True]]}
NOBODY = {"votes_required": 0}


async def work_all(api: Api, task_id: str) -> None:
    """Finish every step of a task, each told twice."""
    async with AsyncExitStack() as stack:
        for _ in range(PICTURES_AT_ONCE):  # the platform's own worker would look for pictures that nobody stored
            await stack.enter_async_context(api.platform.worker.places)
        await _tell_all(api, task_id)
    await api.settled()


async def _tell_all(api: Api, task_id: str) -> None:
    store = api.platform.task_store
    while True:
        of = await store.task(task_id)
        images = await store.images(task_id, state="processing", label=None, after="", limit=1_000)
        if not images:
            break
        for image in images:
            step = step_of(of, image)
            outputs = tuple(StepOutput(**flattened(made)) for made in step.made)
            data = StepFinished(
                task_id=task_id, image_id=image.id, step=step.step, operations=step.operations, outputs=outputs
            )
            for _ in range(2):
                await api.platform.tasks.steps.note(finished(image.id, data))


def finished(image_id: str, data: StepFinished) -> events.StepFinishedV1:
    attributes = events.envelope(event_id=f"{image_id}/{data.step}", source="test", subject=image_id, at=0)
    return events.StepFinishedV1(**attributes, data=data)


async def counts_of(api: Api, task_id: str) -> dict[str, int]:
    return (await api.http.get(f"/api/tasks/{task_id}")).json()["counts"]


async def test_people_label_what_a_pipeline_made(api: Api):
    task_id = await api.task(pipeline=SPLIT, quorum={"votes_required": 1})
    report = (await api.upload(task_id, ("dog.png", api.picture()))).json()
    uploaded = report["images"][0]["image_id"]
    await api.http.post(f"/api/tasks/{task_id}/seal")
    await work_all(api, task_id)
    task = (await api.http.get(f"/api/tasks/{task_id}")).json()
    assert task["pipeline"] == {"operations": [["split", True]], "output": "png", "quality": 95}
    assert task["counts"] == {
        "images": 4,
        "open": 4,
        "completed": 0,
        "disputed": 0,
        "processing": 0,
        "failed": 0,
    }
    rows = await api.results(task_id)
    assert {row["filename"] for row in rows} == {f"dog-0.{n}.png" for n in range(4)}
    assert {row["origin"]["image_id"] for row in rows} == {uploaded}
    assert uploaded in {row["image_id"] for row in await api.results(task_id, include="parents")}
    one = await api.http.get(f"/api/tasks/{task_id}/images/{uploaded}")
    assert (one.json()["filename"], one.json()["state"], one.json()["origin"]) == ("dog.png", "derived", None)
    assert one.json()["thumbnail_url"]
    assert_problem(await api.http.get(f"/api/tasks/{task_id}/images/{'0' * 32}"), 404)
    for _ in range(4):
        assert (await api.lease_and_vote("ann", task_id, "cat")).status_code == 200
    await api.settled()
    assert (await api.http.get(f"/api/tasks/{task_id}")).json()["state"] == "completed"
    again = (await api.http.get(f"/api/tasks/{task_id}/results", params={"state": "completed", "label": "cat"})).json()
    assert len(again["items"]) == 4


async def test_without_votes_a_task_completes_with_its_last_picture(api: Api):
    task_id = await api.task(labels=[], quorum=NOBODY, pipeline={"operations": [["split", True], ["rotate", 90]]})
    await api.upload(task_id, ("a.png", api.picture()), ("b.png", api.picture()))
    await api.http.post(f"/api/tasks/{task_id}/seal")
    await work_all(api, task_id)
    task = (await api.http.get(f"/api/tasks/{task_id}")).json()
    assert (task["state"], task["counts"]["images"], task["counts"]["completed"]) == ("completed", 8, 8)
    assert {row["decided_by"] for row in await api.results(task_id)} == {"pipeline"}
    assert await api.lease("ann", 5, task_id) == []


async def test_results_are_grouped_by_uploaded_image(api: Api):
    task_id = await api.task(labels=[], quorum=NOBODY, pipeline=SPLIT)
    names = [f"{n}.png" for n in range(5)]
    await api.upload(task_id, *((name, api.picture()) for name in names))
    await work_all(api, task_id)
    for limit in (1, 2, 1000):
        groups = await api.results(task_id, limit=limit, group="origin")
        assert [group["filename"] for group in groups] == names
        for group in groups:
            paths = [one["origin"]["path"] for one in group["derived"]]
            assert paths == [[[0, position]] for position in range(4)]
            assert {one["origin"]["image_id"] for one in group["derived"]} == {group["image_id"]}


async def test_rows_of_exports_say_where_an_image_comes_from(api: Api):
    task_id = await api.task(labels=[], quorum=NOBODY, pipeline=SPLIT)
    await api.upload(task_id, ("a.png", api.picture()))
    await work_all(api, task_id)
    lines = (await api.http.get(f"/api/tasks/{task_id}/export", params={"format": "jsonl"})).text.splitlines()
    rows = [json.loads(line) for line in lines]
    assert sorted(row["origin"]["path"] for row in rows) == [[[0, position]] for position in range(4)]
    table = (await api.http.get(f"/api/tasks/{task_id}/export", params={"format": "csv"})).text.splitlines()
    assert table[0].endswith(",origin,failure")
    assert len(table) == 5


async def test_an_image_of_which_too_much_would_be_made_is_rejected_with_its_upload(api: Api):
    task_id = await api.task(pipeline={"operations": [["crop", {"left": 500, "top": 0, "width": 9, "height": 9}]]})
    answer = await api.upload(task_id, ("a.png", api.picture()))
    assert_problem(answer, 422, saying="operation 1 of the pipeline (crop)")
    assert (await counts_of(api, task_id))["images"] == 0
    assert [key async for key in api.platform.objects.keys(f"{task_id}/", stored_before=float("inf"))] == []


async def test_erasing_takes_pictures_between_visits_too(api: Api):
    task_id = await api.task()
    await api.platform.objects.put(work_key(task_id, "5b" * 16, nonce="0" * 12), b"between")
    assert (await api.http.delete(f"/api/tasks/{task_id}")).status_code == 204
    await api.platform.collector._erase_cancelled()
    assert [key async for key in api.platform.objects.keys("", stored_before=float("inf"))] == []


@pytest.mark.parametrize(("terms", "kept_s"), [({}, GRACE_S), ({"pipeline": SPLIT}, STEP_GRACE_S)])
async def test_what_workers_may_have_stored_is_kept_for_a_day(api: Api, terms, kept_s):
    task_id = await api.task(**terms)
    lost = {
        image_key(task_id, "5b" * 16, nonce="0" * 12, kept=0, extension="png"),
        work_key(task_id, "5b" * 16, nonce="0" * 12),
    }
    for key in lost:
        await api.platform.objects.put(key, b"lost")
    for ahead_s, expected in ((kept_s - 60, lost), (kept_s + 60, set[str]())):
        api.clock.ahead_s = ahead_s
        await api.platform.collector._collect()
        assert {key async for key in api.platform.objects.keys("", stored_before=float("inf"))} == expected


async def test_what_comes_after_a_task_was_erased_is_kept_for_an_hour_only(api: Api):
    task_id = await api.task(pipeline=SPLIT)
    assert (await api.http.delete(f"/api/tasks/{task_id}")).status_code == 204
    await api.platform.collector._erase_cancelled()
    await api.platform.objects.put(work_key(task_id, "5b" * 16, nonce="0" * 12), b"late")
    api.clock.ahead_s = GRACE_S + 60
    await api.platform.collector._collect()
    assert [key async for key in api.platform.objects.keys("", stored_before=float("inf"))] == []


async def test_the_collector_lists_the_bucket_twice_however_many_tasks_have_lost_objects(api: Api, monkeypatch):
    listings: list[str] = []
    real = api.platform.objects.keys

    def keys(prefix: str, **fields):
        listings.append(prefix)
        return real(prefix, **fields)

    for _ in range(3):
        await api.platform.objects.put(work_key(await api.task(pipeline=SPLIT), "5b" * 16, nonce="0" * 12), b"lost")
    monkeypatch.setattr(api.platform.objects, "keys", keys)
    api.clock.ahead_s = GRACE_S + 60
    await api.platform.collector._collect()
    assert listings == ["", ""]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"pipeline": {"operations": []}}, "/pipeline/operations"),
        ({"pipeline": {"operations": [["grayscale", True]] * 11}}, "/pipeline/operations"),
        ({"pipeline": {"operations": [["grayscale", True], ["sharpen", True]]}}, "/pipeline/operations/1/0"),
        ({"pipeline": {"operations": [["rotate", 45]]}}, "/pipeline/operations/0/1"),
        ({"pipeline": {"operations": [["tile", {"size": "9x9", "overlap": 5}]]}}, "/pipeline/operations/0/1/overlap"),
        ({"pipeline": {"operations": [["split", True]] * 6}}, "/pipeline/operations/5/1"),
        ({"pipeline": {"operations": [["hide", {"labels": ["person"]}]]}}, "/pipeline/operations/0/1/labels"),
        ({"pipeline": SPLIT | {"output": "gif"}}, "/pipeline/output"),
        ({"pipeline": SPLIT | {"quality": 101}}, "/pipeline/quality"),
        ({"pipeline": SPLIT | {"size": 1}}, "/pipeline/size"),
        ({"quorum": NOBODY}, "/quorum/votes_required"),
        ({"quorum": NOBODY, "labels": []}, "/quorum/votes_required"),
        ({"pipeline": SPLIT, "labels": []}, "/labels"),
    ],
)
async def test_what_no_pipeline_can_be_is_refused_where_it_stands(api: Api, body, pointer):
    wanted = {"name": "pets", "labels": ["cat"]} | body
    assert_problem(await api.http.post("/api/tasks", json=wanted), 422, pointer=pointer)


async def test_the_same_key_with_another_pipeline_is_another_request(api: Api):
    wanted = {"name": "pets", "labels": ["cat"]}
    key = {"Idempotency-Key": "one"}
    first = await api.http.post("/api/tasks", json=wanted | {"pipeline": None}, headers=key)
    assert (await api.http.post("/api/tasks", json=wanted, headers=key)).json()["id"] == first.json()["id"]
    assert_problem(await api.http.post("/api/tasks", json=wanted | {"pipeline": SPLIT}, headers=key), 422)
