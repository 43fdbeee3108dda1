"""Imports: pictures that the platform reads from a client's bucket, in the background."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from services.task_manager import ingest
from services.task_manager.imports import importer, reading, rules
from tests.contract.s3 import own_bucket
from tests.servers import need
from tests.service.buckets import HERE, Bucket, begun, hurry, over, pictures, refused, serving
from tests.service.picture_samples import png
from tests.service.running import Api, assert_problem, running

SECRET = "wJalrXUtnFEMI-no-such-key"


@pytest.fixture
async def api(tmp_path: Path, monkeypatch) -> AsyncIterator[Api]:
    hurry(monkeypatch)
    async with running(tmp_path / "data", **HERE) as started:
        yield started


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with serving(Bucket()) as served:
        yield served


async def test_every_object_is_taken_in_or_named_with_its_reason(api: Api, bucket: Bucket, monkeypatch):
    monkeypatch.setattr(importer, "PART_FILES", 4)
    bucket.objects = pictures(9) | {
        "in/": b"",
        "in/ä b+c&d%.png": png(100),
        "in/again.png": png(1),
        "in/notes.txt": b"no picture",
        "in/all.zip": b"PK\x03\x04" + bytes(50),
        "in/.DS_Store": b"x",
        "out/other.png": png(200),
    }
    task_id = await api.task()
    path = await begun(api, task_id, bucket.body("in/"))
    shown = await over(api, path)
    assert (shown["state"], shown["trouble"]) == ("finished", None)
    assert {name: shown[name] for name in ("files", "accepted", "duplicates", "rejected", "skipped")} == {
        "files": 15,
        "accepted": 10,
        "duplicates": 1,
        "rejected": 2,
        "skipped": 2,
    }
    names = {row["filename"] for row in await api.results(task_id)}
    assert names == {f"{number:03}.png" for number in range(9)} | {"ä b+c&d%.png"}
    told = await refused(api, path, limit=1)
    assert set(told) == {"in/", "notes.txt", "all.zip", ".DS_Store"}
    assert "not opened" in told["all.zip"]
    assert (await api.http.get(f"/api/tasks/{task_id}/imports")).json()["items"] == [shown]
    await api.unharmed()


async def test_the_same_request_is_the_same_import_and_anew_looks_at_all_again(api: Api, bucket: Bucket):
    bucket.objects = pictures(2)
    task_id = await api.task()
    path = await begun(api, task_id, bucket.body())
    before = await over(api, path)
    asked = len(bucket.asked)
    assert await begun(api, task_id, bucket.body()) == path
    assert (await over(api, path), len(bucket.asked)) == (before, asked)
    bucket.objects["in/new.png"] = png(50)
    assert await begun(api, task_id, bucket.body(anew=True)) == path
    after = await over(api, path)
    assert (after["accepted"], after["duplicates"]) == (1, 2)


async def test_throttled_it_comes_back_and_what_has_vanished_is_named(api: Api, bucket: Bucket):
    bucket.objects = pictures(5)
    seen: Counter[str] = Counter()

    def instead(key: str):
        seen[key] += 1
        if key == "in/002.png":
            return 404, b"<Error><Code>NoSuchKey</Code><Message>root:x:0:0</Message></Error>"
        return (503, b"SlowDown") if seen[key] <= 2 else "as S3"

    bucket.instead = instead
    path = await begun(api, await api.task(), bucket.body())
    shown = await over(api, path)
    assert (shown["state"], shown["accepted"], shown["rejected"]) == ("finished", 4, 1)
    assert await refused(api, path) == {"in/002.png": "the storage answered 404: it is not there"}


async def test_a_storage_that_stays_busy_is_tried_again_later(api: Api, bucket: Bucket):
    bucket.objects = pictures(3)
    bucket.instead = lambda _key: (503, b"")
    path = await begun(api, await api.task(), bucket.body())
    shown: dict = {}
    while not shown.get("trouble"):
        shown = (await api.http.get(path)).json()
        await asyncio.sleep(0.01)
    assert (shown["state"], shown["trouble"]) == ("running", "the storage answered 503: it is busy")
    assert shown["retry_at"] is not None
    bucket.instead = lambda _key: "as S3"
    api.clock.ahead_s += rules.LONGEST_PAUSE_S
    api.platform.importer.wake()
    assert (await over(api, path))["accepted"] == 3


@pytest.mark.parametrize(
    ("answer", "saying"),
    [
        ((403, b"secret words"), "403: the key may not read it"),
        ((404, b"secret words"), "404: it is not there"),
        ((301, b"secret words"), "301: it is in another region"),
        ((200, b"<html>secret words</html>"), "does not answer as an S3 server"),
        ((200, b'<!DOCTYPE a [<!ENTITY b "secret words">]><ListBucketResult/>'), "does not answer as an S3 server"),
    ],
)
async def test_a_refused_listing_ends_it_with_the_reason_and_nothing_of_the_answer(
    api: Api, bucket: Bucket, answer, saying
):
    bucket.instead = lambda _key: answer
    task_id = await api.task()
    shown = await over(api, await begun(api, task_id, bucket.body()))
    assert shown["state"] == "failed"
    assert saying in shown["trouble"]
    assert "secret" not in json.dumps(shown)
    bucket.instead, bucket.objects = (lambda _key: "as S3"), pictures(1)
    assert (await over(api, await begun(api, task_id, bucket.body())))["accepted"] == 1


async def test_a_listing_that_goes_round_for_ever_is_no_listing(api: Api, bucket: Bucket):
    bucket.objects = pictures(3)
    same = bucket.listing({"max-keys": "2"})
    bucket.instead = lambda key: "as S3" if key else (200, same)
    shown = await over(api, await begun(api, await api.task(), bucket.body()))
    assert (shown["state"], shown["accepted"]) == ("failed", 2)
    assert "order of their keys" in shown["trouble"]


async def test_a_task_is_not_sealed_while_an_import_goes_on_and_cancelling_lets_go(api: Api, bucket: Bucket):
    bucket.objects, task_id = pictures(3), await api.task()
    bucket.instead = lambda _key: (503, b"")
    path = await begun(api, task_id, bucket.body())
    for order, body in (("seal", None), ("finish", {"reason": "late"})):
        answer = await api.http.post(f"/api/tasks/{task_id}/{order}", json=body)
        assert_problem(answer, 409, code="import-under-way")
    for _ in range(2):
        assert (await api.http.delete(path)).status_code == 204
    assert (await api.http.get(path)).json()["state"] == "cancelled"
    for _ in range(100):
        if (sealed := await api.http.post(f"/api/tasks/{task_id}/seal")).status_code == 200:
            break
        await asyncio.sleep(0.05)  # the part that is under way ends soon
    assert sealed.status_code == 200
    assert_problem(await api.http.post(f"/api/tasks/{task_id}/imports", json=bucket.body()), 409, code="not-open")


async def test_a_cancelled_task_takes_its_imports_with_it(api: Api, bucket: Bucket):
    bucket.objects, task_id = {"a.txt": b"no picture"}, await api.task()
    path = await begun(api, task_id, bucket.body())
    await over(api, path)
    bucket.instead = lambda _key: (503, b"")
    other = await begun(api, task_id, bucket.body("b"))
    assert (await api.http.delete(f"/api/tasks/{task_id}")).status_code == 204
    for _ in range(200):
        left = await api.platform.tasks_file.read(
            lambda db: [db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("imports", "import_pages")]
        )
        if left == [0, 0]:
            break
        await asyncio.sleep(0.02)
    assert left == [0, 0]
    for one in (path, other):
        assert_problem(await api.http.get(one), 404)


async def test_a_secret_is_never_shown_logged_or_stored_as_it_is(api: Api, bucket: Bucket, caplog):
    caplog.set_level("DEBUG")
    bucket.instead = lambda _key: (503, b"")
    key = {"key_id": "AKIAEXAMPLE", "secret": SECRET, "token": "a-session-token"}
    path = await begun(api, await api.task(), bucket.body(key=key))
    shown = await api.http.get(path)
    assert shown.json()["has_key"]
    for _ in range(500):
        if bucket.asked:
            break
        await asyncio.sleep(0.01)
    stored = b"".join(one.read_bytes() for one in api.folder.rglob("*") if one.is_file())
    for told in (shown.text.encode(), stored, caplog.text.encode(), repr(api.platform.tasks).encode()):
        assert SECRET.encode() not in told
        assert b"a-session-token" not in told
    await api.http.delete(path)
    import_id = path.rpartition("/")[2]
    assert (await api.platform.tasks.imports.find(import_id)).sealed is None


async def test_a_quota_that_is_used_up_ends_it_and_it_goes_on_from_there(api: Api, bucket: Bucket):
    bucket.objects, task_id = pictures(5), await api.task()
    assert (await api.http.put("/api/admin/quotas/first", json={"images": 3})).status_code == 200
    path = await begun(api, task_id, bucket.body())
    shown = await over(api, path)
    assert (shown["state"], shown["accepted"], shown["rejected"]) == ("failed", 3, 0)
    assert "3 images" in shown["trouble"]
    assert (await api.http.put("/api/admin/quotas/first", json={})).status_code == 200
    await begun(api, task_id, bucket.body())
    shown = await over(api, path)
    assert (shown["state"], shown["accepted"], shown["duplicates"]) == ("finished", 5, 0)
    await api.unharmed()


async def test_with_a_used_up_quota_no_more_is_read(api: Api, bucket: Bucket, monkeypatch):
    monkeypatch.setattr(ingest, "BATCH_FILES", 2)
    bucket.objects, task_id = pictures(40), await api.task()
    assert (await api.http.put("/api/admin/quotas/first", json={"images": 1})).status_code == 200
    shown = await over(api, await begun(api, task_id, bucket.body()))
    assert (shown["state"], shown["files"]) == ("failed", 1)
    assert len(bucket.asked) <= 1 + 2 + reading.READ_AT_ONCE


async def test_a_process_that_stops_leaves_the_import_to_the_next(tmp_path: Path, bucket: Bucket, monkeypatch):
    hurry(monkeypatch)
    monkeypatch.setattr(importer, "PART_FILES", 5)
    bucket.objects = pictures(20)
    async with running(tmp_path / "data", **HERE) as api:
        path = await begun(api, await api.task(), bucket.body())
        for _ in range(5_000):
            if (await api.http.get(path)).json()["accepted"] >= 5:
                break
            await asyncio.sleep(0)
    async with running(tmp_path / "data", **HERE) as api:
        shown = await over(api, path)
        assert (shown["state"], shown["accepted"] + shown["duplicates"]) == ("finished", 20)
        assert len(await api.results(path.split("/")[3])) == 20


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"endpoint": "https://user:word@s3.example"}, "/endpoint"),
        ({"endpoint": "https://s3.example/a/path"}, "/endpoint"),
        ({"endpoint": "ftp://s3.example"}, "/endpoint"),
        ({"endpoint": "file:///etc/passwd"}, "/endpoint"),
        ({"bucket": "../other"}, "/bucket"),
        ({"bucket": "a..b"}, "/bucket"),
        ({"bucket": "Upper"}, "/bucket"),
        ({"region": "eu west"}, "/region"),
        ({"prefix": "x" * 1_025}, "/prefix"),
        ({"key": {"key_id": "a"}}, "/key/secret"),
        ({"key": {"key_id": "a", "secret": "b\r\nX-Evil: 1"}}, "/key/secret"),
        ({"anew": "yes"}, "/anew"),
        ({"bogus": 1}, "/bogus"),
    ],
)
async def test_what_cannot_be_read_from_is_refused_at_once(api: Api, bucket: Bucket, changed: dict, pointer: str):
    where = f"/api/tasks/{await api.task()}/imports"
    assert_problem(await api.http.post(where, json=bucket.body() | changed), 422, pointer=pointer)
    assert (bucket.asked, (await api.http.get(where)).json()) == ([], {"items": []})


async def test_an_import_is_of_its_task_alone(api: Api, bucket: Bucket):
    path = await begun(api, await api.task(), bucket.body())
    elsewhere = f"/api/tasks/{await api.task()}/imports/{path.rpartition('/')[2]}"
    for answer in (
        await api.http.get(elsewhere),
        await api.http.get(f"{elsewhere}/refused"),
        await api.http.delete(elsewhere),
        await api.http.get(path[:-1]),
    ):
        assert_problem(answer, 404)
    assert_problem(await api.http.get(f"{path}/refused?cursor=xyz"), 400)


async def test_from_a_real_server_with_a_key(api: Api, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(importer, "PART_FILES", 3)
    server = need("S3")
    with own_bucket() as (name, client):
        client.make_bucket(name)
        for number, key in enumerate(("in/a.png", "in/b c+ä.png", "in/d/e.png", "in/f.png", "in/g.txt", "out/h.png")):
            (tmp_path / "one").write_bytes(b"no picture" if key.endswith("txt") else png(number))
            client.fput_object(name, key, str(tmp_path / "one"))
        key = {"key_id": server["QUORATE_S3_ACCESS_KEY"], "secret": server["QUORATE_S3_SECRET_KEY"]}
        wanted = {"endpoint": server["QUORATE_S3_ENDPOINT"], "bucket": name, "prefix": "in/", "key": key}
        task_id = await api.task()
        path = await begun(api, task_id, wanted)
        shown = await over(api, path)
        assert (shown["state"], shown["accepted"], shown["rejected"]) == ("finished", 4, 1), shown
        assert {row["filename"] for row in await api.results(task_id)} == {"a.png", "b c+ä.png", "d/e.png", "f.png"}
        assert set(await refused(api, path)) == {"g.txt"}
        wrong = wanted | {"prefix": "", "key": key | {"secret": "wrong"}}
        shown = await over(api, await begun(api, task_id, wrong))
        assert (shown["state"], shown["trouble"]) == (
            "failed",
            "the storage answered 403: the key may not read it, or has expired",
        )
