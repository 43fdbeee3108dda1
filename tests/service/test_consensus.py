"""Consensus runs through HTTP: asked for, made in a process of their own, read, and sent to the adjudicators."""

import csv
import io
import json
from dataclasses import replace

from services.consensus.run import CUT_SHORT, MAX_ATTEMPTS
from tests.consensus_waiting import until
from tests.service.running import Api, as_user, assert_problem, running


async def voted(api: Api, task_id: str, votes: dict[str, str]) -> None:
    """Each of these people votes for their label on all images that they get."""
    for person, label in votes.items():
        for lease in await api.lease(person, 100, task_id):
            answer = await api.vote(person, lease["subtask_id"], label, lease["token"])
            assert answer.status_code == 200, answer.text
    await api.settled()


async def ended_task(api: Api, images: int = 6) -> tuple[str, list[str]]:
    """Everybody names cat; carl names dog wherever he is asked, and is outvoted."""
    task_id, ids = await api.task_with(images, quorum={"votes_required": 3, "stop": "exact"})
    await voted(api, task_id, {"ann": "cat", "bob": "cat", "carl": "dog"})
    return task_id, ids


async def made(api: Api, task_id: str, **body: object) -> dict:
    answer = await api.http.post("/api/consensus", json={"task_id": task_id} | body)
    assert answer.status_code == 202, answer.text
    return await until_over(api, answer.json()["id"])


async def until_over(api: Api, run_id: str) -> dict:
    async def over() -> dict | None:
        run = (await api.http.get(f"/api/consensus/{run_id}")).json()
        return run if run["state"] in ("finished", "failed") else None

    return await until(over, "the run is over")


async def test_a_run_estimates_labels_beside_the_record(tmp_path):
    async with running(tmp_path) as api:
        task_id, ids = await ended_task(api)
        run = await made(api, task_id, methods=["mace", "majority", "ds", "one-coin", "glad"])
        assert run["state"] == "finished", run
        assert run["methods"] == ["majority", "ds", "one-coin", "mace", "glad"]
        assert (run["images"], run["votes"], run["voters"]) == (6, 18, 3)
        assert run["differing"][0] == {"method": "majority", "differing": 0, "compared": 6, "share": 0.0}
        summary = run["summary"]
        assert summary["agreement"]["votes_per_image"] == [{"votes": 3, "images": 6}]
        assert summary["agreement"]["kappa"] is not None
        assert {tuple(pair["voters"]) for pair in summary["pairs"]} == {
            ("ann", "bob"),
            ("ann", "carl"),
            ("bob", "carl"),
        }
        results = (await api.http.get(f"/api/consensus/{run['id']}/results", params={"limit": 4})).json()
        more = {"cursor": results["next_cursor"]}
        results["items"] += (await api.http.get(f"/api/consensus/{run['id']}/results", params=more)).json()["items"]
        assert [item["image_id"] for item in results["items"]] == sorted(ids)
        assert {item["label"] for item in results["items"]} == {"cat"}
        assert {item["methods"]["ds"]["label"] for item in results["items"]} == {"cat"}
        voters = (await api.http.get(f"/api/consensus/{run['id']}/voters")).json()["items"]
        assert [voter["voter"] for voter in voters] == ["ann", "bob", "carl"]
        assert voters[0]["skill"]["ds"] > voters[2]["skill"]["ds"]
        assert (await api.http.get(f"/api/tasks/{task_id}/results")).json()["items"][0]["decided_by"] == "quorum"


async def test_the_same_request_on_the_same_votes_is_the_same_run(tmp_path):
    async with running(tmp_path) as api:
        task_id, _ = await api.task_with(2, quorum={"votes_required": 1})
        assert_problem(await api.http.post("/api/consensus", json={"task_id": task_id}), 409, saying="no image")
        await api.lease_and_vote("ann", task_id, "cat")
        first = await made(api, task_id)
        assert (await made(api, task_id, methods=["mace", "ds", "majority"]))["id"] == first["id"]
        await api.lease_and_vote("bob", task_id, "dog")
        await api.settled()
        second = await made(api, task_id)
        assert (first["images"], second["images"]) == (1, 2)
        listed = (await api.http.get("/api/consensus", params={"task_id": task_id})).json()["items"]
        assert [run["id"] for run in listed] == [second["id"], first["id"]]


async def test_a_run_is_exported_whole_and_safely(tmp_path):
    async with running(tmp_path) as api:
        task_id, ids = await api.task_with(3, labels=["=1+1", "b"], quorum={"votes_required": 1})
        await voted(api, task_id, {"ann": "=1+1"})
        run = await made(api, task_id, methods=["majority"])
        path = f"/api/consensus/{run['id']}/export"
        lines = [json.loads(line) for line in (await api.http.get(path)).text.splitlines()]
        assert [line["image_id"] for line in lines] == sorted(ids)
        assert lines[0]["methods"] == {"majority": {"label": "=1+1", "posterior": 1.0}}
        text = (await api.http.get(path, params={"format": "csv"})).text
        rows = list(csv.DictReader(io.StringIO(text)))
        assert [row["image_id"] for row in rows] == sorted(ids)
        assert (rows[0]["label"], rows[0]["majority"], rows[0]["majority_posterior"]) == ("'=1+1", "'=1+1", "1.0")


async def test_images_that_differ_go_to_the_adjudicators_once(tmp_path):
    async with running(tmp_path) as api:
        task_id, ids = await ended_task(api, 3)
        wrong = ids[0]
        decided = {"label": "dog", "reason": "it barks"}
        run = await made(api, task_id, methods=["majority"])
        assert run["differing"][0]["differing"] == 0
        await _contradict_the_record(api, wrong)
        run = await made(api, task_id, methods=["majority"])
        assert run["differing"][0]["differing"] == 1
        found = (await api.http.get(f"/api/consensus/{run['id']}/results", params={"differs": "majority"})).json()
        assert [item["image_id"] for item in found["items"]] == [wrong]
        path = f"/api/consensus/{run['id']}/dispute"
        assert_problem(await api.http.post(path, json={"method": "ds"}), 409, saying="did not ask ds")
        for _ in range(2):
            assert (await api.http.post(path, json={"method": "majority"})).status_code == 202
        await _sent(api, run["id"])
        assert await _waiting(api) == []  # its record is newer than what the subtask manager has of it
        assert (await api.http.post(f"/api/disputes/{wrong}", json=decided)).status_code == 200


async def _contradict_the_record(api: Api, image_id: str) -> None:
    """As if an adjudicator had decided against all who voted, of which the subtask manager knows nothing."""
    store = api.platform.consensus.store
    await store.change_row(
        image_id, lambda row: replace(row, label="bird", revision=row.revision + 1, changed_at=row.changed_at + 1)
    )


async def _sent(api: Api, run_id: str) -> None:
    async def sent() -> dict | None:
        run = (await api.http.get(f"/api/consensus/{run_id}")).json()
        return run if run["disputes"][0]["done_at"] else None

    run = await until(sent, "all is sent")
    assert run["disputes"][0]["sent"] == 1
    assert len(run["disputes"]) == 1
    await api.settled()


async def _waiting(api: Api) -> list[dict]:
    return (await api.http.get("/api/disputes")).json()["items"]


async def test_a_doubted_image_keeps_its_label_until_an_adjudicator_decides(tmp_path):
    async with running(tmp_path) as api:
        task_id, ids = await crowd_against_liars(api)
        run = await made(api, task_id, methods=["ds"])
        differing = run["differing"][0]["differing"]
        assert differing > 0, run
        path = f"/api/consensus/{run['id']}/dispute"
        assert (await api.http.post(path, json={"method": "ds"}, headers=as_user("zoe"))).status_code == 202

        async def all_wait() -> list[dict]:
            await api.settled()
            waiting = await _waiting(api)
            return waiting if len(waiting) == differing else []

        waiting = await until(all_wait, "all that differ wait for an adjudicator")
        assert len(waiting) == differing
        one = waiting[0]
        assert (one["state"], one["doubt"]["method"], one["doubt"]["by"]) == ("completed", "ds", "zoe")
        assert one["doubt"]["label"] != one["result"]["label"]
        assert (await api.http.get("/api/me")).json()["disputes_open"] == differing
        results = {row["image_id"]: row for row in await api.results(task_id)}
        assert results[one["id"]]["label"] == one["result"]["label"]
        decided = {"label": one["doubt"]["label"], "reason": "looked at it"}
        assert (await api.http.post(f"/api/disputes/{one['id']}", json=decided)).json()["doubt"] is None
        await api.settled()
        assert len(await _waiting(api)) == differing - 1
        assert (await api.http.post(path, json={"method": "ds"})).status_code == 202
        await api.settled()
        assert len(await _waiting(api)) == differing - 1
        assert ids


async def crowd_against_liars(api: Api) -> tuple[str, list[str]]:
    """Many images on which ann, bob and carl agree, and a few on which carl and dan, who are mostly wrong, outvote
    ann: an estimate by confusion believes ann."""
    truth = ["cat", "dog"] * 20
    task_id, _ = await api.task_with(
        len(truth), labels=["cat", "dog"], quorum={"votes_required": 5, "stop": "exact", "max_votes": 5}
    )
    order = sorted(lease["subtask_id"] for lease in await api.lease("ann", 100, task_id))
    other = {"cat": "dog", "dog": "cat"}

    def says(person: str, place: int) -> str:
        right = truth[place]
        if person in ("ann", "bob"):
            return right
        liar = {"carl": 0, "dan": 1, "eve": 2}[person]
        return other[right] if place % 3 == liar or place % 8 == 0 else right

    for person in ("ann", "bob", "carl", "dan", "eve"):
        for lease in await api.lease(person, 100, task_id):
            label = says(person, order.index(lease["subtask_id"]))
            assert (await api.vote(person, lease["subtask_id"], label, lease["token"])).status_code == 200
    await api.settled()
    return task_id, order


async def test_a_run_that_was_cut_short_begins_anew_and_gives_up_by_name(tmp_path):
    async with running(tmp_path) as api:
        task_id, _ = await ended_task(api, 2)
        worker = api.platform.consensus_worker
        await worker.close()
        run_id = (await api.http.post("/api/consensus", json={"task_id": task_id})).json()["id"]
    async with running(tmp_path) as api:
        run = await until_over(api, run_id)
        assert run["state"] == "finished"
        store = api.platform.consensus.store
        await store.change_run(run_id, lambda run, now: (_dying(run, now, MAX_ATTEMPTS), ()))
        run = await until_over(api, run_id)
        assert (run["state"], run["why"]) == ("failed", CUT_SHORT)
        assert_problem(await api.http.get(f"/api/consensus/{run_id}/results"), 409, saying="failed")
        assert (await made(api, task_id))["state"] == "finished"
        kept = await store.pages(run_id)
        assert {key.attempt for key in kept} == {(await store.run(run_id)).attempt}


def _dying(run, now, attempts):
    return replace(run, state="running", holder="dead", held_until=now, attempts=attempts, attempt=None, outcome=None)


async def test_a_run_has_bounds_of_time_and_memory(tmp_path):
    async with running(tmp_path, consensus_time_s=0.01) as api:
        task_id, _ = await ended_task(api, 1)
        run = await made(api, task_id)
        assert (run["state"], "not done after" in run["why"]) == ("failed", True)


async def test_what_is_removed_or_erased_is_in_no_run(tmp_path):
    async with running(tmp_path) as api:
        task_id, ids = await ended_task(api, 3)
        run = await made(api, task_id)
        assert (await api.http.delete(f"/api/tasks/{task_id}/images/{ids[0]}")).status_code == 204
        await api.settled()
        again = await made(api, task_id)
        assert (run["images"], again["images"]) == (3, 2)
        assert (await api.http.delete(f"/api/tasks/{task_id}")).status_code in (202, 204)
        await api.settled()
        assert_problem(await api.http.get("/api/consensus", params={"task_id": task_id}), 404)
        for one in (run, again):
            assert_problem(await api.http.get(f"/api/consensus/{one['id']}"), 404)
            assert await api.platform.consensus.store.pages(one["id"]) == []


async def test_operators_are_counted_and_shown(tmp_path):
    async with running(tmp_path) as api:
        empty = (await api.http.get("/api/admin/operators")).json()
        assert (empty["as_of"], empty["state"], empty["items"]) == (None, None, [])
        assert_problem(await api.http.post("/api/admin/operators"), 409)
        await ended_task(api)
        assert (await api.http.post("/api/admin/operators")).status_code == 202

        async def over() -> dict | None:
            told = (await api.http.get("/api/admin/operators")).json()
            return told if told["state"] in ("finished", "failed") else None

        told = await until(over, "they are counted")
        assert told["state"] == "finished", told
        assert [one["operator"] for one in told["items"]] == ["ann", "bob", "carl"]
        ann, _, carl = told["items"]
        assert (ann["votes"], ann["commonest_label"], ann["commonest_share"], ann["longest_run"]) == (6, "cat", 1.0, 6)
        assert (carl["agreement"], carl["compared"]) == (0.0, 6)
        assert told["pairs"][0]["common"] == 6
