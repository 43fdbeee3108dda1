"""Single pictures that the detector recognises, through HTTP alone: submitted, looked at, listed, removed."""

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from loadtest.samples import CLASSES, draw
from services.task_manager.jobs import rules
from shared.errors import Invalid
from shared.models import ModelLoaded
from shared.proposals import MOST_CLASSES
from tests.service.picture_samples import png
from tests.service.running import Api, as_user, assert_problem, running

EMPTY = png(1)
"""A picture in which the tiny model knows nothing."""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, bytes, str]]:
    """Pictures with what they show, each of one colour and bright."""
    folder = tmp_path_factory.mktemp("drawn")
    truths = [truth for truth in draw(folder, 7, 5) if len({one.label for one in truth.squares}) == 1]
    return [(one.filename, (folder / one.filename).read_bytes(), one.label) for one in truths if not one.is_faint]


async def submit(api: Api, *files: tuple[str, bytes], field: str = "image", user: str = "local") -> dict:
    answer = await api.http.post("/jobs/submit", files=[(field, one) for one in files], headers=as_user(user))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def item(api: Api, job: str, user: str = "local") -> dict:
    answer = await api.http.get(f"/jobs/item/{job}", headers=as_user(user))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def listed(api: Api, path: str = "all", user: str = "local", limit: int = 2) -> list[str]:
    """The ids of a list, page by page."""
    found, query = [], {"limit": limit}
    while True:
        page = (await api.http.get(f"/jobs/{path}", params=query, headers=as_user(user))).json()
        assert len(page["items"]) <= limit
        found += [one["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            return found
        query["cursor"] = page["next_cursor"]


async def test_a_picture_is_recognised_by_the_detector_alone(seeing: Api, drawn):
    name, data, label = drawn[0]
    report = await submit(seeing, (name, data))
    assert [one["id"] for one in report["jobs"]] == [report["id"]]
    await seeing.settled()
    job = await item(seeing, report["id"])
    assert (job["state"], job["filename"], job["reason"]) == ("finished", name, None)
    assert job["classes"][0]["label"] == label
    assert job["classes"][0]["confidence"] > 0.9
    assert job["model"].startswith("detector:tiny@")
    confidences = [one["confidence"] for one in job["classes"]]
    assert confidences == sorted(confidences, reverse=True)
    assert len({one["label"] for one in job["classes"]}) == len(confidences) <= MOST_CLASSES
    assert (await seeing.http.get(job["image_url"])).content == data
    await seeing.unharmed()


async def test_many_are_submitted_at_once_and_each_is_answered_for(seeing: Api, drawn):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        for name, data, _ in drawn[:2]:
            packed.writestr(name, data)
    report = await submit(seeing, ("some.zip", archive.getvalue()), ("notes.txt", b"no picture"), field="images")
    assert (report["id"], report["accepted"], report["rejected"]) == (None, 2, 1)
    assert [one["status"] for one in report["jobs"]] == ["accepted", "accepted", "rejected"]
    await seeing.settled()
    labels = [(await item(seeing, one["id"]))["classes"][0]["label"] for one in report["jobs"][:2]]
    assert labels == [label for _, _, label in drawn[:2]]


async def test_the_same_picture_again_is_the_same_job(seeing: Api, drawn):
    name, data, _ = drawn[0]
    first = await submit(seeing, (name, data))
    again = await submit(seeing, ("other.png", data), field="files")
    assert again["id"] == first["id"]
    assert (again["accepted"], again["duplicates"]) == (0, 1)
    assert (await item(seeing, first["id"]))["filename"] == name


async def test_a_picture_in_which_nothing_is_known_is_finished_without_classes(seeing: Api):
    report = await submit(seeing, ("empty.png", EMPTY))
    await seeing.settled()
    job = await item(seeing, report["id"])
    assert (job["state"], job["classes"], job["reason"]) == ("finished", [], None)
    assert job["finished_at"] is not None


async def test_what_the_detector_cannot_read_has_failed_and_is_work_for_nobody(seeing: Api, drawn, monkeypatch):
    def unreadable(_data: bytes) -> None:
        raise Invalid("it has too many pixels for the detector")

    monkeypatch.setattr(seeing.platform.pool, "decode", unreadable)
    report = await submit(seeing, drawn[0][:2])
    await seeing.settled()
    job = await item(seeing, report["id"])
    assert (job["state"], job["classes"]) == ("failed", [])
    assert job["reason"] == "it has too many pixels for the detector"
    assert (await seeing.http.get("/api/disputes")).json()["items"] == []
    assert await seeing.lease("ada", 10) == []
    assert (await listed(seeing), await listed(seeing, "all_finished")) == ([job["id"]], [])
    await seeing.unharmed()


async def test_nobody_is_asked_while_the_detector_is_slow_and_a_late_answer_counts(seeing: Api, drawn, monkeypatch):
    pool, looked = seeing.platform.pool, []
    decode = pool.decode

    def slow(data: bytes):
        looked.append(data)
        seeing.clock.ahead_s += 200
        return decode(data)

    monkeypatch.setattr(pool, "decode", slow)
    report = await submit(seeing, drawn[0][:2])
    assert await seeing.lease("ada", 10) == []
    assert (await seeing.http.get("/api/work", headers=as_user("ada"))).json()["items"] == []
    await seeing.settled()
    assert len(looked) == 1
    assert (await item(seeing, report["id"]))["state"] == "finished"


async def test_lists_are_of_the_callers_own_jobs_the_newest_first(seeing: Api, drawn):
    mine = [(await submit(seeing, one[:2]))["id"] for one in drawn[:3]]
    hers = (await submit(seeing, drawn[0][:2], user="ada"))["id"]
    await seeing.settled()
    assert hers not in mine
    assert await listed(seeing) == mine[::-1] == await listed(seeing, "all_finished")
    assert await listed(seeing, user="ada") == [hers]
    assert await listed(seeing, user="bob") == []


async def test_first_jobs_at_the_same_time_make_one_task(seeing: Api, drawn):
    reports = await asyncio.gather(*(submit(seeing, one[:2]) for one in drawn[:3]))
    assert len({report["id"] for report in reports}) == 3
    assert len(await seeing.tasks()) == 1


async def test_a_removed_job_is_gone_and_may_come_again(seeing: Api, drawn):
    job = (await submit(seeing, drawn[0][:2]))["id"]
    await seeing.settled()
    assert (await seeing.http.delete(f"/jobs/item/{job}")).status_code == 204
    assert_problem(await seeing.http.get(f"/jobs/item/{job}"), 404)
    assert_problem(await seeing.http.delete(f"/jobs/item/{job}"), 404)
    assert await listed(seeing) == []
    assert (await submit(seeing, drawn[0][:2]))["id"] == job
    await seeing.settled()
    assert (await item(seeing, job))["state"] == "finished"
    await seeing.unharmed()


async def test_deleting_their_task_removes_all_jobs_and_the_next_one_begins_another(seeing: Api, drawn):
    first = (await submit(seeing, drawn[0][:2]))["id"]
    [task] = await seeing.tasks()
    assert task["name"].startswith("Recognised by tiny@")
    assert task["labels"] == list(CLASSES)
    assert (await seeing.http.delete(f"/api/tasks/{task['id']}")).status_code == 204
    assert_problem(await seeing.http.get(f"/jobs/item/{first}"), 410)
    assert await listed(seeing) == []
    second = (await submit(seeing, drawn[0][:2]))["id"]
    assert second != first
    assert await listed(seeing) == [second]
    third = next(one["id"] for one in await seeing.tasks() if one["state"] == "open")
    assert (await seeing.http.post(f"/api/tasks/{third}/seal")).status_code == 200
    fourth = (await submit(seeing, drawn[1][:2]))["id"]
    assert set(await listed(seeing)) == {second, fourth}


async def test_their_task_cannot_be_made_work_for_people(seeing: Api, drawn):
    job = (await submit(seeing, drawn[0][:2]))["id"]
    path = f"/api/tasks/{job[:32]}"
    for change in ({"name": "other"}, {"add_labels": ["cat"]}, {"votes_required": 3}):
        assert_problem(await seeing.http.patch(path, json=change), 409, code="detector-alone")
    for change in ({"only_invited": False}, {"invite": ["ada"]}):
        assert_problem(await seeing.http.patch(f"{path}/operators", json=change), 409, code="detector-alone")


async def test_images_of_other_tasks_are_no_jobs(seeing: Api):
    task_id, [image_id] = await seeing.task_with(1)
    assert_problem(await seeing.http.get(f"/jobs/item/{task_id}{image_id}"), 404)
    for unknown in ("x", "0" * 64, image_id):
        assert_problem(await seeing.http.get(f"/jobs/item/{unknown}"), 404)


async def test_without_a_model_nothing_is_taken_and_what_there_is_can_be_read(api: Api):
    answer = await api.http.post("/jobs/submit", files=[("image", ("a.png", EMPTY))])
    assert_problem(answer, 503, saying="QUORATE_MODEL")
    assert int(answer.headers["retry-after"]) > 0
    assert (await listed(api), await api.tasks()) == ([], [])
    heard = api.platform.tasks.model.heard
    heard(ModelLoaded(model="detector:m@1", classes=()).model_dump_json().encode())
    answer = await api.http.post("/jobs/submit", files=[("image", ("a.png", EMPTY))])
    assert_problem(answer, 503, saying="too many classes")


async def test_a_job_for_which_no_detector_came_has_failed(api: Api):
    told = ModelLoaded(model="detector:m@1", classes=("background", "cat", "Cat", "dog"))
    api.platform.tasks.model.heard(told.model_dump_json().encode())
    job = (await submit(api, ("a.png", EMPTY)))["id"]
    assert (await item(api, job))["state"] == "waiting"
    [task] = await api.tasks()
    assert task["labels"] == ["cat", "dog"]
    api.clock.ahead_s += rules.LONGEST_WAIT_S + 1
    late = await item(api, job)
    assert (late["state"], late["reason"], late["finished_at"]) == ("failed", rules.TOO_LATE, None)


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [("application/json", b"{}", 415), ("multipart/form-data", b"", 400), (None, b"x", 415)],
)
async def test_what_is_no_form_is_refused(seeing: Api, content_type, body, status):
    headers = {} if content_type is None else {"content-type": content_type}
    assert_problem(await seeing.http.post("/jobs/submit", content=body, headers=headers), status)


async def test_a_submission_without_any_picture_is_refused_with_each_reason(seeing: Api):
    answer = await seeing.http.post("/jobs/submit", files=[("image", ("a.txt", b"no picture"))])
    problem = assert_problem(answer, 422, pointer="/jobs/0")
    assert problem["jobs"][0]["status"] == "rejected"


@pytest.fixture
async def small(tmp_path: Path, model: Path) -> AsyncIterator[Api]:
    async with running(tmp_path / "data", model=model, quota_images=1) as started:
        yield started


async def test_quotas_hold_for_jobs(small: Api, drawn):
    await submit(small, drawn[0][:2])
    answer = await small.http.post("/jobs/submit", files=[("image", drawn[1][:2])])
    problem = assert_problem(answer, 403, saying="quota of images")
    assert problem["quota"] == "images"
