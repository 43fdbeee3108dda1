"""Images have smaller copies for people's eyes, which come and go with them."""

import httpx
import pytest

from services.task_manager.collector import GRACE_S
from shared.objects.keys import rendition_key, with_renditions
from shared.renditions import SCREEN, THUMBNAIL
from tests.service.running import Api, assert_problem
from tests.unit.test_pictures_samples import decoded, encoded, scene

LARGE, WIDE, SMALL = (2_000, 2_500), (480, 640), (200, 300)
"""Heights and widths: with a screen rendition, with a thumbnail, with none."""


async def task_with(api: Api, *pictures: tuple[str, bytes], **terms: object) -> tuple[str, list[dict]]:
    task_id = await api.task(**terms)
    assert (await api.upload(task_id, *pictures)).json()["accepted"] == len(pictures)
    await api.settled()
    return task_id, await api.results(task_id, order="upload")


async def stored_keys(api: Api) -> set[str]:
    return {key async for key in api.platform.objects.keys("", stored_before=float("inf"))}


async def object_keys(api: Api, task_id: str) -> list[str]:
    images = await api.platform.task_store.images(task_id, state=None, label=None, after="", limit=10)
    return [image.object_key for image in images]


async def shape_of(api: Api, url: str) -> tuple[int, int]:
    answer = await api.http.get(url)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg"), answer.text
    return decoded(answer.content).shape[:2]


async def test_results_leases_and_subtasks_show_an_image_s_renditions(api: Api):
    files = [(f"{size}.jpg", encoded(scene(*size), "jpg")) for size in (LARGE, WIDE, SMALL)]
    task_id, (large, wide, small) = await task_with(api, *files)
    assert await shape_of(api, large["thumbnail_url"]) == (256, 320)
    assert await shape_of(api, large["screen_url"]) == (1_280, 1_600)
    assert await shape_of(api, wide["thumbnail_url"]) == (240, 320)
    assert wide["screen_url"] is None
    assert (small["thumbnail_url"], small["screen_url"]) == (small["image_url"], None)
    shown = {image["image_id"]: image for image in (large, wide, small)}
    fields = ("image_url", "thumbnail_url", "screen_url", "width", "height", "filename")
    leases = await api.lease("ada", 3, task_id)
    assert len(leases) == 3
    for lease in leases:
        subtask = (await api.http.get(f"/api/subtasks/{lease['subtask_id']}")).json()
        expected = {name: shown[lease["subtask_id"]][name] for name in fields}
        assert {name: lease[name] for name in fields} == {name: subtask[name] for name in fields} == expected


async def test_browsers_may_keep_a_rendition_for_a_day(api: Api):
    files = [("stored", encoded(scene(*LARGE), "jpg")), ("not stored", encoded(scene(*WIDE), "png"))]
    _, images = await task_with(api, *files)
    for image in images:
        for _ in range(2):
            answer = await api.http.get(image["thumbnail_url"])
            assert answer.headers["cache-control"] == "private, max-age=86400, immutable"


async def test_a_rendition_that_was_not_stored_is_made_once_and_kept(api: Api):
    task_id, [image] = await task_with(api, ("a.png", encoded(scene(*LARGE), "png")))
    [key] = await object_keys(api, task_id)
    assert await stored_keys(api) == {key}
    assert await shape_of(api, image["thumbnail_url"]) == (256, 320)
    assert await shape_of(api, image["screen_url"]) == (1_280, 1_600)
    assert await stored_keys(api) == set(with_renditions(key))
    made = await api.platform.objects.get(rendition_key(key, THUMBNAIL))
    assert (await api.http.get(image["thumbnail_url"])).content == made


async def test_there_is_no_rendition_of_what_has_none(api: Api):
    task_id, [image] = await task_with(api, ("a.png", encoded(scene(*SMALL), "png")))
    [key] = await object_keys(api, task_id)
    for path in (
        rendition_key(key, THUMBNAIL),
        rendition_key(key, SCREEN),
        key,
        rendition_key(key.replace(image["image_id"], "0" * 32), THUMBNAIL),
        f"{task_id}/..%2f{key}.t320.jpg",
    ):
        assert_problem(await api.http.get(f"/api/renditions/{path}"), 404)
    assert await stored_keys(api) == {key}


async def gone(api: Api, task_id: str, image: dict) -> httpx.Response:
    return await api.http.delete(f"/api/tasks/{task_id}/images/{image['image_id']}")


async def erased(api: Api, task_id: str, _image: dict) -> httpx.Response:
    answer = await api.http.delete(f"/api/tasks/{task_id}")
    await api.platform.collector.sweep()
    return answer


@pytest.mark.parametrize("remove", [gone, erased])
@pytest.mark.parametrize("kind", ["jpg", "png"])
async def test_renditions_go_with_their_image(api: Api, remove, kind: str):
    task_id, [image] = await task_with(api, ("a", encoded(scene(*LARGE), kind)))
    for url in (image["thumbnail_url"], image["screen_url"]):
        assert (await api.http.get(url)).status_code == 200
    assert len(await stored_keys(api)) == 3
    assert (await remove(api, task_id, image)).status_code == 204
    assert await stored_keys(api) == set()
    assert_problem(await api.http.get(image["thumbnail_url"]), 404)


async def test_renditions_of_lost_images_are_collected_and_no_others(api: Api):
    task_id, _ = await task_with(api, ("a.jpg", encoded(scene(*LARGE), "jpg")))
    [key] = await object_keys(api, task_id)
    kept = await stored_keys(api)
    lost = key.replace(key[33:65], "0" * 32)
    await api.platform.objects.put_all(dict.fromkeys(with_renditions(lost)[1:], b"lost"))
    await api.platform.collector.sweep()
    assert await stored_keys(api) == kept | set(with_renditions(lost)[1:])  # an upload may be about to name it
    api.clock.ahead_s = GRACE_S + 60
    await api.platform.collector.sweep()
    assert await stored_keys(api) == kept == {key, rendition_key(key, THUMBNAIL)}


async def test_a_subtask_says_whether_unsure_is_an_answer(api: Api):
    for allow_unsure in (True, False):
        _, [image] = await task_with(api, ("a.png", encoded(scene(*SMALL), "png")), allow_unsure=allow_unsure)
        shown = (await api.http.get(f"/api/subtasks/{image['image_id']}")).json()
        assert shown["allow_unsure"] is allow_unsure
