"""The rest of an export that broke off: which bytes it has, what it costs, and when there is none."""

import asyncio
import io
import zipfile
from functools import partial

import httpx
import pytest

from services.task_manager import domain
from services.task_manager.exports import Exports, Span, Wanted
from services.task_manager.exports.sizes import MAX_AT_ONCE, Sizes
from shared.errors import Unavailable
from shared.shares import Holder
from tests.service.export_samples import NASTY, exported_task
from tests.service.running import Api, assert_problem

ADA = Holder("here", "ada")
FILES = [
    ("jsonl", {}),
    ("csv", {}),
    ("imagefolder", {"split": "0.7"}),
    ("parquet", {}),
    ("labelstudio", {}),
    ("labelstudio", {"images": "true"}),
    ("coco", {}),
    ("coco", {"images": "true"}),
    ("yolo", {}),
    ("yolo", {"images": "true", "split": "0.7"}),
]


async def rested(api: Api, *, images: int = 30) -> str:
    task_id = await exported_task(api, NASTY, images=images, boxes=50, open_images=0)
    await api.http.post(f"/api/tasks/{task_id}/seal")
    assert (await api.http.get(f"/api/tasks/{task_id}")).json()["state"] == "completed"
    return task_id


async def ask(api: Api, task_id: str, span: str | None = None, if_range: str | None = None, **query) -> httpx.Response:
    headers = {name: value for name, value in (("Range", span), ("If-Range", if_range)) if value is not None}
    return await api.http.get(f"/api/tasks/{task_id}/export", params=query, headers=headers)


async def touch(api: Api, task_id: str) -> None:
    """A result of the task is another."""
    store = api.platform.task_store
    [image, *_] = await store.images(task_id, state="completed", label=None, after="", limit=1)
    result = domain.replace(image.result, revision=image.result.revision + 1, label=NASTY[-1])
    rule = partial(domain.record_result, state="completed", result=result, votes=image.votes, prelabel=image.prelabel)
    await store.update_image(task_id, image.id, rule)


async def test_the_rest_of_a_file_from_any_byte_on(api: Api):
    task_id = await rested(api, images=8)
    for form, query in FILES:
        whole = await ask(api, task_id, format=form, **query)
        tag, size = whole.headers["ETag"], len(whole.content)
        assert (whole.status_code, whole.headers["Accept-Ranges"]) == (200, "bytes")
        for first in (1, size // 3, size * 2 // 3, size - 1):
            rest = await ask(api, task_id, f"bytes={first}-", tag, format=form, **query)
            assert (rest.status_code, rest.headers["ETag"]) == (206, tag)
            assert rest.headers["Content-Range"] == f"bytes {first}-{size - 1}/{size}"
            assert rest.headers["Content-Length"] == str(size - first)
            assert rest.content == whole.content[first:], (form, query, first)
        middle = await ask(api, task_id, f"bytes={size // 4}-{size // 2}", format=form, **query)
        assert middle.content == whole.content[size // 4 : size // 2 + 1]
        behind = await ask(api, task_id, f"bytes={size}-", tag, format=form, **query)
        assert_problem(behind, 416)
        assert behind.headers["Content-Range"] == f"bytes */{size}"


async def test_each_file_has_a_tag_of_its_own_on_any_replica(api: Api, tmp_path):
    task_id, other = await rested(api, images=3), await rested(api, images=3)
    tags = [(await ask(api, task_id, format=form, **query)).headers["ETag"] for form, query in FILES]
    tags += [(await ask(api, other, format=form, **query)).headers["ETag"] for form, query in FILES]
    assert len(set(tags)) == len(tags)
    tasks = api.platform.tasks
    replica = Exports(tasks.store, tasks.objects, tmp_path)
    assert await replica.tag(await tasks.store.task(task_id), Wanted(form="jsonl")) == tags[0]


async def test_a_change_gives_the_whole_of_another_file(api: Api):
    task_id = await rested(api, images=5)
    tags = []
    for change in (None, touch, rename, remove):
        if change is not None:
            await change(api, task_id)
            answer = await ask(api, task_id, "bytes=10-", tags[-1])
            assert (answer.status_code, "Content-Range" in answer.headers) == (200, False)
            assert answer.content.startswith(b'{"image_id":')
        tags.append((await ask(api, task_id)).headers["ETag"])
    assert len(set(tags)) == len(tags)


async def rename(api: Api, task_id: str) -> None:
    answer = await api.http.patch(f"/api/tasks/{task_id}", json={"name": "other"})
    assert answer.status_code == 200, answer.text


async def remove(api: Api, task_id: str) -> None:
    [image, *_] = await api.results(task_id)
    assert (await api.http.delete(f"/api/tasks/{task_id}/images/{image['image_id']}")).status_code == 204


async def test_other_ranges_are_answered_with_the_whole(api: Api):
    task_id = await rested(api, images=2)
    for span in (b"bytes=-5", b"bytes=1-2,5-6", b"bytes=9-3", b"items=1-", b"bytes=", b"bytes=a-", b"bytes=\xd9\xa1-"):
        answer = await api.http.get(f"/api/tasks/{task_id}/export", headers={"Range": span})
        assert (answer.status_code, "Content-Range" in answer.headers) == (200, False)
    for headers in ({"Range": "bytes=" + ",".join(f"{at}-{at}" for at in range(100))}, {"Range": "bytes=1" * 300}):
        answer = await api.http.get(f"/api/tasks/{task_id}/export", headers=headers)
        assert (answer.status_code, "Content-Range" in answer.headers) == (200, False)
    answer = await api.http.get(
        f"/api/tasks/{task_id}/export", headers={"Range": "bytes=1-", "If-Range": '"' + "a" * 300 + '"'}
    )
    assert (answer.status_code, "Content-Range" in answer.headers) == (200, False)


async def test_a_file_whose_bytes_may_change_has_no_parts(api: Api):
    open_task, rested_task = await exported_task(api, NASTY, images=3), await rested(api, images=3)
    for task_id, query in ((open_task, {}), (rested_task, {"format": "parquet", "images": "true"})):
        answer = await ask(api, task_id, "bytes=10-", **query)
        assert (answer.status_code, answer.headers["Accept-Ranges"]) == (200, "none")
        assert "ETag" not in answer.headers
        assert "Content-Range" not in answer.headers


@pytest.mark.parametrize("form", ["imagefolder", "coco", "yolo", "labelstudio"])
async def test_pictures_before_the_part_are_not_read(api: Api, monkeypatch, form):
    task_id = await rested(api)
    objects = api.platform.tasks.objects
    read_one, read = objects.get, []

    async def get(key, **kwargs):
        read.append(key)
        return await read_one(key, **kwargs)

    monkeypatch.setattr(objects, "get", get)
    whole = await ask(api, task_id, format=form, images="true")
    assert len(read) == 30
    entries = zipfile.ZipFile(io.BytesIO(whole.content)).infolist()
    pictures = [one for one in entries if one.filename.endswith(".png")]
    for number in (10, 20):
        read.clear()
        first = pictures[number].header_offset + 50
        rest = await ask(api, task_id, f"bytes={first}-", whole.headers["ETag"], format=form, images="true")
        assert rest.content == whole.content[first:]
        assert 30 - number <= len(read) <= 32 - number, "both to say how long it is, and to send it"


@pytest.mark.parametrize(("form", "images"), [("jsonl", None), ("coco", None), ("imagefolder", None), ("yolo", True)])
async def test_a_part_ends_only_where_nothing_changed_meanwhile(api: Api, tmp_path, form, images):
    task_id = await rested(api)
    tasks = api.platform.tasks
    exports = Exports(tasks.store, tasks.objects, tmp_path)
    task, wanted = await tasks.store.task(task_id), Wanted(form=form, images=images)
    tag = await exports.tag(task, wanted)
    assert tag is not None
    size = await exports.size(task, wanted, tag, ADA)
    await touch(api, task_id)
    came = bytearray()

    async def receive() -> None:
        async for piece in exports.part(task, wanted, tag, Span(0, size - 1)):
            came.extend(piece)

    with pytest.raises(Unavailable, match="changed"):
        await receive()
    assert len(came) < size
    with pytest.raises(Unavailable, match="changed"):
        await exports.size(task, wanted, "another", ADA)


async def test_the_size_is_found_out_once_and_to_its_end_though_who_asked_has_gone(api: Api, monkeypatch):
    task_id = await rested(api, images=3)
    store = api.platform.tasks.store
    images_of, begun, waiting, walks = store.images, asyncio.Event(), asyncio.Event(), 0

    async def images(*args, after, **kwargs):
        nonlocal walks
        walks += not after
        begun.set()
        await waiting.wait()
        return await images_of(*args, after=after, **kwargs)

    monkeypatch.setattr(store, "images", images)
    asking = asyncio.create_task(ask(api, task_id, "bytes=1-", format="coco"))
    await begun.wait()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    asking = asyncio.create_task(ask(api, task_id, "bytes=1-", format="coco"))
    await asyncio.sleep(0.05)
    waiting.set()
    assert (await asking).status_code == 206
    assert walks == 2, "one for the size, one for the part"
    assert (await ask(api, task_id, "bytes=1-", format="coco")).status_code == 206
    assert walks == 3


async def test_what_is_found_out_for_those_who_have_gone_is_bounded_and_ends():
    sizes, asked = Sizes(), []

    async def find_out() -> int:
        await asyncio.Event().wait()
        return 1

    def ask_for(number: int, holder: Holder) -> "asyncio.Task[int]":
        asked.append(asyncio.create_task(sizes.of(str(number), holder, find_out)))
        return asked[-1]

    for number in range(MAX_AT_ONCE):
        ask_for(number, ADA)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for one in asked[: MAX_AT_ONCE // 2]:
        one.cancel()
    for one in asked[MAX_AT_ONCE // 2 :]:
        with pytest.raises(Unavailable, match="too many"):
            await one
    with pytest.raises(Unavailable, match="too many"):
        await ask_for(99, ADA)
    others = ask_for(100, Holder("there", "bob"))
    await asyncio.sleep(0)
    await sizes.close()
    assert (await asyncio.gather(others, return_exceptions=True))[0].__class__ is asyncio.CancelledError

    async def fail() -> int:
        raise Unavailable("the task has changed")

    async def succeed() -> int:
        return 7

    with pytest.raises(Unavailable, match="changed"):
        await sizes.of("0", ADA, fail)
    assert [await sizes.of("0", ADA, succeed), await sizes.of("0", ADA, fail)] == [7, 7]
