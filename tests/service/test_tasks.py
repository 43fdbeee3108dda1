"""The client's side: a batch goes in, results come out."""

import asyncio
import base64
import csv
import hashlib
import io
import json

import pytest

from tests.service import archive_samples as archive
from tests.service.picture_samples import png
from tests.service.running import LABELS, Api, as_user, assert_problem, running

TERMS = {"name": "animals", "labels": LABELS, "detector": {"mode": "off"}}


async def test_a_new_task_shows_what_was_asked_for(api: Api):
    answer = await api.http.post("/api/tasks", json={"name": "n", "labels": ["b", "a"]}, headers=as_user("ann"))
    assert answer.status_code == 201
    task = answer.json()
    assert task["quorum"] == {
        "votes_required": 3,
        "stop": "settled",
        "lead": 3,
        "min_agreement": 0,
        "max_votes": 5,
    }
    assert task["detector"] == {
        "mode": "suggest",
        "min_confidence": 0.25,
        "accept_confidence": 0.9,
        "label_map": {},
        "audit_share": 0.05,
        "prelabel_wait_s": 30,
        "is_alone": False,
    }
    assert (task["name"], task["owner"], task["labels"], task["state"]) == ("n", "ann", ["b", "a"], "open")
    assert task["counts"] == {"images": 0, "open": 0, "completed": 0, "disputed": 0, "processing": 0, "failed": 0}
    assert (await api.http.get(f"/api/tasks/{task['id']}")).json() == task


async def test_a_key_makes_a_task_once(api: Api):
    headers = {"Idempotency-Key": "k1"}
    first = await api.http.post("/api/tasks", json=TERMS, headers=headers)
    again = await asyncio.gather(*(api.http.post("/api/tasks", json=TERMS, headers=headers) for _ in range(20)))
    assert {(one.status_code, one.text) for one in [first, *again]} == {(201, first.text)}
    changed = [TERMS | {"name": "other"}, TERMS | {"labels": ["cat"]}, TERMS | {"quorum": {"votes_required": 5}}]
    for body in changed:
        assert_problem(await api.http.post("/api/tasks", json=body, headers=headers), 422)
    other_user = await api.http.post("/api/tasks", json=TERMS, headers=headers | as_user("bob"))
    other_key = await api.http.post("/api/tasks", json=TERMS, headers={"Idempotency-Key": "k2"})
    ids = {one.json()["id"] for one in (first, other_user, other_key)}
    assert len(ids) == 3
    assert {task["id"] for task in await api.tasks()} == ids
    for key in ("", "k" * 201):
        assert_problem(await api.http.post("/api/tasks", json=TERMS, headers={"Idempotency-Key": key}), 422)


async def test_a_key_still_names_its_task_when_that_has_moved_on(api: Api):
    headers = {"Idempotency-Key": "k"}
    first = (await api.http.post("/api/tasks", json=TERMS, headers=headers)).json()
    await api.upload(first["id"], ("a.png", png(1)))
    again = (await api.http.post("/api/tasks", json=TERMS, headers=headers)).json()
    assert (again["id"], again["counts"]["images"]) == (first["id"], 1)


async def test_without_a_key_every_task_is_another(api: Api):
    ids = {await api.task() for _ in range(3)}
    assert len(ids) == 3
    assert [task["id"] for task in await api.tasks()][::-1] == sorted(
        ids, key=[task["id"] for task in (await api.tasks())[::-1]].index
    )


async def test_tasks_come_in_pages_the_newest_first(api: Api):
    made = [await api.task(name=f"t{n}") for n in range(7)]
    seen, cursor = [], None
    while True:
        params = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = (await api.http.get("/api/tasks", params=params)).json()
        assert len(page["items"]) <= 3
        seen += [task["id"] for task in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == made[::-1]


@pytest.mark.parametrize("path", ["images", "upload"])
async def test_every_way_in(api: Api, path):
    task_id = await api.task()
    url = f"/api/tasks/{task_id}/{path}"
    data = [api.picture() for _ in range(4)]
    image = base64.b64encode(data[3]).decode()
    answers = [
        await api.http.post(url, files=[("images", ("a.png", data[0])), ("files", ("b.png", data[1]))]),
        await api.http.post(url, files={"images": ("c.zip", archive.zipped(("c.png", data[2])))}),
        await api.http.post(url, json={"id": "d", "image": image}),
        await api.http.post(url, json={"id": "d again", "image": image}),
    ]
    assert [one.status_code for one in answers] == [200] * 4
    counts = [(one.json()["accepted"], one.json()["duplicates"]) for one in answers]
    assert counts == [(2, 0), (1, 0), (1, 0), (0, 1)]
    assert {image["filename"] for image in await api.results(task_id)} == {"a.png", "b.png", "c.png", "d"}
    await api.unharmed()


async def test_five_uploads_of_the_same_pictures_at_once(api: Api):
    task_id = await api.task()
    files = [(f"{n}.png", api.picture()) for n in range(20)]
    reports = [one.json() for one in await asyncio.gather(*(api.upload(task_id, *files) for _ in range(5)))]
    assert sum(report["accepted"] for report in reports) == 20
    assert sum(report["duplicates"] for report in reports) == 80
    assert len({tuple(image["image_id"] for image in report["images"]) for report in reports}) == 1
    await api.settled()
    api.clock.ahead_s = 4_000
    await api.platform.collector.sweep()  # two may have written the same picture before one of them was first
    await api.unharmed()


async def test_a_sealed_task_takes_no_more_and_completes_when_its_last_image_does(api: Api):
    task_id, _ = await api.task_with(2, quorum={"votes_required": 1})
    assert_problem(await api.upload(task_id, ("a.png", api.picture())), 409, saying="sealed")
    for state in ("sealed", "sealed", "completed"):
        assert (await api.http.post(f"/api/tasks/{task_id}/seal")).json()["state"] == state
        if state == "completed":
            break
        await api.lease_and_vote("ada", task_id, "cat")
        await api.settled()
    task = (await api.http.get(f"/api/tasks/{task_id}")).json()
    assert task["counts"] == {"images": 2, "open": 0, "completed": 2, "disputed": 0, "processing": 0, "failed": 0}
    assert task["completed_at"] >= task["sealed_at"] >= task["created_at"]
    assert_problem(await api.upload(task_id, ("a.png", api.picture())), 409, saying="completed")
    await api.unharmed()


async def test_an_empty_task_completes_when_it_is_sealed(api: Api):
    task_id = await api.task()
    assert (await api.http.post(f"/api/tasks/{task_id}/seal")).json()["state"] == "completed"


async def test_results_by_page_state_and_label(api: Api):
    task_id, image_ids = await api.task_with(9, quorum={"votes_required": 1})
    leases = await api.lease("ada", 5, task_id)
    for lease, label in zip(leases, ["cat", "cat", "dog", "dog", "dog"], strict=True):
        await api.vote("ada", lease["subtask_id"], label, lease["token"])
    await api.settled()
    everything = await api.results(task_id, limit=2)
    assert [one["image_id"] for one in everything] == sorted(image_ids)
    assert len(await api.results(task_id, limit=1, state="open")) == 4
    assert len(await api.results(task_id, limit=3, state="completed")) == 5
    assert len(await api.results(task_id, limit=1, label="dog")) == 3
    assert len(await api.results(task_id, label="cat", state="completed")) == 2
    assert await api.results(task_id, label="cat", state="open") == []
    assert await api.results(task_id, label="zebra") == []
    for one in everything:
        decided = (one["label"], one["agreement"], one["votes"], one["decided_by"], one["revision"])
        if one["state"] == "open":
            assert decided == (None, None, None, None, None)
            assert one["completed_at"] is None
        else:
            assert decided == (one["label"], 1.0, {one["label"]: 1}, one["decided_by"], 1)
            assert one["decided_by"] in {"quorum", "settled"}
    one = (await api.http.get(f"/api/tasks/{task_id}/images", params={"limit": 1000})).json()["items"]
    assert [image["image_id"] for image in one] == sorted(image_ids)


async def test_exports(api: Api):
    task_id, _ = await api.task_with(3, quorum={"votes_required": 3})
    for user in ("ada", "bob"):
        await api.lease_and_vote(user, task_id, "cat")
    await api.settled()
    answer = await api.http.get(f"/api/tasks/{task_id}/export", params={"format": "jsonl"})
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["content-disposition"] == f'attachment; filename="{task_id}.jsonl"'
    rows = {row["image_id"]: row for row in map(json.loads, answer.text.splitlines())}
    results = await api.results(task_id)
    for result in results:
        row = rows[result["image_id"]]
        left_out = dict.fromkeys(("imported", "origin", "failure"))
        assert not left_out.keys() & row.keys()  # only where something was
        known = {name: value for name, value in result.items() if not name.endswith("_url")}
        assert known == {name: row[name] for name in known if name not in left_out} | left_out
        cast = row["votes_cast"] or []
        assert sum((result["votes"] or {}).values()) == len(cast)
    answer = await api.http.get(f"/api/tasks/{task_id}/export", params={"format": "csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    table = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row["image_id"] for row in table] == sorted(rows)
    assert {row["state"] for row in table} == {row["state"] for row in rows.values()}
    empty = await api.task()
    assert (await api.http.get(f"/api/tasks/{empty}/export")).text == ""
    assert len((await api.http.get(f"/api/tasks/{empty}/export?format=csv")).text.splitlines()) == 1


async def test_cancelling_erases(api: Api):
    task_id, image_ids = await api.task_with(3)
    other, _ = await api.task_with(1)
    (lease,) = await api.lease("ada", 1, task_id)
    url = lease["image_url"]
    assert (await api.http.get(url)).status_code == 200
    for _ in range(2):
        assert (await api.http.delete(f"/api/tasks/{task_id}")).status_code == 204
    await api.settled()
    await api.platform.collector.sweep()
    assert not (api.folder / "objects" / task_id).exists()
    assert_problem(await api.http.get(url), 404)
    assert_problem(await api.http.get(f"/api/tasks/{task_id}/results"), 410)
    task = (await api.http.get(f"/api/tasks/{task_id}")).json()
    assert task["state"] == "cancelled"
    assert task["counts"] == {"images": 0, "open": 0, "completed": 0, "disputed": 0, "processing": 0, "failed": 0}
    assert_problem(await api.vote("ada", lease["subtask_id"], "cat", lease["token"]), 404)
    for image_id in image_ids:
        assert_problem(await api.http.get(f"/api/subtasks/{image_id}"), 404)
    assert_problem(await api.http.post("/api/leases", json={"task_id": task_id}), 404)
    assert_problem(await api.http.post(f"/api/tasks/{task_id}/seal"), 409, saying="cancelled")
    assert {one["task_id"] for one in await api.lease("ada", 10)} == {other}
    await api.unharmed()


async def test_cancelling_while_images_are_being_opened(api: Api):
    task_id = await api.task()
    await api.upload(task_id, *((f"{n}.png", api.picture()) for n in range(60)))
    assert (await api.http.delete(f"/api/tasks/{task_id}")).status_code == 204
    await api.settled()
    await api.platform.collector.sweep()
    left = await api.platform.subtasks_file.read(lambda db: db.execute("SELECT count(*) FROM subtasks").fetchone()[0])
    assert left == 0
    assert await api.lease("ada", 10) == []
    await api.unharmed()


async def test_an_image_url_is_signed_for_one_image_and_a_time(api: Api):
    task_id, _ = await api.task_with(2)
    urls = [one["image_url"] for one in await api.results(task_id)]
    path, _, query = urls[0].partition("?")
    expires, signature = (part.partition("=")[2] for part in query.split("&"))
    tampered = {
        "another image": f"{urls[1].partition('?')[0]}?{query}",
        "another expiry": f"{path}?expires={int(expires) + 1}&signature={signature}",
        "another signature": f"{path}?expires={expires}&signature={'0' * 64}",
        "a signature cut short": f"{path}?expires={expires}&signature={signature[:-1]}",
        "no signature": f"{path}?expires={expires}&signature=",
        "letters that are none": f"{path}?expires={expires}&signature=%C3%A9",
        "a path to elsewhere": f"/objects/..%2f{path.removeprefix('/objects/')}?{query}",
        "another end": f"{path[:-3]}jpg?{query}",
    }
    assert (await api.http.get(urls[0])).status_code == 200
    for name, url in tampered.items():
        assert (await api.http.get(url)).status_code == 404, name
    api.clock.ahead_s = 3_500
    assert (await api.http.get(urls[0])).status_code == 200
    api.clock.ahead_s = 3_600 + 601
    assert_problem(await api.http.get(urls[0]), 404, saying="expired")
    fresh = (await api.results(task_id))[0]["image_url"]
    assert (await api.http.get(fresh)).status_code == 200


async def test_what_was_acknowledged_is_there_after_a_restart(tmp_path):
    async with running(tmp_path) as api:
        task_id, image_ids = await api.task_with(3, quorum={"votes_required": 3})
        leases = await api.lease("ada", 2, task_id)
        await api.vote("ada", leases[0]["subtask_id"], "cat", leases[0]["token"])
        before = await api.results(task_id)
    async with running(tmp_path) as api:
        assert await api.results(task_id) == before
        assert {one["image_id"] for one in before} == set(image_ids)
        held = [one["token"] for one in await api.lease("ada", 1, task_id)]
        assert held == [leases[1]["token"]]
        assert (await api.http.get(before[0]["image_url"])).status_code == 200
        await api.unharmed()


async def test_files_that_the_task_has_are_known_by_their_hashes(api: Api):
    task_id, other_id = await api.task(), await api.task()
    pictures = [api.picture() for _ in range(3)]
    uploaded = (await api.upload(task_id, *((f"{n}.png", one) for n, one in enumerate(pictures[:2])))).json()["images"]
    hashes = [hashlib.sha256(one).hexdigest() for one in pictures]
    path = "/api/tasks/{}/images/known"
    answer = await api.http.post(path.format(task_id), json={"sha256": [*hashes, hashes[0]]})
    assert answer.json() == {"known": [{name: one[name] for name in ("sha256", "image_id")} for one in uploaded]}
    assert (await api.http.post(path.format(other_id), json={"sha256": hashes})).json() == {"known": []}
    await api.http.delete(f"/api/tasks/{task_id}/images/{uploaded[0]['image_id']}")
    left = (await api.http.post(path.format(task_id), json={"sha256": hashes})).json()["known"]
    assert [one["sha256"] for one in left] == hashes[1:2]
    await api.http.delete(f"/api/tasks/{task_id}")
    assert_problem(await api.http.post(path.format(task_id), json={"sha256": hashes}), 410, code="gone")
    assert_problem(await api.http.post(path.format("0" * 32), json={"sha256": hashes}), 404)


@pytest.mark.parametrize("hashes", [[], ["0" * 64] * 1_001, ["0" * 63], ["A" * 64], [5], "0" * 64])
async def test_hashes_are_asked_for_as_such_and_a_thousand_at_the_most(api: Api, hashes):
    task_id = await api.task()
    assert_problem(await api.http.post(f"/api/tasks/{task_id}/images/known", json={"sha256": hashes}), 422)


async def test_tasks_are_found_by_state_owner_and_the_beginning_of_the_name(api: Api):
    async def made(user: str, name: str) -> str:
        body = {"name": name, "labels": LABELS}
        return (await api.http.post("/api/tasks", json=body, headers=as_user(user))).json()["id"]

    async def found(**query: str) -> list[str]:
        answer = await api.http.get("/api/tasks", params=query, headers=as_user("ann"))
        assert answer.status_code == 200, answer.text
        return [one["name"] for one in answer.json()["items"]]

    cats, dogs, _ = await made("ann", "Cats"), await made("ann", "Dogs"), await made("bob", "cars")
    await api.http.delete(f"/api/tasks/{cats}")
    await api.http.post(f"/api/tasks/{dogs}/seal")
    assert await found() == ["cars", "Dogs", "Cats"]
    assert await found(state="open,sealed") == ["cars"]  # a task without images completes as it is sealed
    assert await found(state="completed,cancelled") == ["Dogs", "Cats"]
    assert await found(owner="me") == ["Dogs", "Cats"]
    assert await found(q=" CA") == ["cars", "Cats"]
    assert await found(q="ca", owner="me", state="open") == []


@pytest.mark.parametrize(
    "query", [{"state": ","}, {"state": "open,"}, {"state": "done"}, {"owner": "bob"}, {"q": "x" * 201}]
)
async def test_a_list_is_asked_for_by_what_there_is(api: Api, query: dict[str, str]):
    assert_problem(await api.http.get("/api/tasks", params=query), 422)
