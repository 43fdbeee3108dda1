"""Imports from storages that fail, expire, drip and overdo: what a passing fault costs, and whom."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from services.task_manager.imports import importer, rules
from services.task_manager.imports.rules import Import, Source
from tests.service.buckets import HERE, Bucket, begun, hurry, over, pictures, refused, serving
from tests.service.running import Api, running


@pytest.fixture
async def api(tmp_path: Path, monkeypatch) -> AsyncIterator[Api]:
    hurry(monkeypatch)
    async with running(tmp_path / "data", **HERE) as started:
        yield started


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with serving(Bucket()) as served:
        yield served


async def test_a_storage_that_goes_away_within_a_part_costs_no_picture(api: Api, bucket: Bucket):
    bucket.objects = pictures(20)
    bucket.instead = lambda key: "as S3" if key < "in/004.png" else (503, b"")
    path = await begun(api, await api.task(), bucket.body())
    shown: dict = {}
    while not shown.get("trouble") and shown.get("state", "running") == "running":
        shown = (await api.http.get(path)).json()
        await asyncio.sleep(0.01)
    assert (shown["accepted"], shown["rejected"]) == (4, 0)
    bucket.instead = lambda _key: "as S3"
    api.clock.ahead_s += rules.LONGEST_PAUSE_S
    api.platform.importer.wake()
    shown = await over(api, path)
    assert (shown["state"], shown["accepted"], shown["rejected"]) == ("finished", 20, 0)


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_key_that_expires_within_a_part_costs_no_picture(api: Api, bucket: Bucket, status: int):
    bucket.objects, task_id, is_over = pictures(20), await api.task(), False

    def instead(key: str):
        nonlocal is_over
        is_over |= key == "in/004.png"
        return (status, b"<Error><Code>ExpiredToken</Code></Error>") if is_over else "as S3"

    bucket.instead = instead
    path = await begun(api, task_id, bucket.body())
    shown = await over(api, path)
    assert (shown["state"], shown["rejected"]) == ("failed", 0)
    assert f"{status}: " in shown["trouble"]
    assert {400: "still valid", 401: "expired", 403: "expired"}[status] in shown["trouble"]
    bucket.instead = lambda _key: "as S3"
    await begun(api, task_id, bucket.body())
    shown = await over(api, path)
    assert (shown["state"], shown["accepted"], shown["rejected"]) == ("finished", 20, 0)


async def test_objects_that_a_good_key_may_not_read_are_named(api: Api, bucket: Bucket):
    bucket.objects = pictures(9)
    bucket.instead = lambda key: (403, b"InvalidObjectState") if key in ("in/000.png", "in/004.png") else "as S3"
    path = await begun(api, await api.task(), bucket.body())
    shown = await over(api, path)
    assert (shown["state"], shown["accepted"], shown["rejected"]) == ("finished", 7, 2)
    assert "may not read it" in (await refused(api, path))["in/004.png"]


async def test_one_object_that_is_never_given_is_named_at_the_last_try(api: Api, bucket: Bucket, monkeypatch):
    for module in (rules, importer):
        monkeypatch.setattr(module, "MAX_TRIES", 1)
    bucket.objects = pictures(9)
    bucket.instead = lambda key: (500, b"") if key == "in/004.png" else "as S3"
    path = await begun(api, await api.task(), bucket.body())
    shown = await over(api, path)
    assert (shown["state"], shown["accepted"], shown["rejected"]) == ("finished", 8, 1)
    assert set(await refused(api, path)) == {"in/004.png"}


async def test_a_part_ends_after_its_time_with_what_it_read(api: Api, bucket: Bucket, monkeypatch):
    monkeypatch.setattr(importer, "PART_S", 0.5)
    bucket.objects, slow = pictures(6), threading.Event()

    def instead(key: str):
        if key == "in/003.png" and bucket.asked.count(key) == 1:
            slow.wait(20)
        return "as S3"

    bucket.instead = instead
    path = await begun(api, await api.task(), bucket.body())
    shown = await over(api, path)
    slow.set()
    assert (shown["state"], shown["accepted"], shown["duplicates"]) == ("finished", 6, 0)
    assert bucket.asked.count("") == 2


async def test_the_imports_of_a_team_leave_room_for_another_teams(api: Api, bucket: Bucket):
    bucket.objects, task_id, released, asked = pictures(1), await api.task(), threading.Event(), list[str]()

    def instead(key: str):
        asked.append(key)
        released.wait(20)
        return "as S3"

    try:
        with serving(Bucket(pictures(1), instead)) as slow:
            paths = [await begun(api, task_id, slow.body(prefix)) for prefix in ("", "i", "in")]
            source = Source(endpoint=bucket.url, bucket=bucket.name, prefix="", region="eu")
            now = api.clock()
            other = Import(id="f" * 32, task_id=task_id, source=source, asked_at=now, next_at=now, team="other")
            await api.platform.tasks.imports.add(other)
            api.platform.importer.wake()
            assert (await over(api, f"/api/tasks/{task_id}/imports/{other.id}"))["accepted"] == 1
            assert asked == [""]
            released.set()
            assert {(await over(api, path))["state"] for path in paths} == {"finished"}
    finally:
        released.set()


async def test_a_server_that_lists_more_than_was_asked_for_makes_no_larger_part(api: Api, bucket: Bucket, monkeypatch):
    monkeypatch.setattr(importer, "PART_FILES", 3)
    bucket.objects, whole = pictures(8), bucket.listing
    monkeypatch.setattr(bucket, "listing", lambda query: whole(query | {"max-keys": "1000"}))
    task_id = await api.task()
    path = await begun(api, task_id, bucket.body())
    assert (await over(api, path))["accepted"] == 8
    assert (await api.platform.tasks.imports.find(path.rpartition("/")[2])).parts == 3
