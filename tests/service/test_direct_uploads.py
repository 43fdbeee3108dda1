"""Uploads straight to the object store: forms, staged files, and the commit that takes them in."""

import asyncio
import hashlib
import json
import time
from functools import partial
from io import BytesIO
from pathlib import Path

import httpx
import pytest

from quorate.client import Client
from quorate.errors import ApiError
from quorate.uploads import Part
from shared.errors import Unavailable
from tests.contract.s3 import own_bucket, store
from tests.service import archive_samples as archive
from tests.service.multipart_samples import FORM, form, part
from tests.service.picture_samples import BAD, GOOD, png, turned_jpeg
from tests.service.processes import Server
from tests.service.running import Api, assert_problem, running
from tests.service.staged_uploads import UNKNOWN, begin, commit, kept, named, stage, staged, statuses
from tests.unit.test_pictures_samples import GPS_IFD


async def test_staged_files_become_images_and_each_is_answered_for(api: Api):
    task_id = await api.task()
    upload = await begin(api, task_id, "a.png", "never.png", "b.png")
    assert [one["filename"] for one in upload["files"]] == ["a.png", "never.png", "b.png"]
    assert (len(upload["upload_id"]), upload["expires_at"][-1]) == (32, "Z")
    a, b = api.picture(), api.picture()
    assert (await stage(api, upload["files"][0], a)).status_code == 204
    assert (await stage(api, upload["files"][2], b)).status_code == 204
    assert await api.results(task_id) == []
    answer = await commit(api, task_id, upload["upload_id"], "a.png", "never.png", "b.png")
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert statuses(answer) == ["accepted", "rejected", "accepted"]
    assert (report["accepted"], report["duplicates"], report["rejected"]) == (2, 0, 1)
    assert "with its form" in report["images"][1]["reason"]
    assert (await api.http.post(f"/api/tasks/{task_id}/seal")).status_code == 200
    await api.settled()
    images = {one["filename"]: one for one in await api.results(task_id)}
    assert set(images) == {"a.png", "b.png"}
    assert (await api.http.get(images["b.png"]["image_url"])).content == b
    assert images["a.png"]["image_id"] == report["images"][0]["image_id"]
    assert len(await api.lease("ada", 5, task_id)) == 2
    await api.unharmed()


async def test_committing_again_tells_the_same_ids(api: Api):
    task_id = await api.task()
    files = [(f"{number}.png", api.picture()) for number in range(3)]
    names = [name for name, _ in files]
    upload_id = await staged(api, task_id, *files)
    first = await commit(api, task_id, upload_id, *names)
    again = await commit(api, task_id, upload_id, *names)
    assert (statuses(first), statuses(again)) == (["accepted"] * 3, ["duplicate"] * 3)
    ids = [[one["image_id"] for one in answer.json()["images"]] for answer in (first, again)]
    assert ids[0] == ids[1]
    assert len(await api.results(task_id)) == 3
    await api.unharmed()


async def test_commits_at_the_same_time_make_each_image_once(api: Api):
    task_id = await api.task()
    upload_id = await staged(api, task_id, ("a.png", api.picture()), ("b.png", api.picture()))
    answers = await asyncio.gather(*(commit(api, task_id, upload_id, "a.png", "b.png") for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({json.dumps([one["image_id"] for one in answer.json()["images"]]) for answer in answers}) == 1
    assert sum(answer.json()["accepted"] for answer in answers) == 2
    assert len(await api.results(task_id)) == 2


async def test_the_same_picture_by_another_way_is_a_duplicate(api: Api):
    task_id, picture = await api.task(), api.picture()
    first = (await api.upload(task_id, ("a.png", picture))).json()["images"][0]
    upload_id = await staged(api, task_id, ("b.png", picture), ("c.png", picture))
    answer = await commit(api, task_id, upload_id, "b.png", "c.png")
    assert statuses(answer) == ["duplicate", "duplicate"]
    assert {one["image_id"] for one in answer.json()["images"]} == {first["image_id"]}
    await api.unharmed()


async def test_a_file_sent_again_before_the_commit_counts_as_it_came_last(api: Api):
    task_id, second = await api.task(), api.picture()
    upload = await begin(api, task_id, "a.png")
    await stage(api, upload["files"][0], b"not a picture at all")
    await stage(api, upload["files"][0], second)
    assert (await commit(api, task_id, upload["upload_id"], "a.png")).json()["accepted"] == 1


@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD)
async def test_good_pictures(api: Api, data):
    task_id = await api.task()
    upload_id = await staged(api, task_id, ("a", data))
    assert (await commit(api, task_id, upload_id, "a")).json()["accepted"] == 1
    await api.unharmed()


@pytest.mark.parametrize(("name", "data", "status", "reason"), BAD.values(), ids=BAD)
async def test_bad_pictures_are_refused_with_the_reason(api: Api, name, data, status, reason):
    """By the form where it can tell, else by the commit."""
    task_id = await api.task()
    upload = await begin(api, task_id, name)
    answer = await stage(api, upload["files"][0], data)
    if answer.status_code == 204:
        answer = await commit(api, task_id, upload["upload_id"], name)
    assert_problem(answer, status, saying="not empty" if not data else reason)
    await api.unharmed()


async def test_an_archive_is_no_picture(api: Api):
    task_id = await api.task()
    upload_id = await staged(api, task_id, ("a.zip", archive.zipped(("a.png", png(1)))))
    assert_problem(await commit(api, task_id, upload_id, "a.zip"), 422, saying="not a picture")
    await api.unharmed()


@pytest.mark.parametrize("filename", ["../../etc/passwd", 'a"b%22.png', "x" * 1_000, "\u202egnp.exe", "", "<script>"])
async def test_a_file_name_is_only_shown(api: Api, filename):
    task_id = await api.task()
    upload_id = await staged(api, task_id, (filename, api.picture()))
    answer = await commit(api, task_id, upload_id, filename)
    assert answer.json()["images"][0]["filename"] == filename
    await api.unharmed()


CHANGED = {
    "sorted": (["a.png", "b.png", "c.png"], "/files/0/filename"),
    "another name": (["b.png", "a.png", "d.png"], "/files/2/filename"),
    "one less": (["b.png", "a.png"], "/files"),
    "one more": (["b.png", "a.png", "c.png", "c.png"], "/files"),
    "another form of the same letters": (["b.png", "a.png", "c\u200b.png"], "/files/2/filename"),
}


@pytest.mark.parametrize(("filenames", "pointer"), CHANGED.values(), ids=CHANGED)
async def test_a_commit_cannot_give_a_file_the_name_of_another(api: Api, filenames, pointer):
    task_id = await api.task()
    pictures = {name: api.picture() for name in ("b.png", "a.png", "c.png")}
    upload_id = await staged(api, task_id, *pictures.items())
    assert_problem(await commit(api, task_id, upload_id, *filenames), 422, saying="announced", pointer=pointer)
    assert await api.results(task_id) == []
    assert (await commit(api, task_id, upload_id, *pictures)).json()["accepted"] == 3
    for image in await api.results(task_id):
        assert (await api.http.get(image["image_url"])).content == pictures[image["filename"]]
    await api.unharmed()


async def test_a_commit_may_leave_the_names_to_what_was_announced(api: Api):
    task_id, picture = await api.task(), api.picture()
    upload = await begin(api, task_id, "b.png", "never.png", "a.png")
    await stage(api, upload["files"][2], picture)
    answer = await commit(api, task_id, upload["upload_id"])
    assert [one["filename"] for one in answer.json()["images"]] == ["b.png", "never.png", "a.png"]
    assert statuses(answer) == ["rejected", "rejected", "accepted"]
    assert (await commit(api, task_id, upload["upload_id"])).json()["duplicates"] == 1
    (image,) = await api.results(task_id)
    assert image["filename"] == "a.png"
    await api.unharmed()


@pytest.mark.parametrize("filename", ["a\0b", "a\nb.png", "\x1b[2J.png", "a\x7f", "a\x85b", "a\u2028b"])
async def test_a_name_with_a_control_character_gets_no_form(api: Api, filename):
    answer = await api.http.post(f"/api/tasks/{await api.task()}/uploads", json=named("a.png", filename))
    assert_problem(answer, 422, saying="control character", pointer="/files/1/filename")
    assert kept(api) == []


async def test_files_of_the_system_are_skipped_by_a_commit(api: Api):
    task_id = await api.task()
    upload_id = await staged(api, task_id, ("desktop.ini", b"[.ShellClassInfo]"), ("a.png", api.picture()))
    assert statuses(await commit(api, task_id, upload_id)) == ["skipped", "accepted"]


BODIES = {
    "empty": (b"", 422),
    "truncated": (b'{"files": [', 400),
    "null": (b"null", 422),
    "array": (b"[]", 422),
    "none": (b'{"files": []}', 422),
    "too many": (json.dumps(named(*["a"] * 1_001)).encode(), 422),
    "unknown field": (b'{"files": [{"filename": "a"}], "owner": "me"}', 422),
    "unknown field of a file": (b'{"files": [{"filename": "a", "key": "b"}]}', 422),
    "no file name": (b'{"files": [{}]}', 422),
    "number": (b'{"files": [{"filename": 5}]}', 422),
    "object": (b'{"files": [{"filename": {"$gt": ""}}]}', 422),
    "long": (json.dumps(named("x" * 1_001)).encode(), 422),
    "deep": (b"[" * 10_000, 400),
    "NaN": (b'{"files": NaN}', 400),
    "lone surrogate": (b'{"files": [{"filename": "\\ud800"}]}', 400),
    "large": (b'{"files": "' + b"x" * 1_000_001 + b'"}', 413),
}


@pytest.mark.parametrize("path", ["uploads", f"uploads/{UNKNOWN}/commit"])
@pytest.mark.parametrize(("body", "status"), BODIES.values(), ids=BODIES)
async def test_bodies_that_are_no_request(api: Api, path, body, status):
    url = f"/api/tasks/{await api.task()}/{path}"
    answer = await api.http.post(url, content=body, headers={"Content-Type": "application/json"})
    assert_problem(answer, status)
    assert_problem(await api.http.post(url, content=b"x", headers={"Content-Type": "text/plain"}), 415)
    assert_problem(await api.http.get(url), 405, code="method-not-allowed")
    await api.unharmed()


async def test_as_many_files_as_a_request_may_name(api: Api):
    task_id = await api.task()
    names = [f"{number}.png" for number in range(1_000)]
    upload = await begin(api, task_id, *names)
    assert len({one["url"] for one in upload["files"]}) == 1_000
    assert (await stage(api, upload["files"][999], api.picture())).status_code == 204
    report = (await commit(api, task_id, upload["upload_id"], *names)).json()
    assert (report["accepted"], report["rejected"], report["images"][999]["filename"]) == (1, 999, "999.png")
    await api.unharmed()


@pytest.mark.parametrize("upload_id", ["x", "A" * 32, "0" * 33, "..", "%2e%2e", "%00", f"{UNKNOWN}-1", "staging"])
async def test_malformed_ids_of_uploads(api: Api, upload_id):
    assert_problem(await commit(api, await api.task(), upload_id, "a"), 404)


@pytest.mark.parametrize("task_id", [UNKNOWN, "x", "staging", "%2e%2e"])
async def test_unknown_tasks(api: Api, task_id):
    assert_problem(await api.http.post(f"/api/tasks/{task_id}/uploads", json=named("a")), 404)
    assert_problem(await commit(api, task_id, UNKNOWN, "a"), 404)


async def test_an_upload_is_nothing_to_another_task(api: Api):
    one, other = await api.task(), await api.task()
    upload_id = await staged(api, one, ("a.png", api.picture()))
    for task_id, wrong in ((other, upload_id), (one, UNKNOWN)):
        assert_problem(await commit(api, task_id, wrong, "a.png"), 404, saying="no such upload")
        assert_problem(await commit(api, task_id, wrong), 404, saying="no such upload")
    assert await api.results(other) == []
    assert (await commit(api, one, upload_id, "a.png")).json()["accepted"] == 1


async def test_a_sealed_or_cancelled_task_takes_nothing_more(api: Api):
    task_id = await api.task()
    upload_id = await staged(api, task_id, ("a.png", api.picture()))
    assert (await api.http.post(f"/api/tasks/{task_id}/seal")).status_code == 200
    for path in ("uploads", f"uploads/{upload_id}/commit"):
        answer = await api.http.post(f"/api/tasks/{task_id}/{path}", json=named("a.png"))
        assert_problem(answer, 409, saying="takes no more images")
    await api.http.delete(f"/api/tasks/{task_id}")
    for path in ("uploads", f"uploads/{upload_id}/commit"):
        assert_problem(
            await api.http.post(f"/api/tasks/{task_id}/{path}", json=named("a.png")), 409, saying="cancelled"
        )
    await api.platform.collector.sweep()
    assert kept(api) == []
    await api.unharmed()


async def test_a_task_is_not_sealed_while_a_commit_goes_on(api: Api, monkeypatch):
    task_id = await api.task()
    upload_id = await staged(api, task_id, ("a.png", api.picture()))
    reading, go_on, get = asyncio.Event(), asyncio.Event(), api.platform.objects.get

    async def wait(key: str) -> bytes:
        reading.set()
        await go_on.wait()
        return await get(key)

    monkeypatch.setattr(api.platform.objects, "get", wait)
    committing = asyncio.create_task(commit(api, task_id, upload_id, "a.png"))
    await reading.wait()
    assert_problem(await api.http.post(f"/api/tasks/{task_id}/seal"), 409, code="upload-under-way")
    go_on.set()
    assert (await committing).json()["accepted"] == 1
    assert (await api.http.post(f"/api/tasks/{task_id}/seal")).status_code == 200
    await api.unharmed()


async def test_a_commit_that_was_cut_short_can_be_sent_again(api: Api, monkeypatch):
    task_id = await api.task()
    files = [(f"{number}.png", api.picture()) for number in range(40)]  # more than a batch
    names = [name for name, _ in files]
    upload_id = await staged(api, task_id, *files)
    get = api.platform.objects.get

    async def fail_late(key: str) -> bytes:
        if key.endswith("-38"):
            raise Unavailable("the object store does not answer now")
        return await get(key)

    with monkeypatch.context() as patch:
        patch.setattr(api.platform.objects, "get", fail_late)
        assert_problem(await commit(api, task_id, upload_id, *names), 503)
    report = (await commit(api, task_id, upload_id, *names)).json()
    assert (report["accepted"], report["duplicates"]) == (8, 32)
    assert len(await api.results(task_id)) == 40
    await api.unharmed()


async def test_commits_count_as_uploads_under_way(api: Api, monkeypatch):
    task_id = await api.task()
    uploads = api.platform.tasks.max_uploads // 2  # the share of one caller
    go_on = asyncio.Event()
    reading = asyncio.Semaphore(0)

    async def wait(key: str) -> bytes:
        reading.release()
        await go_on.wait()
        return await get(key)

    get = api.platform.objects.get
    upload_id = await staged(api, task_id, ("a.png", api.picture()))
    monkeypatch.setattr(api.platform.objects, "get", wait)
    committing = [asyncio.create_task(commit(api, task_id, upload_id, "a.png")) for _ in range(uploads)]
    for _ in range(uploads):
        await reading.acquire()
    assert_problem(await commit(api, task_id, UNKNOWN, "a.png"), 503)
    assert_problem(await api.upload(task_id, ("a.png", api.picture())), 503)
    go_on.set()
    assert {(await one).status_code for one in committing} == {200}


def test_with_the_client(server: Server):
    """Limits of the server are small: it takes no picture over 100 kB."""
    with Client(server.url) as quorate:
        task_id = quorate.create_task("n", ["a", "b"], detector={"mode": "off"})["id"]
        contents = {"a.png": png(11), "b.png": png(12), "text.png": b"no picture", "large.png": bytes(100_001)}
        parts = [Part(name, len(data), partial(BytesIO, data)) for name, data in contents.items()]
        report = quorate.upload_direct(task_id, parts)
        assert [one["status"] for one in report["images"]] == ["accepted", "accepted", "rejected", "rejected"]
        assert quorate.upload_direct(task_id, parts[2:])["rejected"] == 2
        assert quorate.upload_direct(task_id, parts[:1])["duplicates"] == 1
        quorate.seal(task_id)
        assert {one["filename"] for one in quorate.results(task_id)} == {"a.png", "b.png"}
        with pytest.raises(ApiError):
            quorate.upload_direct(task_id, parts)


async def test_on_s3(tmp_path: Path, monkeypatch):
    """The same calls; what they answer leads past the platform."""
    with own_bucket() as (bucket, _):
        monkeypatch.setattr("embedded.app.FilesystemObjectStore", lambda *_, **__: store(bucket))
        async with running(tmp_path) as api, httpx.AsyncClient() as elsewhere:
            task_id, picture = await api.task(), turned_jpeg()
            upload = await begin(api, task_id, "a.jpg", "never.png", "text.png")
            for number, data in {0: picture, 2: b"not a picture at all"}.items():
                one = upload["files"][number]
                stored = await elsewhere.post(one["url"], data=one["fields"], files={"file": ("a", data)})
                assert stored.status_code == 204, stored.text
            names = ["a.jpg", "never.png", "text.png"]
            first = await commit(api, task_id, upload["upload_id"], *names)
            assert statuses(first) == ["accepted", "rejected", "rejected"]
            again = await commit(api, task_id, upload["upload_id"], *names)
            assert statuses(again) == ["duplicate", "rejected", "rejected"]
            assert first.json()["images"][0]["image_id"] == again.json()["images"][0]["image_id"]
            await api.settled()
            (image,) = await api.results(task_id)
            served = await elsewhere.get(image["image_url"])
            assert hashlib.sha256(served.content).hexdigest() == image["stored_sha256"]
            assert GPS_IFD not in served.content
            await api.http.delete(f"/api/tasks/{task_id}")
            await api.platform.collector.sweep()
            assert [key async for key in api.platform.objects.keys("", stored_before=time.time() + 1e6)] == []


def test_over_a_real_connection(server: Server):
    with httpx.Client(base_url=server.url, timeout=30) as http:
        task = http.post("/api/tasks", json={"name": "n", "labels": ["a", "b"], "detector": {"mode": "off"}}).json()
        upload = http.post(f"/api/tasks/{task['id']}/uploads", json=named("a.png", "b.png")).json()
        first, second = upload["files"]
        stored = http.post(first["url"], data=first["fields"], files={"file": ("a.png", png(7))})
        assert (stored.status_code, stored.content) == (204, b"")
        path = second["url"]
        head = f"POST {path} HTTP/1.1\nHost: localhost\nContent-Type: {FORM['Content-Type']}\nContent-Length: {{}}\n\n"
        assert_problem(server.exchange(head.format(10_000_000)), 413)
        whole = form(part(png(8), b'form-data; name="file"; filename="b.png"'))
        with server.connect() as connection:  # and hangs up within the file
            connection.sendall(head.format(len(whole)).replace("\n", "\r\n").encode() + whole[:100])
        report = http.post(
            f"/api/tasks/{task['id']}/uploads/{upload['upload_id']}/commit", json=named("a.png", "b.png")
        )
        assert [one["status"] for one in report.json()["images"]] == ["accepted", "rejected"]
    deadline = time.monotonic() + 5
    while server.temporary_files() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.temporary_files() == []
